// SPDX-License-Identifier: Apache-2.0
//
// A saved sequence as bytes, little-endian:
//   8 bytes "KRAITSEQ" · u32 version (3) · u32 n_section · u64 model hash · u64 n_tok · i64 position of the next token ·
//   u64 n_snapshot · i32 tokens[n_tok]
//   n_snapshot times u64 n_tok, ascending · i64 position of the next token
//   n_section times, for each kind of memory that the model has: char name[32], zeros behind it · u32 layout (0 slots,
//     1 pages) · u32 element type (krait_dtype) · u32 rank · u32 n_memory: in how many layers · i64 extent[3] · u64 n_byte ·
//     the bytes, in the canonical layouts of core/ops:
//     slots   n_snapshot + 1 states, of the snapshots and of the sequence; in each the memories in the order of the layers
//     pages   in the order of the layers n_tok rows; a snapshot's rows are the first ones
//   u64 XXH3 of everything before it
// A sequence without tokens has sections without bytes. Independent of device and backend.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "models/layers/memory_spec.hpp"

namespace krait {

struct StateSection {
    std::string name;  // 1 to kMaxMemoryName bytes
    bool has_pages = false;
    DType dtype = DType::F32;
    uint32_t rank = 0, n_memory = 0;
    std::array<int64_t, 3> extent{1, 1, 1};  // of a slot or row
    std::vector<std::byte> bytes;
};

struct StateFile {
    uint64_t model_hash = 0;
    std::vector<int32_t> tokens;
    int64_t position = 0;
    struct Snapshot {
        uint64_t n_tok = 0;
        int64_t position = 0;
    };
    std::vector<Snapshot> snapshots;
    std::vector<StateSection> sections;
};

// To where positions can be moved. Those of files may be as much larger as the sequence has tokens, for it may have gone on
// from there.
inline constexpr int64_t kMaxPosition = int64_t{1} << 62;

std::vector<std::byte> encode_state_file(const StateFile& file);
// corrupt_file, with what is wrong and where, for anything but what encode_state_file gives; unsupported for other versions.
// Whether the sections are those of a model: SequenceMemory::check_sections.
Result<StateFile> decode_state_file(std::span<const std::byte> bytes);

}  // namespace krait
