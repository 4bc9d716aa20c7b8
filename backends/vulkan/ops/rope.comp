// SPDX-License-Identifier: Apache-2.0
#version 460
#extension GL_GOOGLE_include_directive : require
// Dispatch: groups_per_row work groups a row; a lane turns a pair, or copies two elements, of kHeads heads.
// Angles are turns in 64-bit fixed point: position * word modulo 2^64 drops whole turns exactly, whatever the position. So a device
// needs neither float64 nor a fused multiply-add, and GLSL's sin and cos, which may be off by 2^-11, have no part in it.
#include "backends/vulkan/ops/rope_params.h"
#include "backends/vulkan/shaders/krait.glsl"

layout(constant_id = 2) const uint kHeads = 4;
layout(constant_id = 3) const bool kAdjacent = true;
layout(constant_id = 4) const bool kHasFactors = false;
KRAIT_PARAMS_AND_TABLE(RopeParams, RopeAngle);

uint64_t shifted(uint64_t v, int left) {
    if (left >= 64 || left <= -64) return 0ul;
    return left >= 0 ? v << left : v >> -left;
}

// The fraction of angle / factor in units of 2^-64. factor: finite and not 0.
uint64_t fraction_of(RopeAngle angle, float factor) {
    const uint bits = floatBitsToUint(factor) & 0x7fffffffu, exponent = bits >> 23;
    uint significand = exponent == 0u ? bits : (bits & 0x7fffffu) | 0x800000u;
    const int normalizing = 23 - findMSB(significand);
    significand <<= normalizing;
    // The quotient of the significands has 40 bits behind the point.
    const uint64_t whole = angle.word / significand, rest = angle.word - whole * significand;
    const uint64_t behind_point = (rest << 40) / significand;
    const int shift = angle.exponent - 40 - (int(max(exponent, 1u)) - 150 - normalizing);
    const uint64_t fraction = shifted(whole, shift + 40) + shifted(behind_point, shift);
    return (floatBitsToUint(factor) >> 31) != 0u ? 0ul - fraction : fraction;
}

// cos and sin of an angle in units of 2^-32 of a turn. Minimax fits of both over an eighth of a turn to either side: 1e-7.
vec2 cos_sin(uint angle) {
    const uint quarter = (angle + 0x20000000u) >> 30;
    const float r = float(int(angle - (quarter << 30))) * 2.3283064365386963e-10, u = r * r;  // 2^-32
    float c = 59.2201689583;
    c = fma(c, u, -85.4428446731);
    c = fma(c, u, 64.9393161357);
    c = fma(c, u, -19.7392086501);
    c = fma(c, u, 1.0);
    float s = 41.4728332395;
    s = fma(s, u, -76.6978663502);
    s = fma(s, u, 81.605204711);
    s = fma(s, u, -41.3417021534);
    s = fma(s, u, 6.28318530715) * r;
    const vec2 turned = (quarter & 1u) != 0u ? vec2(-s, c) : vec2(c, s);
    return (quarter & 2u) != 0u ? -turned : turned;
}

vec2 cos_sin_at(uint pair, int position) {
    uint64_t fraction = params_at.table[pair].word;
    if (kHasFactors) {
        const float factor = F32(params.factors).at[pair];
        const uint bits = floatBitsToUint(factor) & 0x7fffffffu;
        if (bits == 0u || bits > 0x7f800000u) return vec2(uintBitsToFloat(0x7fc00000u));
        fraction = bits == 0x7f800000u ? 0ul : fraction_of(params_at.table[pair], factor);
    }
    return params.magnitude * cos_sin(uint(uint64_t(position) * fraction >> 32));
}

void main() {
    const uint64_t g = group_index();
    if (g >= params.n_groups) return;
    const uint64_t t = g / params.groups_per_row;
    const uint task = uint(g % params.groups_per_row) * kGroupSize + gl_LocalInvocationID.x;
    const uint n_pair = params.n_rot / 2u, column = task % params.columns;
    const uint first_head = task / params.columns * kHeads, end_head = min(first_head + kHeads, params.n_head);
    if (first_head >= end_head) return;
    const int position = I32(params.positions).at[uint(t)];
    const uint64_t x = row_address(params.x, t), y = row_address(params.y, t);

    if (column < n_pair && position >= 0) {
        const vec2 turn = cos_sin_at(column, position);
        for (uint h = first_head; h < end_head; ++h) {
            const uint a = h * params.head_dim + (kAdjacent ? 2u * column : column), b = a + (kAdjacent ? 1u : n_pair);
            const float x_a = F32(x).at[a], x_b = F32(x).at[b];
            F32(y).at[a] = x_a * turn.x - x_b * turn.y;
            F32(y).at[b] = x_a * turn.y + x_b * turn.x;
        }
        return;
    }
    for (uint h = first_head; h < end_head; ++h) {
        const uint a = h * params.head_dim + 2u * column;
        for (uint i = a; i < min(a + 2u, (h + 1u) * params.head_dim); ++i) U32(y).at[i] = U32(x).at[i];
    }
}
