// SPDX-License-Identifier: Apache-2.0
//
// A tensor of a checkpoint as other tools write them: its type, its extents and where its data lie.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace krait {

enum class CheckpointType : uint8_t {
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

// Names are those of safetensors, whose types are all that there are: "BF16".
std::string_view checkpoint_type_name(CheckpointType type);
uint32_t checkpoint_type_bits(CheckpointType type);  // of an element: 4 to 64
std::optional<CheckpointType> find_checkpoint_type(std::string_view name);

struct CheckpointTensor {
    std::string name;
    CheckpointType type = CheckpointType::f32;
    std::vector<int64_t> extents;      // the last varies fastest; none is a scalar, and 0 is possible
    uint32_t shard = 0;                // the file that it lies in: CheckpointFile::shards()
    uint64_t file_offset = 0;          // of the first byte of data, from the start of that file; aligned to nothing
    uint64_t size = 0;                 // bytes of all elements
    uint64_t record_offset = 0;        // byte of its name in that file, for complaints
    std::span<const std::byte> bytes;  // the data, inside the mapping or the span that was parsed; none in a file that is read,
                                       // and none where there are strides
    // Elements from one index to the next, for each extent, where they do not lie in the file as the extents have it (the
    // transpose of another tensor); empty for all other tensors. Every element has a place of its own, behind file_offset and
    // inside the file. CheckpointFile::read_part gives elements in the order of the extents all the same.
    std::vector<int64_t> strides;
};

inline constexpr size_t kCheckpointMaxRank = 64;  // of any array in the field's libraries

struct CheckpointSize {
    uint64_t n_element = 0;
    uint64_t bits = 0;
};
// The size of all elements; none where 64 bits do not hold it. No extent is negative.
std::optional<CheckpointSize> checkpoint_size(CheckpointType type, std::span<const int64_t> extents);

}  // namespace krait
