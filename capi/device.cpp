// SPDX-License-Identifier: Apache-2.0
//
// include/krait/device.h: folders of plugins, and lists of devices.
#include "capi/api.hpp"

using namespace krait;
using namespace krait::capi;

struct krait_device_list {
    std::vector<DeviceListing> devices;
};

namespace {

const DeviceListing* device_at(const krait_device_list* list, size_t index) {
    return list && index < list->devices.size() ? &list->devices[index] : nullptr;
}

}  // namespace

krait_code krait_backend_folder_add(const char* path, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(path, "path"));
        std::error_code ec;
        if (!std::filesystem::is_directory(path, ec)) return fail(ErrorCode::not_found, "{} is not a folder", path);
        PluginRegistry::instance().add_folder(path);
        return {};
    });
}

krait_code krait_device_list_create(krait_device_list** out, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(out, "out"));
        *out = nullptr;
        *out = new krait_device_list{PluginRegistry::instance().devices()};
        return {};
    });
}

void krait_device_list_free(krait_device_list* list) { delete list; }

size_t krait_device_list_size(const krait_device_list* list) { return list ? list->devices.size() : 0; }

const char* krait_device_name(const krait_device_list* list, size_t index) {
    const DeviceListing* device = device_at(list, index);
    return device ? device->name.c_str() : nullptr;
}

const char* krait_device_product(const krait_device_list* list, size_t index) {
    const DeviceListing* device = device_at(list, index);
    return device && device->error.empty() ? device->info.name : nullptr;
}

const char* krait_device_features(const krait_device_list* list, size_t index) {
    const DeviceListing* device = device_at(list, index);
    return device && device->error.empty() ? device->info.features : nullptr;
}

const char* krait_device_error(const krait_device_list* list, size_t index) {
    const DeviceListing* device = device_at(list, index);
    return device && !device->error.empty() ? device->error.c_str() : nullptr;
}

uint64_t krait_device_memory_total(const krait_device_list* list, size_t index) {
    const DeviceListing* device = device_at(list, index);
    return device && device->error.empty() ? device->info.memory_total : 0;
}

uint64_t krait_device_memory_free(const krait_device_list* list, size_t index) {
    const DeviceListing* device = device_at(list, index);
    return device && device->error.empty() ? device->info.memory_free : 0;
}

int krait_device_is_auto(const krait_device_list* list, size_t index) {
    const DeviceListing* device = device_at(list, index);
    return device && device->error.empty() && device->info.auto_rank > 0 ? 1 : 0;
}
