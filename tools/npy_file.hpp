// SPDX-License-Identifier: Apache-2.0
//
// Writes a float32 matrix as a NumPy .npy file (format version 1.0), rows as they come. The file appears whole, in
// finish(), or not at all.
#pragma once

#include <filesystem>
#include <span>

#include "core/base/output_file.hpp"

namespace krait::tools {

class NpyFile {
  public:
    static Result<NpyFile> create(const std::filesystem::path& target, int64_t n_row, int64_t n_col);

    Result<void> write(std::span<const float> values);
    Result<void> finish();

  private:
    NpyFile() = default;

    OutputFile output_;
    int64_t missing_ = 0;  // values still to be written
};

}  // namespace krait::tools
