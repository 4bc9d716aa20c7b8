// SPDX-License-Identifier: Apache-2.0
//
// f16 and bf16 <-> f32, exact, in integer arithmetic: no intrinsic, no dependence on rounding or flush-to-zero modes, usable in
// constant expressions.
//   to f32    every value is representable: subnormals, signed zeros and infinities arrive exactly. A signalling f16 NaN
//             becomes quiet with its payload kept, as F16C and GPUs do; a bf16 NaN keeps every bit.
//   from f32  round to nearest, ties to even; what rounds to 2^16 or more becomes an f16 infinity; NaN stays NaN: quiet, with
//             the upper bits of its payload.
// f16 is 1 sign, 5 exponent (bias 15), 10 mantissa bits; bf16 is the upper half of an f32.
#pragma once

#include <cstdint>

#if defined(__CUDACC__)
#define KRAIT_HALF_FN __host__ __device__ constexpr
#else
#define KRAIT_HALF_FN constexpr
#endif

namespace krait {

inline constexpr float kF16Max = 65504.0f;  // (2 - 2^-10) * 2^15
inline constexpr uint16_t kF16MaxBits = 0x7BFF;

KRAIT_HALF_FN float f16_to_f32(uint16_t bits) {
    const uint32_t sign = (bits & 0x8000u) << 16;
    const uint32_t exponent = (bits >> 10) & 0x1Fu;
    const uint32_t mantissa = bits & 0x3FFu;
    if (exponent == 31)
        return __builtin_bit_cast(float, sign | 0x7F800000u | mantissa << 13 | (mantissa != 0 ? 0x00400000u : 0u));
    if (exponent != 0) return __builtin_bit_cast(float, sign | (exponent + 112) << 23 | mantissa << 13);  // 112 = 127 - 15
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;  // subnormal in f16, normal in f32: exact
    return __builtin_bit_cast(float, sign | __builtin_bit_cast(uint32_t, magnitude));
}

KRAIT_HALF_FN uint16_t f32_to_f16(float value) {
    const uint32_t bits = __builtin_bit_cast(uint32_t, value);
    const uint32_t sign = (bits >> 16) & 0x8000u;
    const uint32_t magnitude = bits & 0x7FFFFFFFu;
    if (magnitude > 0x7F800000u) return static_cast<uint16_t>(sign | 0x7E00u | ((magnitude >> 13) & 0x3FFu));  // NaN
    if (magnitude >= 0x477FF000u) return static_cast<uint16_t>(sign | 0x7C00u);  // from 65520, halfway to 2^16: ties to even
    if (magnitude >= 0x38800000u) {                                              // from 2^-14: a normal f16
        const uint32_t rebiased = magnitude - (112u << 23);
        const uint32_t rounded = rebiased + 0x0FFFu + ((rebiased >> 13) & 1u);  // a carry moves the exponent
        return static_cast<uint16_t>(sign | rounded >> 13);
    }
    if (magnitude <= 0x33000000u) return static_cast<uint16_t>(sign);  // 2^-25 and less: the tie at 2^-25 goes to 0
    // A subnormal f16 counts steps of 2^-24: significand * 2^(exponent - 150) / 2^-24.
    const uint32_t shift = 126u - (magnitude >> 23);  // 14 to 24
    const uint32_t significand = (magnitude & 0x7FFFFFu) | 0x800000u;
    const uint32_t steps = significand >> shift;
    const uint32_t rest = significand & ((1u << shift) - 1u);
    const uint32_t half = 1u << (shift - 1u);
    return static_cast<uint16_t>(sign | (steps + (rest > half || (rest == half && (steps & 1u) != 0) ? 1u : 0u)));
}

KRAIT_HALF_FN float bf16_to_f32(uint16_t bits) { return __builtin_bit_cast(float, static_cast<uint32_t>(bits) << 16); }

KRAIT_HALF_FN uint16_t f32_to_bf16(float value) {
    const uint32_t bits = __builtin_bit_cast(uint32_t, value);
    if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return static_cast<uint16_t>(bits >> 16 | 0x0040u);  // NaN
    return static_cast<uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}

}  // namespace krait

#undef KRAIT_HALF_FN
