// SPDX-License-Identifier: Apache-2.0
//
// Writes one safetensors file: tensors are declared, then their bytes come in the same order. The file appears whole, in
// finish(), or not at all.
//
//   KRAIT_TRY(SafetensorsWriter writer, SafetensorsWriter::create("model.safetensors"));
//   KRAIT_CHECK(writer.declare("backbone.norm_f.weight", DType::F32, {{768}}));
//   KRAIT_CHECK(writer.write_part("backbone.norm_f.weight", bytes));   // as often as it takes
//   KRAIT_CHECK(writer.finish());
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/output_file.hpp"
#include "core/tensor/tensor_desc.hpp"

namespace krait {

class SafetensorsWriter {
  public:
    static Result<SafetensorsWriter> create(const std::filesystem::path& target);

    // dtype: F32, F16 or BF16. Outermost extent first. Before the first bytes.
    Result<void> declare(std::string_view name, DType dtype, std::span<const int64_t> extents);
    // The next bytes of the tensor that is under way, or the first of the one after it. The first call of all writes the
    // header, and fails where the disk has no room for the file.
    Result<void> write_part(std::string_view name, std::span<const std::byte> bytes);
    // Fails where bytes are missing.
    Result<void> finish();

    [[nodiscard]] uint64_t bytes_written() const { return file_.position(); }

  private:
    struct Tensor {
        std::string name;
        uint64_t size = 0, written = 0;
    };
    Result<void> write_header();

    OutputFile file_;
    std::string entries_;  // of the header, as JSON
    std::vector<Tensor> tensors_;
    uint64_t data_size_ = 0;
    size_t next_ = 0;  // of tensors_
    bool has_header_ = false;
};

}  // namespace krait
