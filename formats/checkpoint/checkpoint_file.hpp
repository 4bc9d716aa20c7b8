// SPDX-License-Identifier: Apache-2.0
//
// The tensors of a checkpoint: of one file, or of the shards that an index names. Readers of formats derive from it and add how
// a file is opened (SafetensorsFile, TorchFile); all else is the same for all of them and stands here. A reader has no state of
// its own, so that a CheckpointFile made of one is complete. Data is not touched before it is read.
#pragma once

#include <unordered_map>
#include <utility>
#include <vector>

#include "formats/checkpoint/checkpoint_tensor.hpp"
#include "formats/data_file.hpp"

namespace krait {

// One file and what its reader found in it.
struct CheckpointShard {
    std::vector<std::pair<std::string, std::string>> metadata;
    std::vector<CheckpointTensor> tensors;  // names are unique
};

class CheckpointFile {
  public:
    [[nodiscard]] const std::string& name() const { return name_; }  // as it was opened
    [[nodiscard]] const std::string& name_of(const CheckpointTensor& tensor) const { return shards_[tensor.shard].name(); }
    [[nodiscard]] std::span<const DataFile> shards() const { return shards_; }
    [[nodiscard]] uint64_t file_size() const;  // of all shards

    // "__metadata__" of safetensors, of all shards: mostly {"format", "pt"} alone. Other formats have none.
    [[nodiscard]] std::span<const std::pair<std::string, std::string>> metadata() const { return metadata_; }
    // In the order of their data, shard after shard.
    [[nodiscard]] std::span<const CheckpointTensor> tensors() const { return tensors_; }
    [[nodiscard]] const CheckpointTensor* find_tensor(std::string_view name) const;     // nullptr where absent
    [[nodiscard]] Result<const CheckpointTensor*> tensor(std::string_view name) const;  // an error where absent

    // As many bytes of a tensor's data as `out` has, from byte `offset` of it on, in the order of the extents. A tensor with
    // strides is gathered, run by run: where its last extent is not the densest, element by element.
    Result<void> read_part(const CheckpointTensor& tensor, uint64_t offset, std::span<std::byte> out) const;
    void will_read(const CheckpointTensor& tensor) const;      // a hint: soon
    void will_not_read(const CheckpointTensor& tensor) const;  // a hint: its pages may go
    void release_pages() const;                                // gives the pages of all mappings back

  protected:
    using ReadShard = Result<CheckpointShard> (*)(const DataFile& file);

    // A file whose name ends in .json is an index, which lies beside its files.
    static Result<CheckpointFile> open_with(ReadShard read, const std::filesystem::path& path, FileAccess access);
    static Result<CheckpointFile> open_one(ReadShard read, DataFile file);

  private:
    static Result<CheckpointFile> open_index(ReadShard read, const std::filesystem::path& path, FileAccess access);
    Result<void> append(ReadShard read, DataFile file);
    Result<void> index_tensors();

    std::string name_;
    std::vector<DataFile> shards_;
    std::vector<std::pair<std::string, std::string>> metadata_;
    std::vector<CheckpointTensor> tensors_;
    // The keys are views of the names in the vector above, which stay where they are when the object moves.
    std::unordered_map<std::string_view, size_t> tensor_index_;
};

}  // namespace krait
