// SPDX-License-Identifier: Apache-2.0
//
// attention (contract: core/ops/attention.hpp) in blocks of kGroupSize places, a place a lane: scores of kRows rows are products of
// the lane's key, which is read once for all of them; their weights go to all lanes, and each sums up its own columns of the values
// (online softmax: sums are scaled down where a block has a larger score). A row is a token and a query head of one key head. Blocks
// begin at multiples of kGroupSize, whatever the rows of the work group see, and what one does not see changes nothing: so its bits do
// not depend on the others.
// With subgroup operations (KRAIT_SUBGROUPS) a work group is a subgroup, and needs neither shared memory nor barriers.
// Dispatch: work group g is part g % n_part of block g / n_part / head_blocks / n_kv_head, which is up to `tokens` rows of one
// sequence; what is left of g says which query heads.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "backends/vulkan/shaders/attention.glsl"
#include "backends/vulkan/shaders/cache_format.h"
#include "backends/vulkan/shaders/halves.glsl"

layout(constant_id = 2) const uint kFormat = KRAIT_CACHE_F32;
layout(constant_id = 3) const uint kRows = 1;
layout(constant_id = 4) const uint kPairs = 1;         // pairs of columns of a value, of a lane
layout(constant_id = 5) const bool kVectors = false;   // eight elements of q and of keys lie at multiples of 16 bytes, pairs in a word
layout(constant_id = 6) const bool kShared = false;    // lanes, eight and more, load q together and shuffle
layout(constant_id = 7) const bool kInParts = false;
layout(constant_id = 8) const uint kUnrolled = 1;  // places whose values are added in a turn; it divides kGroupSize

const uint kSums = kRows * kPairs * 2u;
const int kNoRow = -2;                       // where a work group has fewer rows

#if defined(KRAIT_SUBGROUPS)
#define kLane gl_SubgroupInvocationID
void max_over_lanes(inout float v[kRows]) {
    [[unroll]] for (uint r = 0; r < kRows; ++r) v[r] = subgroupMax(v[r]);
}
void sum_over_lanes(inout float v[kRows]) {
    [[unroll]] for (uint r = 0; r < kRows; ++r) v[r] = subgroupAdd(v[r]);
}
#else
#define kLane gl_LocalInvocationID.x
shared float of_lanes[kGroupSize * kRows], of_rows[kRows];
shared uint cache_rows[kGroupSize];
#define KRAIT_OVER_LANES(name, combine)                                                             \
    void name(inout float v[kRows]) {                                                              \
        [[unroll]] for (uint r = 0; r < kRows; ++r) of_lanes[r * kGroupSize + kLane] = v[r];       \
        barrier();                                                                                 \
        for (uint r = kLane; r < kRows; r += kGroupSize) {                                         \
            float all = of_lanes[r * kGroupSize];                                                  \
            for (uint i = 1; i < kGroupSize; ++i) all = combine(all, of_lanes[r * kGroupSize + i]); \
            of_rows[r] = all;                                                                      \
        }                                                                                          \
        barrier();                                                                                 \
        [[unroll]] for (uint r = 0; r < kRows; ++r) v[r] = of_rows[r];                             \
    }
float sum_of(float a, float b) { return a + b; }
KRAIT_OVER_LANES(max_over_lanes, max)
KRAIT_OVER_LANES(sum_over_lanes, sum_of)
#endif

// -- elements of a row of the cache --

uint half_word(uint64_t at) { return U32(at & ~3ul).at[0] >> uint(at & 2ul) * 8u & 0xffffu; }
uint64_t q8_block(uint64_t row, uint element) { return row + uint64_t(element / 32u) * 34u; }
float signed_byte(uint word, int at) { return float(bitfieldExtract(int(word), at * 8, 8)); }

float element_at(uint64_t row, uint element) {
    if (kFormat == KRAIT_CACHE_F32) return F32(row).at[element];
    return half_value(U32(row).at[element / 2u] >> (element & 1u) * 16u & 0xffffu);
}

// Eight from `element` on, of which those from the n-th on are 0.
void load_eight(uint64_t row, uint element, uint n, out float v[8]) {
    if (kFormat == KRAIT_CACHE_Q8_0) {
        const uint64_t block = q8_block(row, element), at = block + 2u + element % 32u;
        const float d = half_value(half_word(block));
        U32 words = U32(at & ~3ul);
        uvec2 bytes = uvec2(words.at[0], words.at[1]);
        if ((at & 2ul) != 0ul) bytes = uvec2(bytes.x >> 16 | bytes.y << 16, bytes.y >> 16 | words.at[2] << 16);
        [[unroll]] for (int i = 0; i < 8; ++i) v[i] = d * signed_byte(bytes[i / 4], i % 4);
    } else if (!kVectors) {
        [[unroll]] for (uint i = 0; i < 8u; ++i) {
            v[i] = 0.0;
            if (i < n) v[i] = element_at(row, element + i);
        }
    } else if (kFormat == KRAIT_CACHE_F32) {
        F32x4 at = F32x4(row + element * 4u);
        const vec4 a = at.at[0], b = at.at[1];
        [[unroll]] for (uint i = 0; i < 4u; ++i) v[i] = a[i], v[i + 4u] = b[i];
    } else {
        const uvec4 words = U32x4(row + element * 2u).at[0];
        [[unroll]] for (uint i = 0; i < 4u; ++i) {
            const vec2 both = half_values(words[i]);
            v[2u * i] = both.x, v[2u * i + 1u] = both.y;
        }
    }
}

// Two from `element` on, of which only the first may exist (n = 1).
vec2 load_pair(uint64_t row, uint element, uint n) {
    if (kFormat == KRAIT_CACHE_Q8_0) {
        const uint64_t block = q8_block(row, element);
        const uint bytes = half_word(block + 2u + element % 32u);
        return half_value(half_word(block)) * vec2(signed_byte(bytes, 0), signed_byte(bytes, 1));
    }
    if (kFormat == KRAIT_CACHE_F16 && kVectors) return half_values(U32(row).at[element / 2u]);
    return vec2(element_at(row, element), element_at(row, element + n - 1u));
}

// -- the rows of the work group --

struct Block {
    uint sequence;
    uint first, end;  // tokens
};

// Sequence s of those of the dispatch begins at start(s) and has the blocks from start(s) / tokens + s on, some of them empty.
uint start_of(uint s) {
    return clamp(U32(params.seq_start).at[s], params.first_tok, params.first_tok + params.n_tok) - params.first_tok;
}
Block block_of(uint index) {
    uint low = 0, high = params.n_seq;
    while (high - low > 1u) {
        const uint middle = (low + high) / 2u;
        if (start_of(middle) / params.tokens + middle <= index) low = middle;
        else high = middle;
    }
    const uint start = start_of(low), of_sequence = index - (start / params.tokens + low);
    const uint first = start + of_sequence * params.tokens, end = min(first + params.tokens, start_of(low + 1u));
    return Block(low, params.first_tok + first, params.first_tok + max(first, end));
}

// Products of the lane's key with the kRows rows of q. kq: where these lie.
void scores_of(uint64_t key, uint element, uint64_t rows_q[kRows], out float s[kRows]) {
    const uint k_dim = params.k_dim;
    [[unroll]] for (uint r = 0; r < kRows; ++r) s[r] = 0.0;
    for (uint d = 0; d < k_dim; d += 8u) {
        float k[8];
        load_eight(key, element + d, k_dim - d, k);
        [[unroll]] for (uint r = 0; r < kRows; ++r) {
            float q[8];
#if defined(KRAIT_SUBGROUPS)
            if (kShared) {
                const uint own = d + kLane % 8u;
                float spread = 0.0;
                if (own < k_dim) spread = F32(rows_q[r]).at[own];
                [[unroll]] for (uint i = 0; i < 8u; ++i) q[i] = subgroupShuffle(spread, i);
            } else
#endif
            if (kVectors) {
                F32x4 at = F32x4(rows_q[r] + d * 4u);
                const vec4 a = at.at[0], b = at.at[1];
                [[unroll]] for (uint i = 0; i < 4u; ++i) q[i] = a[i], q[i + 4u] = b[i];
            } else {
                [[unroll]] for (uint i = 0; i < 8u; ++i) {
                    q[i] = 0.0;
                    if (d + i < k_dim) q[i] = F32(rows_q[r]).at[d + i];
                }
            }
            float sum = q[0] * k[0];
            [[unroll]] for (uint i = 1; i < 8u; ++i) sum = fma(q[i], k[i], sum);
            s[r] += sum;
        }
    }
    [[unroll]] for (uint r = 0; r < kRows; ++r) {
        s[r] *= params.scale;
        if (params.soft_cap > 0.0) s[r] = params.soft_cap * tanh_of(s[r] / params.soft_cap);
    }
}

void main() {
    const uint64_t g = group_index();
    if (g >= params.n_groups) return;
    const uint part = uint(g % params.n_part), rest = uint(g / params.n_part);
    const uint first_head = rest % params.head_blocks * params.heads;
    const uint key_head = rest / params.head_blocks % params.n_kv_head;
    const Block block = block_of(rest / params.head_blocks / params.n_kv_head);
    if (block.first >= block.end) return;

    int last[kRows];
    uint64_t rows_q[kRows];
    int lowest = 0x7fffffff, highest = -1;
    [[unroll]] for (uint r = 0; r < kRows; ++r) {
        const uint token = block.first + r / params.heads, of_key = first_head + r % params.heads;
        const bool exists = token < block.end && of_key < params.heads_per_key;
        const uint head = key_head * params.heads_per_key + min(of_key, params.heads_per_key - 1u);
        rows_q[r] = row_address(params.q, min(token, block.end - 1u)) + uint64_t(head * params.k_dim) * 4u;
        last[r] = kNoRow;
        if (exists) last[r] = I32(params.positions).at[token];
        if (last[r] >= 0) {
            lowest = min(lowest, first_place(last[r]));
            highest = max(highest, last[r]);
        }
    }
    const int begin = max(lowest, int(part * params.part_places)), end = min(highest + 1, int((part + 1u) * params.part_places));
    if (kInParts && begin >= end) return;

    float largest[kRows], total[kRows], sums[kSums];
    [[unroll]] for (uint r = 0; r < kRows; ++r) {
        largest[r] = kMinusInfinity;
        total[r] = 0.0;  // of the lane's own places
    }
    [[unroll]] for (uint i = 0; i < kSums; ++i) sums[i] = 0.0;
    const uint first_value = params.v_column + key_head * params.v_dim;

    for (int first = begin / int(kGroupSize) * int(kGroupSize); first < end; first += int(kGroupSize)) {
        const int place = first + int(kLane), there = clamp(place, lowest, highest);
        const uint page = U32(params.page_table).at[block.sequence * params.table_width + uint(there) / params.rows_per_page];
        const uint cache_row = page * params.rows_per_page + uint(there) % params.rows_per_page;
        float s[kRows], most[kRows];
        scores_of(row_address(params.cache, cache_row), key_head * params.k_dim, rows_q, s);
        bool sees[kRows];
        [[unroll]] for (uint r = 0; r < kRows; ++r) {
            sees[r] = place <= last[r] && place >= first_place(last[r]);
            most[r] = sees[r] && !is_nan(s[r]) ? s[r] : kMinusInfinity;
        }
        max_over_lanes(most);
        float weights[kRows];
        [[unroll]] for (uint r = 0; r < kRows; ++r) {
            most[r] = max(most[r], largest[r]);
            const float shrink = exp_of(largest[r] - reference_of(most[r]));
            weights[r] = sees[r] ? exp_of(s[r] - reference_of(most[r])) : 0.0;
            largest[r] = most[r];
            total[r] = total[r] * shrink + weights[r];
            [[unroll]] for (uint c = 0; c < kPairs * 2u; ++c) sums[r * kPairs * 2u + c] *= shrink;
        }
#if !defined(KRAIT_SUBGROUPS)
        [[unroll]] for (uint r = 0; r < kRows; ++r) of_lanes[r * kGroupSize + kLane] = weights[r];
        cache_rows[kLane] = cache_row;
        barrier();
#endif
        for (uint first_key = 0; first_key < kGroupSize; first_key += kUnrolled) {
            [[unroll]] for (uint i = 0; i < kUnrolled; ++i) {
                const uint key = first_key + i;
                float of_key[kRows];
#if defined(KRAIT_SUBGROUPS)
                const uint64_t row = row_address(params.cache, subgroupShuffle(cache_row, key));
                [[unroll]] for (uint r = 0; r < kRows; ++r) of_key[r] = subgroupShuffle(weights[r], key);
#else
                const uint64_t row = row_address(params.cache, cache_rows[key]);
                [[unroll]] for (uint r = 0; r < kRows; ++r) of_key[r] = of_lanes[r * kGroupSize + key];
#endif
                [[unroll]] for (uint p = 0; p < kPairs; ++p) {
                    const uint column = min((p * kGroupSize + kLane) * 2u, (params.v_dim - 1u) & ~1u);
                    const vec2 v = load_pair(row, first_value + column, min(params.v_dim - column, 2u));
                    // What has no weight may be anything.
                    [[unroll]] for (uint r = 0; r < kRows; ++r) {
                        const vec2 seen = of_key[r] == 0.0 ? vec2(0.0) : v;
                        const uint at = (r * kPairs + p) * 2u;
                        sums[at] = fma(of_key[r], seen.x, sums[at]);
                        sums[at + 1u] = fma(of_key[r], seen.y, sums[at + 1u]);
                    }
                }
            }
        }
#if !defined(KRAIT_SUBGROUPS)
        barrier();
#endif
    }

    sum_over_lanes(total);
    [[unroll]] for (uint r = 0; r < kRows; ++r) {
        const uint token = block.first + r / params.heads;
        const uint head = key_head * params.heads_per_key + first_head + r % params.heads;
        if (last[r] == kNoRow) continue;
        const uint64_t to = kInParts ? partial_address(token, head, part)
                                     : row_address(params.y, token) + uint64_t(head * params.v_dim) * 4u;
        [[unroll]] for (uint c = 0; c < kPairs * 2u; ++c) {
            const uint column = (c / 2u * kGroupSize + kLane) * 2u + c % 2u;
            const float sum = sums[r * kPairs * 2u + c];
            if (column < params.v_dim) F32(to).at[column] = kInParts ? sum : last[r] < 0 ? 0.0 : weighted_mean(sum, total[r]);
        }
        if (kInParts && kLane == 0u) {
            F32(to).at[params.v_dim] = largest[r];
            F32(to).at[params.v_dim + 1u] = total[r];
        }
    }
}
