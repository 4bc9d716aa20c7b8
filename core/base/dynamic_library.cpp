// SPDX-License-Identifier: Apache-2.0
#include "core/base/dynamic_library.hpp"

#include <dlfcn.h>
#include <link.h>

namespace krait {

void DynamicLibrary::Close::operator()(void* handle) const { dlclose(handle); }

Result<DynamicLibrary> DynamicLibrary::open(const std::filesystem::path& path) {
    dlerror();
    void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        const char* reason = dlerror();
        return fail(ErrorCode::unavailable, "cannot be loaded: {}", reason ? reason : "no reason given");
    }
    return DynamicLibrary(handle);
}

void* DynamicLibrary::symbol(const char* name) const { return dlsym(handle_.get(), name); }

std::filesystem::path file_of_code(const void* address) {
    Dl_info info{};
    void* extra = nullptr;
    if (!dladdr1(address, &info, &extra, RTLD_DL_LINKMAP) || !info.dli_fname) return {};
    // The name of the program itself is what it was called by, perhaps without a folder; the map of it has no name.
    const auto* map = static_cast<const link_map*>(extra);
    const bool is_program = map && map->l_name && !*map->l_name;
    std::error_code error;
    auto file = std::filesystem::canonical(is_program ? "/proc/self/exe" : info.dli_fname, error);
    return error ? std::filesystem::path() : file;
}

}  // namespace krait
