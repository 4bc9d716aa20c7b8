// SPDX-License-Identifier: Apache-2.0
#version 460
#extension GL_GOOGLE_include_directive : require
// Dispatch: groups_per_row work groups a row of x; a lane writes one word of the cache, two halves where that is F16. All by bits:
// a driver may flush subnormals of floats, and rounds to halves as it likes.
#include "backends/vulkan/ops/kv_write_params.h"
#include "backends/vulkan/shaders/krait.glsl"

layout(constant_id = 2) const bool kIsHalf = false;
KRAIT_PARAMS(KvWriteParams);

// The half nearest to the float32 of these bits, ties to even, as core/quant/half.hpp has it.
uint half_of(uint bits) {
    const uint sign = (bits >> 16) & 0x8000u, magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) return sign | 0x7e00u | ((magnitude >> 13) & 0x3ffu);  // NaN
    if (magnitude >= 0x477ff000u) return sign | 0x7c00u;                                // from 65520 on
    if (magnitude >= 0x38800000u) {                                                     // from 2^-14: a normal half
        const uint rebiased = magnitude - (112u << 23);
        return sign | ((rebiased + 0xfffu + ((rebiased >> 13) & 1u)) >> 13);
    }
    if (magnitude <= 0x33000000u) return sign;  // 2^-25 and less
    const uint shift = 126u - (magnitude >> 23), significand = (magnitude & 0x7fffffu) | 0x800000u;
    const uint steps = significand >> shift, rest = significand & ((1u << shift) - 1u), tie = 1u << (shift - 1u);
    return sign | (steps + (rest > tie || (rest == tie && (steps & 1u) != 0u) ? 1u : 0u));
}

void main() {
    const uint64_t g = group_index();
    if (g >= params.n_groups) return;
    const uint64_t t = g / params.groups_per_row;
    const uint word = uint(g % params.groups_per_row) * kGroupSize + gl_LocalInvocationID.x;
    const int row = I32(params.rows).at[uint(t)];
    if (word >= params.n_word || row < 0) return;
    const uint64_t x = row_address(params.x, t), to = params.cache + uint64_t(row) * params.n_word * 4;
    uint bits;
    if (kIsHalf) bits = half_of(U32(x).at[2 * word]) | (half_of(U32(x).at[2 * word + 1]) << 16);
    else bits = U32(x).at[word];
    U32(to).at[word] = bits;
}
