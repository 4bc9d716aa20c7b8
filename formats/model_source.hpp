// SPDX-License-Identifier: Apache-2.0
//
// A model as it lies somewhere: metadata by GGUF's keys and tensors by GGUF's names, whatever the files are. GGUF files are one
// source (gguf/gguf_reader.hpp), a folder of Hugging Face's is another (huggingface/folder.hpp), which maps names and converts
// tensors when they are read.
//
// Everything that is said about tensors has been checked when a source exists: bytes lie inside their files, names are unique,
// types are types of weights or i32. Data itself is not touched before it is read. All functions may be called from any thread.
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "formats/data_file.hpp"
#include "formats/gguf/gguf_types.hpp"

namespace krait {

struct GgufMetadata;

// A tensor's data, in memory of its own where it is not in a mapping as it is.
struct TensorBytes {
    std::span<const std::byte> bytes;
    std::unique_ptr<std::byte[]> own;
};

class ModelSource {
  public:
    virtual ~ModelSource();
    ModelSource(const ModelSource&) = delete;
    ModelSource& operator=(const ModelSource&) = delete;

    // ---- files ----
    [[nodiscard]] virtual const std::string& name() const = 0;  // for messages: a path
    // The files that tensors lie in; GgufTensor::shard is a number of one.
    [[nodiscard]] virtual size_t file_count() const = 0;
    [[nodiscard]] virtual const std::string& file_name(size_t file) const = 0;
    [[nodiscard]] virtual uint64_t file_size() const = 0;  // of all of them
    [[nodiscard]] virtual uint32_t version() const = 0;    // of GGUF; 0 where this is none
    [[nodiscard]] const std::string& name_of(const GgufTensor& tensor) const { return file_name(tensor.shard); }
    // Where a tensor is described, for complaints: "record at byte 120".
    [[nodiscard]] virtual std::string origin_of(const GgufTensor& tensor) const = 0;
    // The bytes that describe metadata and tensors: together with samples of the data it tells models apart.
    [[nodiscard]] virtual std::vector<std::span<const std::byte>> descriptions() const = 0;
    // Why there is no tokenizer among the metadata, where a source knows that: not_found where its files have none, another
    // code where they have one that cannot be used. Else nullptr.
    [[nodiscard]] virtual const Error* why_no_tokenizer() const { return nullptr; }
    // Flaws that were got over: sentences for the user.
    [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

    // ---- data of tensors; errors where a file cannot be read any more ----
    // All of it, or its first `max_bytes` bytes: in the mapping where they lie there as they are, aligned as in any GGUF file.
    [[nodiscard]] Result<TensorBytes> read(const GgufTensor& tensor, uint64_t max_bytes = UINT64_MAX) const;
    // As many bytes as `out` has, from byte `offset` of it on.
    virtual Result<void> read_part(const GgufTensor& tensor, uint64_t offset, std::span<std::byte> out) const = 0;
    virtual void will_read(const GgufTensor& tensor) const = 0;      // a hint: soon
    virtual void will_not_read(const GgufTensor& tensor) const = 0;  // a hint: its pages may go
    virtual void release_pages() const = 0;  // of all mappings; they come in again when they are touched

    // ---- metadata, in their order ----
    // A GgufMetadata is complete with gguf/gguf_value.hpp.
    [[nodiscard]] std::span<const GgufMetadata> metadata() const;
    [[nodiscard]] const GgufMetadata* find(std::string_view key) const;  // nullptr where absent
    // Gives the memory of a value back that is not needed any more, a vocabulary's; the key stays, with an empty array of
    // strings.
    void forget(std::string_view key);
    // Another tokenizer instead of the model's own: entries with keys "tokenizer." and "krait.tokenizer.". Chat templates stay
    // where the other one has none.
    void replace_tokenizer(std::vector<GgufMetadata> entries, std::vector<std::string> warnings);
    [[nodiscard]] bool has(std::string_view key) const { return find(key) != nullptr; }

    // The value as T, or an error that names the key, its place, what it is and what was expected.
    // T: int8_t ... uint64_t (from any integer type that holds the value), float and double (from either), bool,
    // std::string_view, std::span<const std::string>; std::vector of an integer type, float, double or bool, from arrays
    // with the same rules for each element. Views live as long as the source, moves included.
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

    // ---- tensors, in their order, file after file ----
    [[nodiscard]] std::span<const GgufTensor> tensors() const { return tensors_; }
    [[nodiscard]] const GgufTensor* find_tensor(std::string_view name) const;     // nullptr where absent
    [[nodiscard]] Result<const GgufTensor*> tensor(std::string_view name) const;  // an error where absent; never nullptr

  protected:
    ModelSource();
    ModelSource(ModelSource&&) noexcept;
    ModelSource& operator=(ModelSource&&) noexcept;

    // For sources that make their lists themselves: no name comes twice.
    void index();

    std::vector<GgufMetadata> metadata_;
    std::vector<GgufTensor> tensors_;
    // The keys are views of the names in the vectors above, which stay where they are when the object moves.
    std::unordered_map<std::string_view, size_t> metadata_index_;
    std::unordered_map<std::string_view, size_t> tensor_index_;
    std::vector<std::string> warnings_;
};

}  // namespace krait
