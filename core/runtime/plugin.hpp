// SPDX-License-Identifier: Apache-2.0
//
// One backend plugin: a library that was loaded, checked and found to fit this host.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "core/base/dynamic_library.hpp"

namespace krait {

class Plugin {
  public:
    // Loads and checks: the exported symbol, the ABI version, a complete table, the same formats and operators. Does not ask
    // for the score.
    static Result<std::shared_ptr<Plugin>> load(const std::filesystem::path& path, const krait_host& host);

    // The same checks for a plugin that is linked in (KRAIT_STATIC_PLUGINS).
    static Result<std::shared_ptr<Plugin>> adopt(std::string name, krait_plugin_query_fn query, const krait_host& host);

    const krait_backend& api() const { return *api_; }
    const std::filesystem::path& path() const { return path_; }
    // Whether the plugin was built with that operator of core/ops/op_list.def. It is not asked about another one.
    bool knows(uint32_t op) const { return op < known_ops_.size() && known_ops_[op]; }
    std::string_view family() const { return api_->family; }
    std::string_view variant() const { return api_->variant; }

  private:
    Plugin() = default;
    std::optional<DynamicLibrary> library_;  // none where linked in
    std::filesystem::path path_;
    const krait_backend* api_ = nullptr;
    std::vector<bool> known_ops_;
};

// An error that a plugin filled in, as ours.
Error error_from_plugin(krait_status status, const krait_error& error);

// A krait_error ready to be passed to a plugin.
inline krait_error empty_plugin_error() {
    krait_error error;
    error.struct_size = sizeof error;
    error.code = KRAIT_STATUS_OK;
    error.message[0] = '\0';
    return error;
}

// call([&](krait_error* err) { return api.buffer_create(device, kind, size, &out, err); })
template <class Function>
Result<void> call_plugin(Function&& function) {
    krait_error error = empty_plugin_error();
    const krait_status status = function(&error);
    if (status == KRAIT_STATUS_OK) return {};
    return tl::unexpected<Error>(error_from_plugin(status, error));
}

}  // namespace krait
