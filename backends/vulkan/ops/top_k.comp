// SPDX-License-Identifier: Apache-2.0
#version 460
#extension GL_GOOGLE_include_directive : require
#include "backends/vulkan/ops/row_params.h"
#include "backends/vulkan/shaders/order.glsl"
#include "backends/vulkan/shaders/reduce.glsl"
KRAIT_PARAMS(RowParams);

const uint kNone = 0xffffffffu;

// Dispatch: a work group a row. It finds the ranks from params.first on; those before it have been written by earlier dispatches, and
// the last of them says which elements are still free: those behind it in the order.
//
// The row is dealt to segments, element i to segment i mod n_segment. Among the free elements the n-th largest of the segments'
// maxima is a bound that n elements reach, and few more where there are twice as many segments. These are gathered, and each counts
// those before it.
const uint kMaxSegments = 512, kMaxGathered = 512;
shared uint segment_key[kMaxSegments];  // less than 1 + a key: 0 = nothing free
shared uint gathered_key[kMaxGathered], gathered_at[kMaxGathered];
shared uint n_gathered, bound;

uint taken_key = kNone, taken_at = 0;  // the last one that was taken, of all or of a lane's own

// 0 where it was taken, else 1 + its key: keys end far below the largest number.
uint free_key(uint key, uint i) {
    return key < taken_key || (key == taken_key && i > taken_at) ? key + 1 : 0;
}

void put(uint64_t row, uint rank, uint at) {
    U32(row_address(params.y, row)).at[params.first + rank] = U32(row_address(params.x, row)).at[at];
    U32(row_address(params.second, row)).at[params.first + rank] = at;
}

// False: too many elements reach the bound, or there are too few segments.
bool gather_and_rank(uint64_t row) {
    const uint64_t x = row_address(params.x, row);
    const uint n = params.n_parts, lane = gl_LocalInvocationID.x;
    uint n_segment = kGroupSize;
    while (n_segment < 2 * n && n_segment < kMaxSegments) n_segment *= 2;
    if (n_segment < 2 * n || n_segment > kMaxSegments || n_segment > params.n_col) return false;
    for (uint s = lane; s < n_segment; s += kGroupSize) {
        uint largest = 0;
        for (uint i = s; i < params.n_col; i += n_segment) largest = max(largest, free_key(order_key(U32(x).at[i]), i));
        segment_key[s] = largest;
    }
    if (lane == 0) n_gathered = 0;
    barrier();
    for (uint s = lane; s < n_segment; s += kGroupSize) {
        uint larger = 0, equal = 0;
        for (uint other = 0; other < n_segment; ++other) {
            larger += segment_key[other] > segment_key[s] ? 1 : 0;
            equal += segment_key[other] == segment_key[s] ? 1 : 0;
        }
        if (larger < n && larger + equal >= n) bound = max(segment_key[s], 1u);  // all who come here have the same
    }
    barrier();
    for (uint i = lane; i < params.n_col; i += kGroupSize) {
        const uint key = free_key(order_key(U32(x).at[i]), i);
        if (key < bound) continue;
        const uint place = atomicAdd(n_gathered, 1);
        if (place >= kMaxGathered) continue;
        gathered_key[place] = key;
        gathered_at[place] = i;
    }
    barrier();
    if (n_gathered > kMaxGathered) return false;
    for (uint c = lane; c < n_gathered; c += kGroupSize) {
        uint rank = 0;
        for (uint other = 0; other < n_gathered; ++other) {
            const bool before = gathered_key[other] > gathered_key[c] ||
                                (gathered_key[other] == gathered_key[c] && gathered_at[other] < gathered_at[c]);
            rank += before ? 1 : 0;
        }
        if (rank < n) put(row, rank, gathered_at[c]);
    }
    return true;
}

// Each lane keeps the best of its own free elements; again and again the best of all lanes is taken, and its lane looks for its next.
void take_in_turn(uint64_t row) {
    const uint64_t x = row_address(params.x, row);
    uint key = 0, at = kNone;
    bool look = true;
    for (uint rank = 0; rank < params.n_parts; ++rank) {
        if (look) {
            key = 0;
            at = kNone;
            for (uint i = gl_LocalInvocationID.x; i < params.n_col; i += kGroupSize) {
                const uint candidate = free_key(order_key(U32(x).at[i]), i);
                if (candidate > key) {
                    key = candidate;
                    at = i;
                }
            }
        }
        const uint largest = group_max(key);
        const uint first = group_min(key == largest ? at : kNone);
        look = at == first;
        if (look) {
            taken_key = key - 1;
            taken_at = at;
            put(row, rank, at);
        }
    }
}

void main() {
    const uint64_t row = group_index();
    if (row >= params.n_row) return;
    if (params.first > 0) {
        taken_key = order_key(U32(row_address(params.y, row)).at[params.first - 1]);
        taken_at = U32(row_address(params.second, row)).at[params.first - 1];
    }
    if (!gather_and_rank(row)) take_in_turn(row);
}
