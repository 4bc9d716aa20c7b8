// SPDX-License-Identifier: Apache-2.0
//
// f16 and bf16 to f32, exact, in integers: what core/quant/half.hpp does, whatever the device does to subnormals.
#ifndef KRAIT_HALF_GLSL
#define KRAIT_HALF_GLSL

// The bits of the f32.
uint f16_bits(uint half_bits) {
    const uint sign = (half_bits & 0x8000u) << 16, exponent = (half_bits >> 10) & 31u, mantissa = half_bits & 0x3ffu;
    if (exponent == 31) return sign | 0x7f800000u | mantissa << 13 | (mantissa != 0 ? 0x00400000u : 0u);
    if (exponent != 0) return sign | (exponent + 112u) << 23 | mantissa << 13;
    return sign | floatBitsToUint(float(mantissa) * 5.9604644775390625e-8);  // 2^-24: subnormal there, normal here
}

float f16_value(uint half_bits) { return uintBitsToFloat(f16_bits(half_bits)); }

#endif
