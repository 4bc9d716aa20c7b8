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
//   KRAIT_TRY(const SafetensorsTensor* const weight, file.tensor("backbone.embeddings.weight"));
//   KRAIT_CHECK(file.read_part(*weight, 0, bytes));
#pragma once

#include <unordered_map>
#include <utility>
#include <vector>

#include "formats/data_file.hpp"
#include "formats/safetensors/safetensors_types.hpp"

namespace krait {

class SafetensorsFile {
  public:
    // A file whose name ends in .json is an index.
    static Result<SafetensorsFile> open(const std::filesystem::path& path, FileAccess access = FileAccess::mapped);
    // Borrows the bytes, which must outlive the object; name stands for the file in messages.
    static Result<SafetensorsFile> parse(std::span<const std::byte> bytes, std::string name);

    [[nodiscard]] const std::string& name() const { return name_; }  // as it was opened
    [[nodiscard]] const std::string& name_of(const SafetensorsTensor& tensor) const { return shards_[tensor.shard].name(); }
    [[nodiscard]] std::span<const DataFile> shards() const { return shards_; }
    [[nodiscard]] uint64_t file_size() const;  // of all shards

    // "__metadata__", of all shards: mostly {"format", "pt"} alone.
    [[nodiscard]] std::span<const std::pair<std::string, std::string>> metadata() const { return metadata_; }
    // In the order of their data, shard after shard.
    [[nodiscard]] std::span<const SafetensorsTensor> tensors() const { return tensors_; }
    [[nodiscard]] const SafetensorsTensor* find_tensor(std::string_view name) const;     // nullptr where absent
    [[nodiscard]] Result<const SafetensorsTensor*> tensor(std::string_view name) const;  // an error where absent

    // As many bytes of a tensor's data as `out` has, from byte `offset` of it on.
    Result<void> read_part(const SafetensorsTensor& tensor, uint64_t offset, std::span<std::byte> out) const;
    void will_read(const SafetensorsTensor& tensor) const;  // a hint: soon
    void release_pages() const;                             // gives the pages of all mappings back

  private:
    SafetensorsFile() = default;
    static Result<SafetensorsFile> open_one(DataFile file);
    static Result<SafetensorsFile> open_index(const std::filesystem::path& path, FileAccess access);
    void append_shard(SafetensorsFile shard);
    Result<void> index_tensors();

    std::string name_;
    std::vector<DataFile> shards_;
    std::vector<std::pair<std::string, std::string>> metadata_;
    std::vector<SafetensorsTensor> tensors_;
    // The keys are views of the names in the vector above, which stay where they are when the object moves.
    std::unordered_map<std::string_view, size_t> tensor_index_;
};

}  // namespace krait
