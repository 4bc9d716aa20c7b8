// SPDX-License-Identifier: Apache-2.0
//
// Reads safetensors: one file, or the shards that an index names (model.safetensors.index.json). The whole structure is checked
// before open() or parse() returns: every tensor has the size of its shape, they lie in the file one behind the other without
// holes, overlaps and rests, names are unique, and a shard lies in the folder of its index. Data is not touched before it is
// read.
//
// Errors name the file, the tensor and the byte: corrupt_file where the content contradicts the format, unsupported where the
// file is of another format, not_found where shards are missing. No count in the file makes the reader allocate more than the
// bytes of the header justify.
//
//   KRAIT_TRY(const SafetensorsFile file, SafetensorsFile::open("model.safetensors"));
//   KRAIT_TRY(const CheckpointTensor* const weight, file.tensor("backbone.embeddings.weight"));
//   KRAIT_CHECK(file.read_part(*weight, 0, bytes));
#pragma once

#include "formats/checkpoint/checkpoint_file.hpp"
#include "formats/safetensors/safetensors_types.hpp"

namespace krait {

class SafetensorsFile : public CheckpointFile {
  public:
    // A file whose name ends in .json is an index.
    static Result<SafetensorsFile> open(const std::filesystem::path& path, FileAccess access = FileAccess::mapped);
    // Borrows the bytes, which must outlive the object; name stands for the file in messages.
    static Result<SafetensorsFile> parse(std::span<const std::byte> bytes, std::string name);

  private:
    explicit SafetensorsFile(CheckpointFile file) : CheckpointFile(std::move(file)) {}
};

}  // namespace krait
