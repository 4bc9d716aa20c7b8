// SPDX-License-Identifier: Apache-2.0
//
// A saved sequence as bytes, little-endian:
//   8 bytes "KRAITSEQ" · u32 version (1) · u32 0 · u64 model hash · u64 n_tok · u64 state bytes
//   i32 tokens[n_tok] · float32 states in the canonical layouts of core/ops: layer by layer, in a layer by op
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
    std::vector<std::byte> state;
};

std::vector<std::byte> encode_state_file(const StateFile& file);
// corrupt_file, with what is wrong and where, for anything but what encode_state_file gives.
Result<StateFile> decode_state_file(std::span<const std::byte> bytes);

}  // namespace krait
