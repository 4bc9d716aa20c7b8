// SPDX-License-Identifier: Apache-2.0
//
// The facts of the safetensors format, and a tensor of a file. README.md beside this file describes the format itself.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace krait {

enum class SafetensorsType : uint8_t {
    boolean,
    u8,
    i8,
    u16,
    i16,
    u32,
    i32,
    u64,
    i64,
    f16,
    bf16,
    f32,
    f64,
    c64,
    f8_e4m3,
    f8_e5m2,
    f8_e4m3fnuz,
    f8_e5m2fnuz,
    f8_e8m0,
    f6_e2m3,
    f6_e3m2,
    f4,
};

std::string_view safetensors_type_name(SafetensorsType type);                 // "BF16"
uint32_t safetensors_type_bits(SafetensorsType type);                         // of an element: 4 to 64
std::optional<SafetensorsType> find_safetensors_type(std::string_view name);  // by its name in the file

struct SafetensorsTensor {
    std::string name;
    SafetensorsType type = SafetensorsType::f32;
    std::vector<int64_t> extents;      // the last varies fastest; none is a scalar, and 0 is possible
    uint32_t shard = 0;                // the file that it lies in: SafetensorsFile::shards()
    uint64_t file_offset = 0;          // of the first byte of data, from the start of that file; aligned to nothing
    uint64_t size = 0;                 // bytes of data
    uint64_t record_offset = 0;        // of its name in the header, for complaints
    std::span<const std::byte> bytes;  // the data, inside the mapping or the span that was parsed; none in a file that is read
};

inline constexpr uint64_t kSafetensorsMaxHeaderBytes = 100'000'000;  // the format's own limit
inline constexpr size_t kSafetensorsMaxRank = 64;                    // of any array in the field's libraries

}  // namespace krait
