// SPDX-License-Identifier: Apache-2.0
#include "core/base/dynamic_library.hpp"

#include <dlfcn.h>

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
    if (!dladdr(address, &info) || !info.dli_fname) return {};
    std::error_code ignored;
    return std::filesystem::canonical(info.dli_fname, ignored);
}

}  // namespace krait
