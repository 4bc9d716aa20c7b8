// SPDX-License-Identifier: Apache-2.0
//
// Reads GGUF, versions 2 and 3, little-endian. A model that is split into shards is one GgufFile: open() takes any of them and
// opens all; metadata are those of the first, tensors those of all, in the order of the shards. The whole
// structure is checked before open() or parse() returns: every tensor's bytes lie inside its file, none overlap, names are
// unique. Tensor data itself is not touched before read().
//
// Errors name the field and the byte where it stands: corrupt_file where the content contradicts the format or lacks
// what a caller asks for, unsupported where it is a valid file that Krait does not take; open() also gives what
// DataFile gives. No count in the file makes the reader allocate more than the bytes behind the count justify.
//
//   KRAIT_TRY(const GgufFile file, GgufFile::open("model.gguf"));
//   KRAIT_TRY(const std::string_view arch, file.get_string("general.architecture"));
//   KRAIT_TRY(const uint32_t d_conv, file.get_u32("mamba.ssm.conv_kernel", 4));   // 4 where the key is absent
//   KRAIT_TRY(const GgufTensor* const weight, file.tensor("token_embd.weight"));
#pragma once

#include "formats/model_source.hpp"

namespace krait {

// A file that is open: the only one of a model, or a shard.
struct GgufShard {
    DataFile file;
    uint64_t data_offset = 0;          // where the data of tensors begins
    std::span<const std::byte> bytes;  // the whole file; of one that is read what precedes the data of tensors
    std::vector<std::byte> header;     // those, of one that is read

    [[nodiscard]] const std::string& name() const { return file.name(); }
};

class GgufFile final : public ModelSource {
  public:
    // Fails for a shard whose neighbours are not in its folder, and for shards that do not belong together.
    static Result<GgufFile> open(const std::filesystem::path& path, FileAccess access = FileAccess::mapped);
    // Borrows the bytes, which must outlive the object; name stands for the file in messages. A shard is taken by itself.
    static Result<GgufFile> parse(std::span<const std::byte> bytes, std::string name);

    GgufFile(GgufFile&&) noexcept;
    GgufFile& operator=(GgufFile&&) noexcept;
    ~GgufFile();

    // In their order; one where the model is not split.
    [[nodiscard]] std::span<const GgufShard> shards() const { return shards_; }
    [[nodiscard]] const std::string& name() const override { return shards_[0].name(); }  // of the first shard
    [[nodiscard]] size_t file_count() const override { return shards_.size(); }
    [[nodiscard]] const std::string& file_name(size_t file) const override { return shards_[file].name(); }
    [[nodiscard]] uint64_t file_size() const override;  // of all shards
    [[nodiscard]] uint32_t version() const override { return version_; }
    [[nodiscard]] std::string origin_of(const GgufTensor& tensor) const override;
    [[nodiscard]] std::vector<std::span<const std::byte>> descriptions() const override;
    [[nodiscard]] uint32_t alignment() const { return alignment_; }
    // The data of the first shard.
    [[nodiscard]] uint64_t data_offset() const { return shards_[0].data_offset; }
    [[nodiscard]] std::span<const std::byte> bytes() const { return shards_[0].bytes; }

    Result<void> read_part(const GgufTensor& tensor, uint64_t offset, std::span<std::byte> out) const override;
    [[nodiscard]] bool is_read() const { return shards_[0].file.is_read(); }
    void will_read(const GgufTensor& tensor) const override;
    void will_not_read(const GgufTensor& tensor) const override;
    void release_pages() const override;

  private:
    friend class GgufParser;
    GgufFile();

    static Result<GgufFile> open_one(const std::filesystem::path& path, FileAccess access);
    static Result<GgufFile> parse_mapped(DataFile file);
    static Result<GgufFile> parse_read(DataFile file);
    void append_shard(GgufFile shard);
    Result<void> index_tensors();

    std::vector<GgufShard> shards_;
    uint32_t version_ = 0;
    uint32_t alignment_ = kGgufDefaultAlignment;
};

}  // namespace krait
