// SPDX-License-Identifier: Apache-2.0
//
// Of ragged runs (core/ops/ragged.hpp): which sequence a row belongs to.
#ifndef KRAIT_RAGGED_GLSL
#define KRAIT_RAGGED_GLSL

// The sequence that owns row t < seq_start[n_seq]: the last that begins at or before t, since empty ones begin where the next does.
uint sequence_of(uint64_t seq_start, uint n_seq, uint t) {
    uint low = 0, high = n_seq;  // start[low] <= t < start[high]
    while (high - low > 1) {
        const uint middle = (low + high) / 2;
        if (U32(seq_start).at[middle] <= t) low = middle;
        else high = middle;
    }
    return low;
}

#endif
