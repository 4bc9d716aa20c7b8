// SPDX-License-Identifier: Apache-2.0
//
// A saved sequence as bytes, little-endian:
//   8 bytes "KRAITSEQ" · u32 version (2) · u32 0 · u64 model hash · u64 n_tok · u64 state bytes ·
//   i64 position of the next token · u64 n_snapshot · i32 tokens[n_tok]
//   the state: float32 in the canonical layouts of core/ops: layer by layer, in a layer by op
//   n_snapshot times u64 n_tok, ascending · i64 position of the next token · the state
//   u64 XXH3 of everything before it
// Independent of device and backend.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/result.hpp"

namespace krait {

struct StateFile {
    uint64_t model_hash = 0;
    std::vector<int32_t> tokens;
    int64_t position = 0;
    std::vector<std::byte> state;
    struct Snapshot {
        uint64_t n_tok = 0;
        int64_t position = 0;
        std::vector<std::byte> state;  // as long as the other
    };
    std::vector<Snapshot> snapshots;
};

// To where positions can be moved. Those of files may be as much larger as the sequence has tokens, for it may have gone on
// from there.
inline constexpr int64_t kMaxPosition = int64_t{1} << 62;

std::vector<std::byte> encode_state_file(const StateFile& file);
// corrupt_file, with what is wrong and where, for anything but what encode_state_file gives.
Result<StateFile> decode_state_file(std::span<const std::byte> bytes);

}  // namespace krait
