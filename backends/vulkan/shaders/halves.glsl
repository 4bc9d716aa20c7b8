// SPDX-License-Identifier: Apache-2.0
//
// f16 as float. KRAIT_WEIGHTS_EXACT: a NaN keeps its bits.
#ifndef KRAIT_HALVES_GLSL
#define KRAIT_HALVES_GLSL

#include "backends/vulkan/shaders/krait.glsl"

// Whether the device keeps f16 subnormals when it converts them, because the module declares that it must (vk/float_controls.hpp)
// or because it was seen to (half_subnormals.hpp). Others may flush them; there numbers are put together from their bits.
layout(constant_id = 30) const bool kKeepsHalves = false;

// f16 in the lower half of bits.
float half_value(uint bits) {
#if !defined(KRAIT_WEIGHTS_EXACT)
    if (kKeepsHalves) return unpackHalf2x16(bits).x;
#endif
    const uint sign = (bits & 0x8000u) << 16, exponent = (bits >> 10) & 31u, mantissa = bits & 0x3ffu;
    if (exponent == 31u) return uintBitsToFloat(sign | 0x7f800000u | mantissa << 13 | (mantissa != 0u ? 0x00400000u : 0u));
    if (exponent != 0u) return uintBitsToFloat(sign | (exponent + 112u) << 23 | mantissa << 13);
    return uintBitsToFloat(sign | floatBitsToUint(float(mantissa) * 5.9604644775390625e-8));  // 2^-24: exact
}

// Both f16 of a word, the lower one first.
vec2 half_values(uint word) {
#if !defined(KRAIT_WEIGHTS_EXACT)
    if (kKeepsHalves) return unpackHalf2x16(word);
#endif
    return vec2(half_value(word & 0xffffu), half_value(word >> 16));
}

#endif
