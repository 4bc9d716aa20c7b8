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

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "formats/data_file.hpp"
#include "formats/gguf/gguf_types.hpp"

namespace krait {

struct GgufMetadata;

// A tensor's data, in memory of its own where the file is not mapped.
struct GgufBytes {
    std::span<const std::byte> bytes;
    std::unique_ptr<std::byte[]> own;
};

// A file that is open: the only one of a model, or a shard.
struct GgufShard {
    DataFile file;
    uint64_t data_offset = 0;          // where the data of tensors begins
    std::span<const std::byte> bytes;  // the whole file; of one that is read what precedes the data of tensors
    std::vector<std::byte> header;     // those, of one that is read

    [[nodiscard]] const std::string& name() const { return file.name(); }
};

class GgufFile {
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
    [[nodiscard]] const std::string& name() const { return shards_[0].name(); }  // of the first shard
    [[nodiscard]] const std::string& name_of(const GgufTensor& tensor) const { return shards_[tensor.shard].name(); }
    [[nodiscard]] uint32_t version() const { return version_; }
    [[nodiscard]] uint32_t alignment() const { return alignment_; }
    [[nodiscard]] uint64_t file_size() const;  // of all shards
    // Of the first shard.
    [[nodiscard]] uint64_t data_offset() const { return shards_[0].data_offset; }
    [[nodiscard]] std::span<const std::byte> bytes() const { return shards_[0].bytes; }
    // Hints to the system about a part of the mapping, for example about one tensor's bytes; nothing where there is none.
    void advise(MappedFile::Advice advice, std::span<const std::byte> part) const;
    // Gives all pages of all mappings back; they come in again when they are touched.
    void release_pages() const;

    // Whatever the access: the data of a tensor, or the first `max_bytes` bytes of it. An error where the file cannot be read
    // any more.
    Result<GgufBytes> read(const GgufTensor& tensor, uint64_t max_bytes = UINT64_MAX) const;
    // As many bytes of a tensor's data as `out` has, from byte `offset` of it on.
    Result<void> read_part(const GgufTensor& tensor, uint64_t offset, std::span<std::byte> out) const;
    [[nodiscard]] bool is_read() const { return shards_[0].file.is_read(); }
    // A hint: this tensor is read soon.
    void will_read(const GgufTensor& tensor) const;

    // ---- metadata, in the order of the file ----
    // A GgufMetadata is complete with gguf_value.hpp.
    [[nodiscard]] std::span<const GgufMetadata> metadata() const;
    [[nodiscard]] const GgufMetadata* find(std::string_view key) const;  // nullptr where absent
    // Gives the memory of a value back that is not needed any more, a vocabulary's; the key stays, with an empty array of
    // strings.
    void forget(std::string_view key);
    [[nodiscard]] bool has(std::string_view key) const { return find(key) != nullptr; }

    // The value as T, or an error that names the key, its place, what it is and what was expected.
    // T: int8_t ... uint64_t (from any integer type that holds the value), float and double (from either), bool,
    // std::string_view, std::span<const std::string>; std::vector of an integer type, float, double or bool, from arrays
    // with the same rules for each element. Views live as long as the GgufFile, moves included.
    template <class T>
    [[nodiscard]] Result<T> get(std::string_view key) const;
    // nullopt where the key is absent; a value of the wrong kind is still an error.
    template <class T>
    [[nodiscard]] Result<std::optional<T>> get_optional(std::string_view key) const;
    // fallback where the key is absent; a value of the wrong kind is still an error.
    template <class T>
    [[nodiscard]] Result<T> get_or(std::string_view key, T fallback) const;

    Result<uint32_t> get_u32(std::string_view key) const { return get<uint32_t>(key); }
    Result<uint32_t> get_u32(std::string_view key, uint32_t fallback) const { return get_or(key, fallback); }
    Result<int32_t> get_i32(std::string_view key) const { return get<int32_t>(key); }
    Result<int32_t> get_i32(std::string_view key, int32_t fallback) const { return get_or(key, fallback); }
    Result<uint64_t> get_u64(std::string_view key) const { return get<uint64_t>(key); }
    Result<uint64_t> get_u64(std::string_view key, uint64_t fallback) const { return get_or(key, fallback); }
    Result<int64_t> get_i64(std::string_view key) const { return get<int64_t>(key); }
    Result<int64_t> get_i64(std::string_view key, int64_t fallback) const { return get_or(key, fallback); }
    Result<float> get_f32(std::string_view key) const { return get<float>(key); }
    Result<float> get_f32(std::string_view key, float fallback) const { return get_or(key, fallback); }
    Result<bool> get_bool(std::string_view key) const { return get<bool>(key); }
    Result<bool> get_bool(std::string_view key, bool fallback) const { return get_or(key, fallback); }
    Result<std::string_view> get_string(std::string_view key) const { return get<std::string_view>(key); }
    // fallback must outlive the result.
    Result<std::string_view> get_string(std::string_view key, std::string_view fallback) const { return get_or(key, fallback); }
    Result<std::span<const std::string>> get_string_array(std::string_view key) const {
        return get<std::span<const std::string>>(key);
    }
    Result<std::vector<int32_t>> get_i32_array(std::string_view key) const { return get<std::vector<int32_t>>(key); }
    Result<std::vector<uint32_t>> get_u32_array(std::string_view key) const { return get<std::vector<uint32_t>>(key); }
    Result<std::vector<float>> get_f32_array(std::string_view key) const { return get<std::vector<float>>(key); }

    // ---- tensors, in the order of the file, shard after shard ----
    [[nodiscard]] std::span<const GgufTensor> tensors() const { return tensors_; }
    [[nodiscard]] const GgufTensor* find_tensor(std::string_view name) const;     // nullptr where absent
    [[nodiscard]] Result<const GgufTensor*> tensor(std::string_view name) const;  // an error where absent; never nullptr

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
    std::vector<GgufMetadata> metadata_;
    std::vector<GgufTensor> tensors_;
    // The keys are views of the names in the vectors above, which stay where they are when the object moves.
    std::unordered_map<std::string_view, size_t> metadata_index_;
    std::unordered_map<std::string_view, size_t> tensor_index_;
};

}  // namespace krait
