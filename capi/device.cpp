// SPDX-License-Identifier: Apache-2.0
#include "capi/api.hpp"

using namespace krait;
using namespace krait::capi;

const char* krait_version(void) { return KRAIT_VERSION; }

krait_code krait_backend_folder_add(const char* path, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(path, "path"));
        std::error_code ec;
        if (!std::filesystem::is_directory(path, ec)) return fail(ErrorCode::not_found, "{} is not a folder", path);
        PluginRegistry::instance().add_folder(path);
        return {};
    });
}

size_t krait_device_count(void) {
    size_t count = 0;
    guarded(nullptr, [&]() -> Result<void> {
        count = PluginRegistry::instance().devices().size();
        return {};
    });
    return count;
}

krait_code krait_device_describe(size_t index, krait_device_description* out, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(out, "out"));
        const auto devices = PluginRegistry::instance().devices();
        if (index >= devices.size())
            return fail(ErrorCode::not_found, "there is no device {}: {} were found", index, devices.size());
        const DeviceListing& device = devices[index];
        if (!device.error.empty()) return fail(ErrorCode::unavailable, "{}: {}", device.name, device.error);
        *out = {};
        set_text(out->name, device.name);
        set_text(out->description, device.info.name);
        set_text(out->features, device.info.features);
        out->memory_total = device.info.memory_total;
        out->memory_free = device.info.memory_free;
        out->is_auto = device.info.auto_rank > 0;
        return {};
    });
}
