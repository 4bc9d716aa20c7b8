// SPDX-License-Identifier: Apache-2.0
//
// AVX2 with FMA and F16C, and AVX-VNNI where the build has it: 8 lanes. Contract: vec.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "backends/cpu/simd/intrinsics.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

inline constexpr int kLanes = 8;
inline constexpr bool kScaleTakesAny = false;  // scale2: any whole n, not only up to 300
inline constexpr int kRegisters = 16;
inline constexpr int kRowsOfDot = 1;

struct Vec {
    __m256 v;
};
struct IVec {
    __m256i v;
};
struct Mask {
    __m256 v;
};

// Lane i is all ones where i < n.
inline __m256i first_lanes(int n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

inline Vec zero() { return {_mm256_setzero_ps()}; }
inline Vec broadcast(float a) { return {_mm256_set1_ps(a)}; }
inline Vec load(const float* p) { return {_mm256_loadu_ps(p)}; }
inline Vec load_partial(const float* p, int n) { return {_mm256_maskload_ps(p, first_lanes(n))}; }
inline void store(float* p, Vec a) { _mm256_storeu_ps(p, a.v); }
inline void store_partial(float* p, Vec a, int n) { _mm256_maskstore_ps(p, first_lanes(n), a.v); }

inline Vec operator+(Vec a, Vec b) { return {_mm256_add_ps(a.v, b.v)}; }
inline Vec operator-(Vec a, Vec b) { return {_mm256_sub_ps(a.v, b.v)}; }
inline Vec operator*(Vec a, Vec b) { return {_mm256_mul_ps(a.v, b.v)}; }
inline Vec operator/(Vec a, Vec b) { return {_mm256_div_ps(a.v, b.v)}; }
inline Vec fma(Vec a, Vec b, Vec c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
inline Vec min(Vec a, Vec b) { return {_mm256_min_ps(a.v, b.v)}; }
inline Vec max(Vec a, Vec b) { return {_mm256_max_ps(a.v, b.v)}; }
inline Vec abs(Vec a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v)}; }
inline Vec round_even(Vec a) { return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }

// 2^n by the exponent field reaches -126..127 only: three factors cover +-300. For a result that is denormal the first
// two leave a normal number (|a| is about 1), so that only the last multiplication rounds.
inline Vec scale2(Vec a, Vec n) {
    const __m256i whole = _mm256_cvtps_epi32(n.v);
    const __m256i third = _mm256_srai_epi32(_mm256_mullo_epi32(whole, _mm256_set1_epi32(21846)), 16);  // floor(n / 3) or near
    const __m256i rest = _mm256_sub_epi32(whole, _mm256_add_epi32(third, third));
    const __m256i bias = _mm256_set1_epi32(127);
    const __m256 f = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(third, bias), 23));
    const __m256 g = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23));
    return {_mm256_mul_ps(_mm256_mul_ps(_mm256_mul_ps(a.v, f), f), g)};
}

inline Mask equal(Vec a, Vec b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ)}; }
inline Mask less(Vec a, Vec b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ)}; }
inline Vec select(Mask m, Vec a, Vec b) { return {_mm256_blendv_ps(b.v, a.v, m.v)}; }
inline int first_set(Mask m) {
    const int bits = _mm256_movemask_ps(m.v);
    return bits == 0 ? -1 : __builtin_ctz(static_cast<unsigned>(bits));
}

inline __m128 half_sum(Vec a) { return _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1)); }
inline void sum4(Vec a, Vec b, Vec c, Vec d, float out[4]) {
    const __m128 ab = _mm_hadd_ps(half_sum(a), half_sum(b));
    const __m128 cd = _mm_hadd_ps(half_sum(c), half_sum(d));
    _mm_storeu_ps(out, _mm_hadd_ps(ab, cd));
}
inline float sum(Vec a) {
    const __m128 half = half_sum(a);
    const __m128 pairs = _mm_hadd_ps(half, half);
    return _mm_cvtss_f32(_mm_hadd_ps(pairs, pairs));
}
inline float highest(Vec a) {
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}

inline Vec swap_pairs(Vec a) { return {_mm256_permute_ps(a.v, 0xb1)}; }
inline __m256 low_pairs(__m256 a, __m256 b) {
    return _mm256_castsi256_ps(_mm256_unpacklo_epi64(_mm256_castps_si256(a), _mm256_castps_si256(b)));
}
inline __m256 high_pairs(__m256 a, __m256 b) {
    return _mm256_castsi256_ps(_mm256_unpackhi_epi64(_mm256_castps_si256(a), _mm256_castps_si256(b)));
}
// [i][c]: in half h, column c + 4 h of rows 4 i to 4 i + 3.
struct Squares {
    __m256 at[2][4];
};
inline Squares squares_of(const Vec (&rows)[kLanes]) {
    Squares squares;
    for (int i = 0; i < 2; ++i) {
        const __m256 a = rows[4 * i].v, b = rows[4 * i + 1].v, c = rows[4 * i + 2].v, d = rows[4 * i + 3].v;
        const __m256 ab = _mm256_unpacklo_ps(a, b), cd = _mm256_unpacklo_ps(c, d);
        const __m256 ab_high = _mm256_unpackhi_ps(a, b), cd_high = _mm256_unpackhi_ps(c, d);
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
        rows[c].v = _mm256_permute2f128_ps(square.at[0][c], square.at[1][c], 0x20);
        rows[c + 4].v = _mm256_permute2f128_ps(square.at[0][c], square.at[1][c], 0x31);
    }
}
inline void store_halves(uint16_t* out, int64_t stride, __m256i a) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm256_castsi256_si128(a));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + stride), _mm256_extracti128_si256(a, 1));
}
// Pairs of numbers are transposed as words, then the lower and the upper numbers packed.
inline void transpose_halves(const std::byte* const (&rows)[kLanes], uint16_t* out, int64_t stride) {
    Vec words[kLanes];
    for (int i = 0; i < kLanes; ++i) words[i] = load(reinterpret_cast<const float*>(rows[i]));
    const Squares square = squares_of(words);
    const __m256i low = _mm256_set1_epi32(0xffff);
    for (int c = 0; c < 4; ++c) {
        const __m256i a = _mm256_castps_si256(square.at[0][c]), b = _mm256_castps_si256(square.at[1][c]);
        uint16_t* to = out + 2 * c * stride;
        store_halves(to, 8 * stride, _mm256_packus_epi32(_mm256_and_si256(a, low), _mm256_and_si256(b, low)));
        store_halves(to + stride, 8 * stride, _mm256_packus_epi32(_mm256_srli_epi32(a, 16), _mm256_srli_epi32(b, 16)));
    }
}
inline Vec load_pair(const void* p, const void* q) {
    float lanes[kLanes];
    std::memcpy(lanes, p, sizeof lanes / 2);
    std::memcpy(lanes + kLanes / 2, q, sizeof lanes / 2);
    return load(lanes);
}
inline IVec as_bits(Vec a) { return {_mm256_castps_si256(a.v)}; }

inline IVec load_u8(const uint8_t* p) { return {_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)))}; }
inline IVec load_i8(const int8_t* p) { return {_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)))}; }
inline IVec broadcast_i(int32_t a) { return {_mm256_set1_epi32(a)}; }
inline IVec iota() { return {_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)}; }
inline IVec operator+(IVec a, IVec b) { return {_mm256_add_epi32(a.v, b.v)}; }
inline IVec operator-(IVec a, IVec b) { return {_mm256_sub_epi32(a.v, b.v)}; }
inline IVec operator&(IVec a, IVec b) { return {_mm256_and_si256(a.v, b.v)}; }
inline IVec operator|(IVec a, IVec b) { return {_mm256_or_si256(a.v, b.v)}; }
inline IVec operator^(IVec a, IVec b) { return {_mm256_xor_si256(a.v, b.v)}; }
template <int kCount>
inline IVec shl(IVec a) {
    return {_mm256_slli_epi32(a.v, kCount)};
}
inline IVec shr(IVec a, int count) { return {_mm256_srli_epi32(a.v, count)}; }
inline IVec shr(IVec a, IVec count) { return {_mm256_srlv_epi32(a.v, count.v)}; }
inline Vec to_float(IVec a) { return {_mm256_cvtepi32_ps(a.v)}; }

inline IVec load_words(const uint32_t* p) { return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))}; }
inline void store_words(uint32_t* p, IVec a) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a.v); }
inline IVec lookup_bytes(const uint8_t* table, IVec index) {
    const __m128i t = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
    return {_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(t), index.v)};
}
inline void store_i8(int8_t* p, Vec a) {
    const __m256i words = _mm256_packs_epi32(_mm256_cvtps_epi32(a.v), _mm256_setzero_si256());  // 4 of each half
    const __m128i both = _mm_unpacklo_epi64(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packs_epi16(both, both));
}
inline void store_i16(int16_t* p, Vec a) {
    const __m256i words = _mm256_packs_epi32(_mm256_cvtps_epi32(a.v), _mm256_setzero_si256());  // 4 of each half
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                     _mm_unpacklo_epi64(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
}

#ifdef KRAIT_CPU_VNNI
inline IVec add_bytes(IVec sum, IVec q, int32_t four) { return {_mm256_dpbusd_avx_epi32(sum.v, q.v, _mm256_set1_epi32(four))}; }
inline IVec add_pairs(IVec sum, IVec w, int32_t two) { return {_mm256_dpwssd_avx_epi32(sum.v, w.v, _mm256_set1_epi32(two))}; }
#else
inline IVec multiply_bytes(IVec q, int32_t four) { return {_mm256_maddubs_epi16(q.v, _mm256_set1_epi32(four))}; }
// |w| times x with the sign of w.
inline IVec multiply_signed(IVec w, int32_t four) {
    return {_mm256_maddubs_epi16(_mm256_abs_epi8(w.v), _mm256_sign_epi8(_mm256_set1_epi32(four), w.v))};
}
inline IVec add_words(IVec a, IVec b) { return {_mm256_add_epi16(a.v, b.v)}; }
inline IVec add_pairs(IVec sum, IVec w, int32_t two) {
    return {_mm256_add_epi32(sum.v, _mm256_madd_epi16(w.v, _mm256_set1_epi32(two)))};
}
#endif

inline float widen_f16(uint16_t h) { return _cvtsh_ss(h); }
inline Vec widen_f16(__m128i h) { return {_mm256_cvtph_ps(h)}; }
inline Vec widen_bf16(__m128i h) { return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 16))}; }
inline __m128i load_u16(const uint16_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
inline __m128i load_u16_partial(const uint16_t* p, int n) {
    alignas(16) uint16_t lanes[8] = {};
    std::memcpy(lanes, p, static_cast<size_t>(n) * sizeof *p);
    return load_u16(lanes);
}
inline Vec load_f16(const uint16_t* p) { return widen_f16(load_u16(p)); }
inline Vec load_f16_partial(const uint16_t* p, int n) { return widen_f16(load_u16_partial(p, n)); }
inline Vec load_bf16(const uint16_t* p) { return widen_bf16(load_u16(p)); }
inline Vec load_bf16_partial(const uint16_t* p, int n) { return widen_bf16(load_u16_partial(p, n)); }
inline uint16_t narrow_f16(float v) {
    return static_cast<uint16_t>(_mm_extract_epi16(_mm_cvtps_ph(_mm_set_ss(v), _MM_FROUND_TO_NEAREST_INT), 0));
}
inline void store_f16(uint16_t* p, Vec a) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT));
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT

#include "backends/cpu/simd/dot.hpp"
