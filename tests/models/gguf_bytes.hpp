// SPDX-License-Identifier: Apache-2.0
//
// Builds GGUF files byte by byte, wrong ones included: RawGguf checks nothing. build() also tells where each field lies,
// so that a test can say which byte an error must name, or can overwrite that field.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace krait::test {

class Bytes {
  public:
    template <class T>
    requires std::is_arithmetic_v<T> Bytes& put(T value) { return raw(std::as_bytes(std::span(&value, 1))); }
    Bytes& raw(std::span<const std::byte> bytes) {
        bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
        return *this;
    }
    Bytes& text(std::string_view text) { return raw(std::as_bytes(std::span(text.data(), text.size()))); }
    // As GGUF stores it: length, then bytes.
    Bytes& string(std::string_view value) { return put(static_cast<uint64_t>(value.size())).text(value); }
    Bytes& zeros(size_t count) {
        bytes_.resize(bytes_.size() + count);
        return *this;
    }
    Bytes& pad(uint64_t alignment) { return zeros((alignment - bytes_.size() % alignment) % alignment); }

    template <class T>
    void overwrite(size_t at, T value) {
        std::memcpy(bytes_.data() + at, &value, sizeof(T));
    }
    void truncate(size_t size) { bytes_.resize(size); }

    [[nodiscard]] size_t size() const { return bytes_.size(); }
    [[nodiscard]] std::span<const std::byte> span() const { return bytes_; }
    std::byte& operator[](size_t i) { return bytes_[i]; }

  private:
    std::vector<std::byte> bytes_;
};

// Type ids as the file has them.
namespace gguf_id {
inline constexpr uint32_t u8 = 0, i8 = 1, u16 = 2, i16 = 3, u32 = 4, i32 = 5, f32 = 6, boolean = 7, string = 8, array = 9,
                          u64 = 10, i64 = 11, f64 = 12;
}

struct RawMetadata {
    std::string key;
    uint32_t type = 0;
    Bytes value;
};

struct RawTensor {
    std::string name;
    uint32_t type = 0;
    std::vector<uint64_t> extents;  // GGUF's order: the first varies fastest
    uint64_t offset = 0;            // from the start of the data
    std::optional<uint32_t> rank;   // where it is to differ from extents.size()
};

// Where each field begins.
struct RawLayout {
    static constexpr uint64_t magic = 0, version = 4, tensor_count = 8, metadata_count = 16;
    struct Metadata {
        uint64_t key_length, key, type, value;
    };
    struct Tensor {
        uint64_t name_length, name, rank, extents, type, offset;
    };
    std::vector<Metadata> metadata;
    std::vector<Tensor> tensors;
    uint64_t header_end = 0;  // of the last tensor record
    uint64_t data = 0;        // header_end, aligned
    uint64_t file_end = 0;
};

struct RawGguf {
    std::string magic = "GGUF";
    uint32_t version = 3;
    std::optional<uint64_t> tensor_count, metadata_count;  // where they are to differ from the truth
    uint64_t alignment = 32;                               // that the builder keeps; general.alignment is metadata
    std::vector<RawMetadata> metadata;
    std::vector<RawTensor> tensors;
    Bytes data;

    template <class T>
    RawGguf& add(std::string key, uint32_t type, T value) {
        Bytes bytes;
        bytes.put(value);
        metadata.push_back({std::move(key), type, std::move(bytes)});
        return *this;
    }
    RawGguf& add_string(std::string key, std::string_view value) {
        Bytes bytes;
        bytes.string(value);
        metadata.push_back({std::move(key), gguf_id::string, std::move(bytes)});
        return *this;
    }
    template <class T>
    RawGguf& add_array(std::string key, uint32_t element_type, const std::vector<T>& elements) {
        Bytes bytes;
        bytes.put(element_type).put(static_cast<uint64_t>(elements.size()));
        for (const auto& element : elements) {
            if constexpr (std::is_arithmetic_v<T>) bytes.put(element);
            else bytes.string(element);
        }
        metadata.push_back({std::move(key), gguf_id::array, std::move(bytes)});
        return *this;
    }
    // After the tensors so far, at the next aligned place.
    RawGguf& add_tensor(std::string name, uint32_t type, std::vector<uint64_t> extents, std::span<const std::byte> bytes) {
        data.pad(alignment);
        tensors.push_back({std::move(name), type, std::move(extents), data.size(), std::nullopt});
        data.raw(bytes);
        return *this;
    }

    [[nodiscard]] Bytes build(RawLayout* layout = nullptr) const {
        RawLayout where;
        Bytes out;
        out.text(magic).put(version);
        out.put(tensor_count.value_or(tensors.size())).put(metadata_count.value_or(metadata.size()));
        for (const RawMetadata& entry : metadata) {
            RawLayout::Metadata& at = where.metadata.emplace_back();
            at.key_length = out.size();
            at.key = at.key_length + 8;
            at.type = out.string(entry.key).size();
            at.value = out.put(entry.type).size();
            out.raw(entry.value.span());
        }
        for (const RawTensor& tensor : tensors) {
            RawLayout::Tensor& at = where.tensors.emplace_back();
            at.name_length = out.size();
            at.name = at.name_length + 8;
            at.rank = out.string(tensor.name).size();
            at.extents = out.put(tensor.rank.value_or(static_cast<uint32_t>(tensor.extents.size()))).size();
            for (const uint64_t extent : tensor.extents) out.put(extent);
            at.type = out.size();
            at.offset = out.put(tensor.type).size();
            out.put(tensor.offset);
        }
        where.header_end = out.size();
        where.data = out.pad(alignment).size();
        where.file_end = out.raw(data.span()).size();
        if (layout) *layout = where;
        return out;
    }
};

// A valid file with every kind of metadata and three tensors; the last one ends with the file.
//   a F32 [4, 8], b Q8_0 [2, 64], c F32 [8] in Krait's order.
inline RawGguf sample_gguf() {
    RawGguf file;
    file.add_string("general.architecture", "mamba");                           // 0
    file.add("general.alignment", gguf_id::u32, uint32_t{32});                  // 1
    file.add("n.u8", gguf_id::u8, uint8_t{200});                                // 2
    file.add("n.i8", gguf_id::i8, int8_t{-100});                                // 3
    file.add("n.u16", gguf_id::u16, uint16_t{60000});                           // 4
    file.add("n.i16", gguf_id::i16, int16_t{-30000});                           // 5
    file.add("n.u32", gguf_id::u32, uint32_t{4000000000u});                     // 6
    file.add("n.i32", gguf_id::i32, int32_t{-2000000000});                      // 7
    file.add("n.f32", gguf_id::f32, 0.5f);                                      // 8
    file.add("n.bool", gguf_id::boolean, uint8_t{1});                           // 9
    file.add("n.u64", gguf_id::u64, uint64_t{1} << 63);                         // 10
    file.add("n.i64", gguf_id::i64, int64_t{-5000000000});                      // 11
    file.add("n.f64", gguf_id::f64, 1e-300);                                    // 12
    file.add_array<uint32_t>("a.u32", gguf_id::u32, {1, 2, 3});                 // 13
    file.add_array<uint8_t>("a.bool", gguf_id::boolean, {1, 0, 1});             // 14
    file.add_array<std::string>("a.string", gguf_id::string, {"x", "", "yz"});  // 15
    file.add_array<float>("a.f32", gguf_id::f32, {});                           // 16
    Bytes a, b, c;
    for (int i = 0; i < 32; ++i) a.put(static_cast<float>(i));
    b.zeros(4 * 34);
    for (int i = 0; i < 8; ++i) c.put(static_cast<float>(-i));
    file.add_tensor("a", 0, {8, 4}, a.span());
    file.add_tensor("b", 8, {64, 2}, b.span());
    file.add_tensor("c", 0, {8}, c.span());
    return file;
}

}  // namespace krait::test
