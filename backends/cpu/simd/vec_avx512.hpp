// SPDX-License-Identifier: Apache-2.0
//
// AVX-512 (F, BW, DQ, VL), and VNNI where the build has it: 16 lanes. Contract: vec.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "backends/cpu/simd/intrinsics.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

inline constexpr int kLanes = 16;
inline constexpr bool kScaleTakesAny = true;  // scale2: any whole n, not only up to 300
inline constexpr int kRegisters = 32;
inline constexpr int kRowsOfDot = 1;

struct Vec {
    __m512 v;
};
struct IVec {
    __m512i v;
};
using Mask = __mmask16;

inline Mask first_lanes(int n) { return static_cast<Mask>((1u << n) - 1u); }

inline Vec zero() { return {_mm512_setzero_ps()}; }
inline Vec broadcast(float a) { return {_mm512_set1_ps(a)}; }
inline Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
inline Vec load_partial(const float* p, int n) { return {_mm512_maskz_loadu_ps(first_lanes(n), p)}; }
inline void store(float* p, Vec a) { _mm512_storeu_ps(p, a.v); }
inline void store_partial(float* p, Vec a, int n) { _mm512_mask_storeu_ps(p, first_lanes(n), a.v); }

inline Vec operator+(Vec a, Vec b) { return {_mm512_add_ps(a.v, b.v)}; }
inline Vec operator-(Vec a, Vec b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline Vec operator*(Vec a, Vec b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline Vec operator/(Vec a, Vec b) { return {_mm512_div_ps(a.v, b.v)}; }
inline Vec fma(Vec a, Vec b, Vec c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
inline Vec min(Vec a, Vec b) { return {_mm512_min_ps(a.v, b.v)}; }
inline Vec max(Vec a, Vec b) { return {_mm512_max_ps(a.v, b.v)}; }
inline Vec abs(Vec a) { return {_mm512_abs_ps(a.v)}; }
inline Vec round_even(Vec a) { return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }
inline Vec scale2(Vec a, Vec n) { return {_mm512_scalef_ps(a.v, n.v)}; }

inline Mask equal(Vec a, Vec b) { return _mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ); }
inline Mask less(Vec a, Vec b) { return _mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ); }
inline Vec select(Mask m, Vec a, Vec b) { return {_mm512_mask_blend_ps(m, b.v, a.v)}; }
inline int first_set(Mask m) { return m == 0 ? -1 : __builtin_ctz(m); }

// Halves, quarters, pairs: ((0+8)+(4+12)) ... the tree of sum4.
inline __m128 quarter_sum(Vec a) {
    const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
    return _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
}
inline void sum4(Vec a, Vec b, Vec c, Vec d, float out[4]) {
    const __m128 ab = _mm_hadd_ps(quarter_sum(a), quarter_sum(b));
    const __m128 cd = _mm_hadd_ps(quarter_sum(c), quarter_sum(d));
    _mm_storeu_ps(out, _mm_hadd_ps(ab, cd));
}
inline float sum(Vec a) {
    const __m128 quarter = quarter_sum(a);
    const __m128 pairs = _mm_hadd_ps(quarter, quarter);
    return _mm_cvtss_f32(_mm_hadd_ps(pairs, pairs));
}
inline float highest(Vec a) { return _mm512_reduce_max_ps(a.v); }

inline Vec swap_pairs(Vec a) { return {_mm512_permute_ps(a.v, 0xb1)}; }
inline __m512 low_pairs(__m512 a, __m512 b) {
    return _mm512_castsi512_ps(_mm512_unpacklo_epi64(_mm512_castps_si512(a), _mm512_castps_si512(b)));
}
inline __m512 high_pairs(__m512 a, __m512 b) {
    return _mm512_castsi512_ps(_mm512_unpackhi_epi64(_mm512_castps_si512(a), _mm512_castps_si512(b)));
}
// [i][c]: in quarter q, column c + 4 q of rows 4 i to 4 i + 3.
struct Squares {
    __m512 at[4][4];
};
inline Squares squares_of(const Vec (&rows)[kLanes]) {
    Squares squares;
    for (int i = 0; i < 4; ++i) {
        const __m512 a = rows[4 * i].v, b = rows[4 * i + 1].v, c = rows[4 * i + 2].v, d = rows[4 * i + 3].v;
        const __m512 ab = _mm512_unpacklo_ps(a, b), cd = _mm512_unpacklo_ps(c, d);
        const __m512 ab_high = _mm512_unpackhi_ps(a, b), cd_high = _mm512_unpackhi_ps(c, d);
        squares.at[i][0] = low_pairs(ab, cd);
        squares.at[i][1] = high_pairs(ab, cd);
        squares.at[i][2] = low_pairs(ab_high, cd_high);
        squares.at[i][3] = high_pairs(ab_high, cd_high);
    }
    return squares;
}
inline void transpose(Vec (&rows)[kLanes]) {
    const Squares square = squares_of(rows);
    for (int c = 0; c < 4; ++c) {
        const __m512 even = _mm512_shuffle_f32x4(square.at[0][c], square.at[1][c], 0x88),
                     odd = _mm512_shuffle_f32x4(square.at[0][c], square.at[1][c], 0xdd);
        const __m512 even_high = _mm512_shuffle_f32x4(square.at[2][c], square.at[3][c], 0x88),
                     odd_high = _mm512_shuffle_f32x4(square.at[2][c], square.at[3][c], 0xdd);
        rows[c].v = _mm512_shuffle_f32x4(even, even_high, 0x88);
        rows[c + 4].v = _mm512_shuffle_f32x4(odd, odd_high, 0x88);
        rows[c + 8].v = _mm512_shuffle_f32x4(even, even_high, 0xdd);
        rows[c + 12].v = _mm512_shuffle_f32x4(odd, odd_high, 0xdd);
    }
}
inline void store_quarters(uint16_t* out, int64_t stride, __m512i a) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm512_extracti32x4_epi32(a, 0));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + stride), _mm512_extracti32x4_epi32(a, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 2 * stride), _mm512_extracti32x4_epi32(a, 2));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 3 * stride), _mm512_extracti32x4_epi32(a, 3));
}
// Pairs of numbers are transposed as words, then the lower and the upper numbers packed.
inline void transpose_halves(const std::byte* const (&rows)[kLanes], uint16_t* out, int64_t stride) {
    Vec words[kLanes];
    for (int i = 0; i < kLanes; ++i) words[i] = load(reinterpret_cast<const float*>(rows[i]));
    const Squares square = squares_of(words);
    const __m512i low = _mm512_set1_epi32(0xffff);
    for (int c = 0; c < 4; ++c)
        for (int i = 0; i < 4; i += 2) {  // eight rows: a quarter of words
            const __m512i a = _mm512_castps_si512(square.at[i][c]), b = _mm512_castps_si512(square.at[i + 1][c]);
            uint16_t* to = out + 2 * c * stride + 4 * i;
            store_quarters(to, 8 * stride, _mm512_packus_epi32(_mm512_and_si512(a, low), _mm512_and_si512(b, low)));
            store_quarters(to + stride, 8 * stride, _mm512_packus_epi32(_mm512_srli_epi32(a, 16), _mm512_srli_epi32(b, 16)));
        }
}
inline Vec load_pair(const void* p, const void* q) {
    const __m512i low = _mm512_castsi256_si512(_mm256_loadu_si256(static_cast<const __m256i*>(p)));
    return {_mm512_castsi512_ps(_mm512_inserti64x4(low, _mm256_loadu_si256(static_cast<const __m256i*>(q)), 1))};
}
inline IVec as_bits(Vec a) { return {_mm512_castps_si512(a.v)}; }

inline IVec load_u8(const uint8_t* p) { return {_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))}; }
inline IVec load_i8(const int8_t* p) { return {_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))}; }
inline IVec broadcast_i(int32_t a) { return {_mm512_set1_epi32(a)}; }
inline IVec iota() { return {_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)}; }
inline IVec operator+(IVec a, IVec b) { return {_mm512_add_epi32(a.v, b.v)}; }
inline IVec operator-(IVec a, IVec b) { return {_mm512_sub_epi32(a.v, b.v)}; }
inline IVec operator&(IVec a, IVec b) { return {_mm512_and_si512(a.v, b.v)}; }
inline IVec operator|(IVec a, IVec b) { return {_mm512_or_si512(a.v, b.v)}; }
inline IVec operator^(IVec a, IVec b) { return {_mm512_xor_si512(a.v, b.v)}; }
template <int kCount>
inline IVec shl(IVec a) {
    return {_mm512_slli_epi32(a.v, kCount)};
}
inline IVec shr(IVec a, int count) { return {_mm512_srli_epi32(a.v, static_cast<unsigned>(count))}; }
inline IVec shr(IVec a, IVec count) { return {_mm512_srlv_epi32(a.v, count.v)}; }
inline Vec to_float(IVec a) { return {_mm512_cvtepi32_ps(a.v)}; }

inline IVec load_words(const uint32_t* p) { return {_mm512_loadu_si512(p)}; }
inline void store_words(uint32_t* p, IVec a) { _mm512_storeu_si512(p, a.v); }
inline IVec lookup_bytes(const uint8_t* table, IVec index) {
    const __m128i t = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
    return {_mm512_shuffle_epi8(_mm512_broadcast_i32x4(t), index.v)};
}
inline void store_i8(int8_t* p, Vec a) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(a.v)));
}
inline void store_i16(int16_t* p, Vec a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(a.v)));
}

#ifdef KRAIT_CPU_VNNI
inline IVec add_bytes(IVec sum, IVec q, int32_t four) { return {_mm512_dpbusd_epi32(sum.v, q.v, _mm512_set1_epi32(four))}; }
inline IVec add_pairs(IVec sum, IVec w, int32_t two) { return {_mm512_dpwssd_epi32(sum.v, w.v, _mm512_set1_epi32(two))}; }
#else
inline IVec multiply_bytes(IVec q, int32_t four) { return {_mm512_maddubs_epi16(q.v, _mm512_set1_epi32(four))}; }
// |w| times x with the sign of w.
inline IVec multiply_signed(IVec w, int32_t four) {
    const __m512i x = _mm512_set1_epi32(four), zeros = _mm512_setzero_si512();
    return {_mm512_maddubs_epi16(_mm512_abs_epi8(w.v), _mm512_mask_sub_epi8(x, _mm512_movepi8_mask(w.v), zeros, x))};
}
inline IVec add_words(IVec a, IVec b) { return {_mm512_add_epi16(a.v, b.v)}; }
inline IVec add_pairs(IVec sum, IVec w, int32_t two) {
    return {_mm512_add_epi32(sum.v, _mm512_madd_epi16(w.v, _mm512_set1_epi32(two)))};
}
#endif

inline float widen_f16(uint16_t h) { return _cvtsh_ss(h); }
inline Vec widen_f16(__m256i h) { return {_mm512_cvtph_ps(h)}; }
inline Vec widen_bf16(__m256i h) { return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16))}; }
inline __m256i load_u16(const uint16_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
inline __m256i load_u16_partial(const uint16_t* p, int n) { return _mm256_maskz_loadu_epi16(first_lanes(n), p); }
inline Vec load_f16(const uint16_t* p) { return widen_f16(load_u16(p)); }
inline Vec load_f16_partial(const uint16_t* p, int n) { return widen_f16(load_u16_partial(p, n)); }
inline Vec load_bf16(const uint16_t* p) { return widen_bf16(load_u16(p)); }
inline Vec load_bf16_partial(const uint16_t* p, int n) { return widen_bf16(load_u16_partial(p, n)); }
inline uint16_t narrow_f16(float v) {
    return static_cast<uint16_t>(_mm_extract_epi16(_mm_cvtps_ph(_mm_set_ss(v), _MM_FROUND_TO_NEAREST_INT), 0));
}
inline void store_f16(uint16_t* p, Vec a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT));
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT

#include "backends/cpu/simd/dot.hpp"
