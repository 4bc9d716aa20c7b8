// SPDX-License-Identifier: Apache-2.0
//
// A run is ragged: B sequences share T rows, sequence b owns rows seq_start[b] .. seq_start[b+1] (possibly none). The
// index operands that say so, common to ssm_conv and ssm_scan:
//   seq_start [B+1] i32   ascending, seq_start[0] = 0, seq_start[B] = T
//   src_slot  [B]   i32   slot where the state of sequence b is read; -1 = a fresh sequence, whose state is zero
//                         (the pool is not read, so nothing of an earlier sequence can leak into it)
//   dst_slot  [B]   i32   slot where its state is written after its last row; -1 = nowhere
//   snapshots [S,2] i32?  (row, slot): the state right after that row is written to that slot too; row -1 = unused pair
// A sequence without rows copies its state from src to dst unchanged (zero where src is -1).
// All written slots (dst and snapshots) are distinct, and no sequence reads a slot that another sequence writes: then
// any order of sequences gives the same result. A sequence may write the slot it reads; a snapshot may not write a slot
// that any sequence reads, unless the one of its own sequence.
#pragma once

#include <vector>

#include "core/ops/op_spec.hpp"

namespace krait::ops {

struct RaggedShape {
    int64_t n_tok = 0;
    int64_t n_seq = 0;
    int64_t n_snapshot = 0;
};

// Shapes only; T rows of values are given.
Result<RaggedShape> infer_ragged(int64_t n_tok, const TensorDesc& seq_start, const TensorDesc& src_slot,
                                 const TensorDesc& dst_slot, const TensorDesc* snapshots);

// The values: called by the host before a run that writes them. n_slots: of every pool that the run touches. scratch: memory
// that may be used again.
Result<void> check_ragged(int64_t n_tok, int64_t n_slots, std::span<const int32_t> seq_start, std::span<const int32_t> src_slot,
                          std::span<const int32_t> dst_slot, std::span<const int32_t> snapshots,
                          std::vector<int32_t>&& scratch = {});

}  // namespace krait::ops
