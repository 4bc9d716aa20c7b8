// SPDX-License-Identifier: Apache-2.0
//
// Writes a float32 matrix as a NumPy .npy file (format version 1.0), rows as they come. The file appears whole, in
// finish(), or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "tools/result.hpp"

namespace krait {
class OutputFile;
}

namespace krait::tools {

class NpyFile {
  public:
    static api::Result<NpyFile> create(const std::filesystem::path& target, int64_t n_row, int64_t n_col);

    ~NpyFile();
    NpyFile(NpyFile&&) noexcept;
    NpyFile& operator=(NpyFile&&) noexcept;

    api::Status write(std::span<const float> values);
    api::Status finish();

  private:
    explicit NpyFile(OutputFile output);

    std::unique_ptr<OutputFile> output_;
    int64_t missing_ = 0;  // values still to be written
};

}  // namespace krait::tools
