// SPDX-License-Identifier: Apache-2.0
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
// Dispatch: groups_per_row work groups a row of x; a lane writes a float, two halves, or a block of Q8_0. All in integers: a driver
// may flush subnormals of floats, divides only nearly exactly, and rounds as it likes.
#include "backends/vulkan/ops/kv_write_params.h"
#include "backends/vulkan/shaders/cache_format.h"
#include "backends/vulkan/shaders/krait.glsl"

layout(constant_id = 2) const uint kFormat = KRAIT_CACHE_F32;
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

// A number that is not negative: significand * 2^exponent, the significand below 2^24, and not below 2^23 but for subnormals.
struct Number {
    uint significand;
    int exponent;
};

Number number_of(uint bits) {
    const uint exponent = bits >> 23;
    return Number((bits & 0x7fffffu) | (exponent == 0u ? 0u : 0x800000u), int(max(exponent, 1u)) - 150);
}

// The quotient with ties to even.
uint quotient(uint64_t dividend, uint divisor) {
    const uint whole = uint(dividend / divisor);
    const uint64_t twice_rest = 2ul * (dividend - uint64_t(whole) * divisor);
    return whole + (twice_rest > divisor || (twice_rest == divisor && (whole & 1u) != 0u) ? 1u : 0u);
}

// The float32 nearest to largest / 127, for a result above 2^-129.
Number scale_of(Number largest) {
    const int digits = largest.significand >= 127u << 17 ? 6 : 7;  // so that the quotient has 24 bits
    const int shift = min(digits, largest.exponent + 149);         // or fewer, where it is subnormal
    Number scale = Number(quotient(uint64_t(largest.significand) << shift, 127u), largest.exponent - shift);
    if (scale.significand == 0x1000000u) scale = Number(0x800000u, scale.exponent + 1);
    return scale;
}

// The float32 nearest to 1 / scale, for a scale from 2^-128 on to 65504.
Number inverse_of(Number scale) {
    const int missing = 23 - findMSB(scale.significand);
    const uint significand = scale.significand << missing;
    const int shift = significand == 0x800000u ? 46 : 47;
    return Number(quotient(1ul << shift, significand), missing - scale.exponent - shift);
}

// x * inverse as float32 has it, then to the nearest whole number, half away from zero, at most 127.
uint quant_of(Number x, Number inverse) {
    const uint64_t product = uint64_t(x.significand) * inverse.significand;
    const uint upper = uint(product >> 32);
    const int n_bits = 1 + (upper != 0u ? 32 + findMSB(upper) : findMSB(uint(product)));
    int exponent = x.exponent + inverse.exponent;
    uint rounded = uint(product);
    if (n_bits > 24) {
        const int drop = n_bits - 24;
        rounded = uint(product >> drop);
        const uint64_t rest = product & ((1ul << drop) - 1ul), tie = 1ul << (drop - 1);
        if (rest > tie || (rest == tie && (rounded & 1u) != 0u)) ++rounded;
        exponent += drop;
    }
    if (exponent >= 0) return rounded == 0u ? 0u : 127u;  // 2^23 and more, since a product has 24 bits unless it is 0
    if (exponent < -25) return 0u;
    return min((rounded + (1u << (-exponent - 1))) >> -exponent, 127u);
}

// The 34 bytes of a block at an even address. Words that it shares with its neighbours are changed by half: atomically, since
// another lane may change the other half.
void store_block(uint64_t at, uint scale, uint quants[8]) {
    const bool is_upper = (at & 2ul) != 0ul;
    const uint64_t first = at & ~2ul;
    [[unroll]] for (uint i = 0; i < 8u; ++i) {
        if (is_upper) U32(first).at[i + 1u] = quants[i];
        else U32(first).at[i] = i == 0u ? scale | quants[0] << 16 : quants[i - 1u] >> 16 | quants[i] << 16;
    }
    const uint shared_word = is_upper ? 0u : 8u;
    atomicAnd(U32(first).at[shared_word], is_upper ? 0xffffu : 0xffff0000u);
    atomicOr(U32(first).at[shared_word], is_upper ? scale << 16 : quants[7] >> 16);
}

// core/quant/codec_simple.cpp says how the bytes of Q8_0 come about.
void write_block(uint64_t x, uint64_t to) {
    uint magnitudes[32], signs = 0u, largest = 0u;
    for (uint i = 0; i < 32u; ++i) {
        const uint bits = U32(x).at[i], magnitude = bits & 0x7fffffffu;
        magnitudes[i] = magnitude > 0x7f800000u ? 0u : min(magnitude, 0x7f7fffffu);  // NaN is 0, infinity the largest number
        signs |= (bits >> 31) << i;
        largest = max(largest, magnitudes[i]);
    }
    uint quants[8] = uint[8](0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u), scale_bits = 0u;
    if (largest >= 0x02000000u) {  // 2^-123: below, 1 / scale is infinite, and then all is 0
        Number scale = scale_of(number_of(largest));
        // 2^-128 and less: the same.
        const bool has_inverse = scale.exponent > -149 || scale.significand > 0x200000u;
        const uint bits = (scale.significand & 0x800000u) == 0u ? scale.significand
                                                                 : uint(scale.exponent + 150) << 23 | (scale.significand & 0x7fffffu);
        scale_bits = min(half_of(bits), 0x7bffu);
        if (bits >= 0x477ff000u) scale = number_of(0x477fe000u);  // 65504, the largest half
        const Number inverse = inverse_of(scale);
        for (uint i = 0; i < 32u && has_inverse; ++i) {
            const uint quant = quant_of(number_of(magnitudes[i]), inverse);
            quants[i / 4u] |= ((signs >> i & 1u) != 0u ? 0u - quant & 0xffu : quant) << i % 4u * 8u;
        }
    }
    store_block(to, scale_bits, quants);
}

void main() {
    const uint64_t g = group_index();
    if (g >= params.n_groups) return;
    const uint64_t t = g / params.groups_per_row;
    const uint unit = uint(g % params.groups_per_row) * kGroupSize + gl_LocalInvocationID.x;
    const int row = I32(params.rows).at[uint(t)];
    if (unit >= params.n_unit || row < 0) return;
    const uint64_t x = row_address(params.x, t), to = row_address(params.cache, row);
    if (kFormat == KRAIT_CACHE_F32) U32(to).at[unit] = U32(x).at[unit];
    if (kFormat == KRAIT_CACHE_F16) U32(to).at[unit] = half_of(U32(x).at[2 * unit]) | half_of(U32(x).at[2 * unit + 1]) << 16;
    if (kFormat == KRAIT_CACHE_Q8_0) write_block(x + unit * 128u, to + unit * 34u);
}
