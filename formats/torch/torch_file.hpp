// SPDX-License-Identifier: Apache-2.0
//
// Reads the checkpoints that torch.save writes: zip archives (pytorch_model.bin, .pt), one or the shards that an index names
// (pytorch_model.bin.index.json). Data is used where it lies in the file. No code of the file is run: the pickle in it is
// read by a machine that knows what a state dict needs and nothing else (pickle_reader.hpp). The structure of everything is
// checked before open() or parse() returns: the directory of the archive, the pickle, and that every tensor lies inside of
// its storage.
//
// Errors name the file, the entry or tensor and the byte: corrupt_file where the content contradicts itself, unsupported
// where the file is of another format, asks for what is not read, or holds no state dict, not_found where shards are missing.
// No count in the file makes the reader allocate more than its directory and its pickle justify.
//
//   KRAIT_TRY(const TorchFile file, TorchFile::open("pytorch_model.bin"));
//   KRAIT_TRY(const CheckpointTensor* const weight, file.tensor("backbone.embeddings.weight"));
//   KRAIT_CHECK(file.read_part(*weight, 0, bytes));
#pragma once

#include "formats/checkpoint/checkpoint_file.hpp"

namespace krait {

class TorchFile : public CheckpointFile {
  public:
    // A file whose name ends in .json is an index.
    static Result<TorchFile> open(const std::filesystem::path& path, FileAccess access = FileAccess::mapped);
    // Borrows the bytes, which must outlive the object; name stands for the file in messages.
    static Result<TorchFile> parse(std::span<const std::byte> bytes, std::string name);

  private:
    explicit TorchFile(CheckpointFile file) : CheckpointFile(std::move(file)) {}
};

}  // namespace krait
