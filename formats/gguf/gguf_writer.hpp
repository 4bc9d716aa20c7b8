// SPDX-License-Identifier: Apache-2.0
//
// Writes GGUF version 3, tensor by tensor, so that memory stays near one tensor whatever the file's size.
//
//   KRAIT_TRY(GgufWriter writer, GgufWriter::create("out.gguf"));
//   KRAIT_CHECK(writer.add("general.architecture", std::string("mamba")));
//   KRAIT_CHECK(writer.declare("output_norm.weight", DType::F32, extents));       // all of them, Krait's order
//   KRAIT_CHECK(writer.write_tensor("output_norm.weight", bytes));                // in the order of declaration
//   KRAIT_CHECK(writer.finish());
//
// A disk without room for the whole file is an error before the first byte. The file appears whole, in finish(), or not at all
// (core/base/output_file.hpp). After an error the writer accepts nothing more than its destruction.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <unordered_set>

#include "core/base/output_file.hpp"
#include "formats/gguf/gguf_value.hpp"

namespace krait {

// Bytes that an entry takes in the file, and a tensor's record.
uint64_t gguf_metadata_bytes(const GgufMetadata& entry);
uint64_t gguf_record_bytes(std::string_view tensor_name, uint32_t rank);
inline constexpr uint64_t kGgufHeaderBytes = 24;  // magic, version, two counts

class GgufWriter {
  public:
    // Fails where no file can be made beside the target, or where the target is a directory.
    static Result<GgufWriter> create(const std::filesystem::path& target);

    // Before the first byte of data. general.alignment may be given (any integer type); else it is 32 and not written.
    Result<void> add(std::string key, GgufValue value);
    Result<void> declare(std::string name, DType dtype, std::span<const int64_t> extents);
    Result<void> declare(std::string name, DType dtype, std::initializer_list<int64_t> extents) {
        return declare(std::move(name), dtype, std::span<const int64_t>(extents.begin(), extents.size()));
    }

    // Fails where the disk has less room than that; the first byte of data asks it for the whole file anyway.
    Result<void> check_room(uint64_t bytes) { return output_.check_room(bytes); }

    // All bytes of the next tensor. name must be the next one declared: the order of data is the order of declaration.
    Result<void> write_tensor(std::string_view name, std::span<const std::byte> bytes);
    // Some more bytes of the next tensor; it is complete when all have come.
    Result<void> write_part(std::string_view name, std::span<const std::byte> bytes);

    // Checks that every tensor is complete, flushes to the disk, renames. Nothing may follow.
    Result<void> finish();

    // Bytes written so far; after finish(), the size of the file.
    [[nodiscard]] uint64_t bytes_written() const { return output_.position(); }

  private:
    struct Tensor {
        std::string name;
        TensorDesc desc;
        uint64_t byte_size;
    };

    GgufWriter() = default;
    Result<void> accepts_declarations(std::string_view what) const;
    Result<void> write_header();
    Result<void> pad_to_alignment();

    OutputFile output_;
    std::vector<GgufMetadata> metadata_;
    std::vector<Tensor> tensors_;
    std::unordered_set<std::string> keys_;
    std::unordered_set<std::string> names_;
    uint64_t alignment_ = kGgufDefaultAlignment;
    uint64_t tensor_bytes_ = 0;  // of tensors_[next_tensor_] already written
    size_t next_tensor_ = 0;
    bool header_written_ = false;
};

}  // namespace krait
