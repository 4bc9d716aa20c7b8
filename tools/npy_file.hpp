// SPDX-License-Identifier: Apache-2.0
//
// Writes a float32 matrix as a NumPy .npy file (format version 1.0), rows as they come. Goes to a temporary file that takes
// the target's place in finish(); without it nothing is left behind.
#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>

#include "core/base/result.hpp"

namespace krait::tools {

class NpyFile {
  public:
    static Result<NpyFile> create(const std::filesystem::path& target, int64_t n_row, int64_t n_col);
    NpyFile(NpyFile&&) noexcept = default;
    ~NpyFile();

    Result<void> write(std::span<const float> values);
    Result<void> finish();

  private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    NpyFile() = default;
    tl::unexpected<Error> failure(const char* doing) const;

    std::filesystem::path target_, temporary_;
    std::unique_ptr<std::FILE, Close> file_;
    int64_t missing_ = 0;  // values still to be written
};

}  // namespace krait::tools
