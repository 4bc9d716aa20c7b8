// SPDX-License-Identifier: Apache-2.0
//
// A shared library that stays loaded as long as this object lives.
#pragma once

#include <filesystem>
#include <memory>

#include "core/base/result.hpp"

namespace krait {

class DynamicLibrary {
  public:
    // Loads with local symbols, all resolved now. The error carries the loader's own words.
    static Result<DynamicLibrary> open(const std::filesystem::path& path);

    // nullptr where the library does not export it.
    void* symbol(const char* name) const;

  private:
    struct Close {
        void operator()(void* handle) const;
    };
    explicit DynamicLibrary(void* handle) : handle_(handle) {}
    std::unique_ptr<void, Close> handle_;
};

// The file that holds the code of `address`: where the library or program that calls this lies. Empty if unknown.
std::filesystem::path file_of_code(const void* address);

}  // namespace krait
