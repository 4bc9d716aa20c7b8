// SPDX-License-Identifier: Apache-2.0
//
// The facts of the format, and a tensor of a file. README.md beside this file describes the format itself; gguf_value.hpp has
// the values of metadata.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/tensor/tensor_desc.hpp"

namespace krait {

// The ids of the file format.
enum class GgufType : uint32_t {
    uint8 = 0,
    int8 = 1,
    uint16 = 2,
    int16 = 3,
    uint32 = 4,
    int32 = 5,
    float32 = 6,
    boolean = 7,
    string = 8,
    array = 9,
    uint64 = 10,
    int64 = 11,
    float64 = 12,
};
inline constexpr uint32_t kGgufTypeCount = 13;

// "uint32", "string"; "?" for an id that the format does not have.
std::string_view gguf_type_name(GgufType type);
// Bytes of one value in the file; 0 for strings and arrays, whose size varies.
size_t gguf_type_bytes(GgufType type);

struct GgufTensor {
    std::string name;
    TensorDesc desc{};                 // contiguous, extents in Krait's order: the last varies fastest
    uint32_t shard = 0;                // the file that it lies in: GgufFile::shards()
    uint64_t file_offset = 0;          // of the first byte of data, from the start of that file
    uint64_t record_offset = 0;        // of the record that describes it; complaints about the shape name this one
    uint64_t size = 0;                 // bytes of data
    std::span<const std::byte> bytes;  // the data, inside the mapping or the span that was parsed; empty in a file that is read

    [[nodiscard]] DType dtype() const { return dtype_of(desc); }
    [[nodiscard]] std::span<const int64_t> extents() const { return {desc.extent, desc.rank}; }
    [[nodiscard]] uint64_t byte_size() const { return size; }
};

// ---- facts of the format -------------------------------------------------------------------------------------

inline constexpr uint32_t kGgufMagic = 0x46554747;  // "GGUF", read as little-endian
inline constexpr uint32_t kGgufWriteVersion = 3;
inline constexpr uint32_t kGgufDefaultAlignment = 32;
// The format asks for a multiple of 8; the upper end is ours: 1 MiB is beyond any page or sector in use.
inline constexpr uint32_t kGgufMinAlignment = 8;
inline constexpr uint32_t kGgufMaxAlignment = 1u << 20;
// The format's own limit of a key. Tensor names share it.
inline constexpr uint64_t kGgufMaxNameBytes = 65535;
inline constexpr std::string_view kGgufAlignmentKey = "general.alignment";

// Keys of a model that is split into several files: the number of this shard, counted from 0; how many there are (0 and 1:
// the model is not split); how many tensors all of them have. Names count from 1: "model-00002-of-00004.gguf".
inline constexpr std::string_view kGgufSplitPrefix = "split.";
inline constexpr std::string_view kGgufSplitNumberKey = "split.no", kGgufSplitCountKey = "split.count",
                                  kGgufSplitTensorsKey = "split.tensors.count";
inline constexpr uint64_t kGgufMaxShards = 65535;  // the keys are uint16 where llama.cpp writes them
// "-00002-of-00004.gguf" for number 1 of 4.
std::string gguf_shard_suffix(uint64_t number, uint64_t count);

constexpr bool is_gguf_alignment(uint64_t alignment) {
    return alignment >= kGgufMinAlignment && alignment <= kGgufMaxAlignment && (alignment & (alignment - 1)) == 0;
}

// Names come from the file and go to terminals: control characters and bytes beyond ASCII are escaped, and what is
// long is cut. Gives 'blk.0.ssm_in.weight' with the quotes.
std::string quote_name(std::string_view name, size_t max_bytes = 80);

// The name of a tensor type that GGML has or had, whether Krait reads it or not; "" for an id nobody uses.
std::string_view ggml_type_name(uint32_t id);

}  // namespace krait
