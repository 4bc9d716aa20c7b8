// SPDX-License-Identifier: Apache-2.0
#include "core/runtime/plugin.hpp"

#include <algorithm>
#include <cstring>

#include "core/ops/op_hash.hpp"

namespace krait {
namespace {

constexpr uint32_t major_of(uint32_t version) { return version >> 16; }
constexpr uint32_t minor_of(uint32_t version) { return version & 0xffffu; }

bool is_word(const char* text, bool may_be_empty) {
    if (!text) return false;
    const std::string_view word = text;
    if (word.empty()) return may_be_empty;
    return word.size() <= 32 && !(word.back() >= '0' && word.back() <= '9' && !may_be_empty) &&
           std::all_of(word.begin(), word.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
           });
}

bool has_all_functions(const krait_backend& table) {
    const void* functions[] = {(void*)table.score,
                               (void*)table.device_count,
                               (void*)table.device_info,
                               (void*)table.device_open,
                               (void*)table.device_close,
                               (void*)table.device_capabilities,
                               (void*)table.buffer_create,
                               (void*)table.buffer_import_host,
                               (void*)table.buffer_destroy,
                               (void*)table.buffer_size,
                               (void*)table.buffer_map,
                               (void*)table.constant_upload,
                               (void*)table.memory_create,
                               (void*)table.supports,
                               (void*)table.program_create,
                               (void*)table.program_destroy,
                               (void*)table.queue_create,
                               (void*)table.queue_destroy,
                               (void*)table.queue_write,
                               (void*)table.queue_read,
                               (void*)table.queue_copy,
                               (void*)table.queue_run,
                               (void*)table.queue_memory_export,
                               (void*)table.queue_memory_import,
                               (void*)table.queue_memory_copy,
                               (void*)table.queue_sync,
                               (void*)table.event_create,
                               (void*)table.event_destroy,
                               (void*)table.queue_signal,
                               (void*)table.queue_wait,
                               (void*)table.event_value,
                               (void*)table.event_wait};
    return std::none_of(std::begin(functions), std::end(functions), [](const void* f) { return f == nullptr; });
}

Result<const krait_backend*> query_and_check(krait_plugin_query_fn query, const krait_host& host) {
    const auto refused = ErrorCode::unavailable;
    const krait_backend* table = query(KRAIT_ABI_VERSION, &host);
    if (!table)
        return fail(refused, "the plugin does not work with version {}.{} of the plugin ABI; build it again against this Krait",
                    KRAIT_ABI_MAJOR, KRAIT_ABI_MINOR);
    if (major_of(table->abi_version) != KRAIT_ABI_MAJOR)
        return fail(
            refused,
            "the plugin was built for version {}.{} of the plugin ABI, this host for {}.{}; build it again against this Krait",
            major_of(table->abi_version), minor_of(table->abi_version), KRAIT_ABI_MAJOR, KRAIT_ABI_MINOR);
    if (table->struct_size < KRAIT_BACKEND_SIZE_2_0)
        return fail(refused, "the plugin's table has {} bytes, version {}.0 of the ABI has {}", table->struct_size,
                    KRAIT_ABI_MAJOR, KRAIT_BACKEND_SIZE_2_0);
    if (!is_word(table->family, false) || !is_word(table->variant, true) || !table->version)
        return fail(refused, "the plugin has no proper name (family: a-z, 0-9, - and _, not ending in a digit)");
    if (!has_all_functions(*table)) return fail(refused, "the plugin '{}' leaves functions of its table empty", table->family);
    if (table->n_ops == 0 || !table->ops)
        return fail(refused, "the plugin '{}' leaves its list of operators empty", table->family);
    if (table->formats_hash != formats_hash())
        return fail(refused, "the plugin '{}' was built with another list of weight formats; build it again against this Krait",
                    table->family);
    return table;
}

// Whether the plugin was built with each operator of this host; it must be the same one then.
Result<std::vector<bool>> known_ops(const krait_backend& table) {
    std::vector<bool> known(kOpCount, false);
    for (const krait_op_version& built_with : std::span(table.ops, table.n_ops)) {
        if (built_with.op >= kOpCount) continue;  // came after this host, which has no use for it
        if (built_with.hash != kOpVersions[built_with.op].hash)
            return fail(ErrorCode::unavailable,
                        "the plugin '{}' was built with another revision of the operator {}; build it again against this Krait",
                        table.family, kOpNames[built_with.op]);
        known[built_with.op] = true;
    }
    return known;
}

}  // namespace

Result<std::shared_ptr<Plugin>> Plugin::load(const std::filesystem::path& path, const krait_host& host) {
    KRAIT_TRY(DynamicLibrary library, DynamicLibrary::open(path));
    const auto query = reinterpret_cast<krait_plugin_query_fn>(library.symbol(KRAIT_PLUGIN_QUERY_NAME));
    if (!query) return fail(ErrorCode::unavailable, "not a Krait plugin: it exports no '{}'", KRAIT_PLUGIN_QUERY_NAME);
    KRAIT_TRY(const krait_backend* table, query_and_check(query, host));
    KRAIT_TRY(std::vector<bool> known, known_ops(*table));
    auto plugin = std::shared_ptr<Plugin>(new Plugin);
    plugin->known_ops_ = std::move(known);
    plugin->library_ = std::move(library);
    plugin->path_ = path;
    plugin->api_ = table;
    return plugin;
}

Result<std::shared_ptr<Plugin>> Plugin::adopt(std::string name, krait_plugin_query_fn query, const krait_host& host) {
    KRAIT_TRY(const krait_backend* table, query_and_check(query, host));
    KRAIT_TRY(std::vector<bool> known, known_ops(*table));
    auto plugin = std::shared_ptr<Plugin>(new Plugin);
    plugin->known_ops_ = std::move(known);
    plugin->path_ = "(linked in) " + name;
    plugin->api_ = table;
    return plugin;
}

Error error_from_plugin(krait_status status, const krait_error& error) {
    const bool known = status > KRAIT_STATUS_OK && status <= KRAIT_STATUS_INTERNAL;
    const std::string message(error.message, strnlen(error.message, sizeof error.message));
    return {
        known ? static_cast<ErrorCode>(status) : ErrorCode::internal,
        message.empty() ? fmt::format("the plugin failed with status {} and no message", static_cast<int>(status)) : message};
}

}  // namespace krait
