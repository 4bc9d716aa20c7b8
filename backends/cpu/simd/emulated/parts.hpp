// SPDX-License-Identifier: Apache-2.0
//
// Registers of 256 and 512 bits made of two and four of SSE2's. Nearly all instructions on them are the one on 128 bits for
// each part; the macros define such a one at both widths.
#pragma once

#include "backends/cpu/simd/emulated/sse2.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

template <int n>
struct FloatParts {
    static constexpr int kParts = n;
    __m128 part[n];
};
template <int n>
struct IntParts {
    static constexpr int kParts = n;
    __m128i part[n];
};
using __m256 = FloatParts<2>;
using __m512 = FloatParts<4>;
using __m256i = IntParts<2>;
using __m512i = IntParts<4>;

// {f(parts 0), f(parts 1), ...}
template <class Result, class F, class... Operands>
[[gnu::always_inline]] inline Result each(F&& f, const Operands&... x) {
    if constexpr (Result::kParts == 2) return {{f(x.part[0]...), f(x.part[1]...)}};
    else return {{f(x.part[0]...), f(x.part[1]...), f(x.part[2]...), f(x.part[3]...)}};
}
// {f(0), f(1), ...}
template <class Result, class F>
[[gnu::always_inline]] inline Result make(F&& f) {
    if constexpr (Result::kParts == 2) return {{f(0), f(1)}};
    else return {{f(0), f(1), f(2), f(3)}};
}

// The instruction `name` on one, two or three operands at both widths; kind: i for integers, nothing for float32.
#define KRAIT_EMULATED_UNARY(name, result, kind)                              \
    inline __m256##result _mm256_##name(__m256##kind a) {                     \
        return each<__m256##result>([](auto x) { return _mm_##name(x); }, a); \
    }                                                                         \
    inline __m512##result _mm512_##name(__m512##kind a) {                     \
        return each<__m512##result>([](auto x) { return _mm_##name(x); }, a); \
    }
#define KRAIT_EMULATED_BINARY(name, kind)                                                 \
    inline __m256##kind _mm256_##name(__m256##kind a, __m256##kind b) {                   \
        return each<__m256##kind>([](auto x, auto y) { return _mm_##name(x, y); }, a, b); \
    }                                                                                     \
    inline __m512##kind _mm512_##name(__m512##kind a, __m512##kind b) {                   \
        return each<__m512##kind>([](auto x, auto y) { return _mm_##name(x, y); }, a, b); \
    }
#define KRAIT_EMULATED_TERNARY(name, kind)                                                              \
    inline __m256##kind _mm256_##name(__m256##kind a, __m256##kind b, __m256##kind c) {                 \
        return each<__m256##kind>([](auto x, auto y, auto z) { return _mm_##name(x, y, z); }, a, b, c); \
    }                                                                                                   \
    inline __m512##kind _mm512_##name(__m512##kind a, __m512##kind b, __m512##kind c) {                 \
        return each<__m512##kind>([](auto x, auto y, auto z) { return _mm_##name(x, y, z); }, a, b, c); \
    }
// Names that end in the width.
#define KRAIT_EMULATED_LOGIC(name)                                                           \
    inline __m256i _mm256_##name##_si256(__m256i a, __m256i b) {                             \
        return each<__m256i>([](auto x, auto y) { return _mm_##name##_si128(x, y); }, a, b); \
    }                                                                                        \
    inline __m512i _mm512_##name##_si512(__m512i a, __m512i b) {                             \
        return each<__m512i>([](auto x, auto y) { return _mm_##name##_si128(x, y); }, a, b); \
    }
#define KRAIT_EMULATED_SHIFT(name)                                                                   \
    inline __m256i _mm256_##name(__m256i a, int count) {                                             \
        return each<__m256i>([count](auto x) { return _mm_##name(x, count); }, a);                   \
    }                                                                                                \
    inline __m512i _mm512_##name(__m512i a, unsigned count) {                                        \
        return each<__m512i>([count](auto x) { return _mm_##name(x, static_cast<int>(count)); }, a); \
    }

KRAIT_EMULATED_BINARY(add_ps, )
KRAIT_EMULATED_BINARY(sub_ps, )
KRAIT_EMULATED_BINARY(mul_ps, )
KRAIT_EMULATED_BINARY(div_ps, )
KRAIT_EMULATED_BINARY(min_ps, )
KRAIT_EMULATED_BINARY(max_ps, )
KRAIT_EMULATED_BINARY(scalef_ps, )
KRAIT_EMULATED_BINARY(unpacklo_ps, )
KRAIT_EMULATED_BINARY(unpackhi_ps, )
KRAIT_EMULATED_BINARY(unpacklo_epi64, i)
KRAIT_EMULATED_BINARY(unpackhi_epi64, i)
KRAIT_EMULATED_TERNARY(fmadd_ps, )
KRAIT_EMULATED_BINARY(add_epi16, i)
KRAIT_EMULATED_BINARY(add_epi32, i)
KRAIT_EMULATED_BINARY(sub_epi32, i)
KRAIT_EMULATED_BINARY(mullo_epi32, i)
KRAIT_EMULATED_BINARY(cmpgt_epi32, i)
KRAIT_EMULATED_BINARY(madd_epi16, i)
KRAIT_EMULATED_BINARY(maddubs_epi16, i)
KRAIT_EMULATED_BINARY(packs_epi32, i)
KRAIT_EMULATED_BINARY(packus_epi32, i)
KRAIT_EMULATED_BINARY(sign_epi8, i)
KRAIT_EMULATED_BINARY(shuffle_epi8, i)
KRAIT_EMULATED_BINARY(srlv_epi32, i)
KRAIT_EMULATED_TERNARY(dpbusd_epi32, i)
KRAIT_EMULATED_TERNARY(dpwssd_epi32, i)
KRAIT_EMULATED_UNARY(abs_epi8, i, i)
KRAIT_EMULATED_UNARY(cvtepi32_ps, , i)
KRAIT_EMULATED_UNARY(cvtps_epi32, i, )
KRAIT_EMULATED_LOGIC(and)
KRAIT_EMULATED_LOGIC(or)
KRAIT_EMULATED_LOGIC(xor)
KRAIT_EMULATED_SHIFT(slli_epi32)
KRAIT_EMULATED_SHIFT(srli_epi32)
KRAIT_EMULATED_SHIFT(srai_epi32)

#undef KRAIT_EMULATED_UNARY
#undef KRAIT_EMULATED_BINARY
#undef KRAIT_EMULATED_TERNARY
#undef KRAIT_EMULATED_LOGIC
#undef KRAIT_EMULATED_SHIFT

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
