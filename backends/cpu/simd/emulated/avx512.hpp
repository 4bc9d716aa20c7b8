// SPDX-License-Identifier: Apache-2.0
//
// The intrinsics on 512 bits, and on masks, that vec_avx512.hpp uses beside those that are the same on every quarter.
#pragma once

#include "backends/cpu/simd/emulated/avx2.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

using __mmask16 = uint16_t;  // NOLINT(bugprone-reserved-identifier): the compiler's name

// ---- moves ----------------------------------------------------------------------------------------------------------------

inline __m512 _mm512_setzero_ps() {
    return make<__m512>([](int) { return _mm_setzero_ps(); });
}
inline __m512i _mm512_setzero_si512() {
    return make<__m512i>([](int) { return _mm_setzero_si128(); });
}
inline __m512 _mm512_set1_ps(float a) {
    return make<__m512>([a](int) { return _mm_set1_ps(a); });
}
inline __m512i _mm512_set1_epi32(int a) {
    return make<__m512i>([a](int) { return _mm_set1_epi32(a); });
}
inline __m512i _mm512_setr_epi32(int a, int b, int c, int d, int e, int f, int g, int h, int i, int j, int k, int l, int m,
                                 int n, int o, int p) {
    return {{_mm_setr_epi32(a, b, c, d), _mm_setr_epi32(e, f, g, h), _mm_setr_epi32(i, j, k, l), _mm_setr_epi32(m, n, o, p)}};
}
inline __m512i _mm512_broadcast_i32x4(__m128i a) { return {{a, a, a, a}}; }

inline __m512 _mm512_loadu_ps(const float* p) {
    return make<__m512>([p](int i) { return _mm_loadu_ps(p + 4 * i); });
}
inline void _mm512_storeu_ps(float* p, __m512 a) {
    for (int i = 0; i < 4; ++i) _mm_storeu_ps(p + 4 * i, a.part[i]);
}
inline __m512i _mm512_loadu_si512(const void* p) {
    return make<__m512i>([p](int i) { return _mm_loadu_si128(static_cast<const __m128i*>(p) + i); });
}
inline void _mm512_storeu_si512(void* p, __m512i a) {
    for (int i = 0; i < 4; ++i) _mm_storeu_si128(static_cast<__m128i*>(p) + i, a.part[i]);
}
// Memory of lanes whose bit is not set is not touched.
inline __m512 _mm512_maskz_loadu_ps(__mmask16 mask, const float* p) {
    float lanes[16] = {};
    for (int i = 0; i < 16; ++i)
        if ((mask >> i & 1) != 0) lanes[i] = p[i];
    return _mm512_loadu_ps(lanes);
}
inline void _mm512_mask_storeu_ps(float* p, __mmask16 mask, __m512 a) {
    float lanes[16];
    _mm512_storeu_ps(lanes, a);
    for (int i = 0; i < 16; ++i)
        if ((mask >> i & 1) != 0) p[i] = lanes[i];
}
inline __m256i _mm256_maskz_loadu_epi16(__mmask16 mask, const void* p) {
    uint16_t lanes[16] = {};
    for (int i = 0; i < 16; ++i)
        if ((mask >> i & 1) != 0) lanes[i] = static_cast<const uint16_t*>(p)[i];
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(lanes));
}

inline __m512 _mm512_castsi512_ps(__m512i a) {
    return each<__m512>([](auto x) { return _mm_castsi128_ps(x); }, a);
}
inline __m512i _mm512_castsi256_si512(__m256i a) { return {{a.part[0], a.part[1], a.part[0], a.part[1]}}; }
inline __m512i _mm512_inserti64x4(__m512i a, __m256i b, int i) {
    return i == 0 ? __m512i{{b.part[0], b.part[1], a.part[2], a.part[3]}}
                  : __m512i{{a.part[0], a.part[1], b.part[0], b.part[1]}};
}
inline __m128i _mm512_extracti32x4_epi32(__m512i a, int i) { return a.part[i]; }
inline __m512i _mm512_castps_si512(__m512 a) {
    return each<__m512i>([](auto x) { return _mm_castps_si128(x); }, a);
}
inline __m512 _mm512_permute_ps(__m512 a, int select) {
    return each<__m512>([select](auto x) { return permute_lanes(x, select); }, a);
}
inline __m512 _mm512_shuffle_f32x4(__m512 a, __m512 b, int select) {
    return {{a.part[select & 3], a.part[select >> 2 & 3], b.part[select >> 4 & 3], b.part[select >> 6 & 3]}};
}
inline __m256 _mm512_castps512_ps256(__m512 a) { return {{a.part[0], a.part[1]}}; }
inline __m256 _mm512_extractf32x8_ps(__m512 a, int i) { return {{a.part[2 * i], a.part[2 * i + 1]}}; }

// ---- arithmetic -----------------------------------------------------------------------------------------------------------

inline __m512 _mm512_abs_ps(__m512 a) {
    return each<__m512>([](auto x) { return _mm_andnot_ps(_mm_set1_ps(-0.0f), x); }, a);
}
inline __m512 _mm512_roundscale_ps(__m512 a, int mode) {
    return each<__m512>([mode](auto x) { return _mm_round_ps(x, mode); }, a);
}
inline __mmask16 _mm512_cmp_ps_mask(__m512 a, __m512 b, int predicate) {
    int bits = 0;
    for (int i = 0; i < 4; ++i) {
        const __m128 x = a.part[i], y = b.part[i];
        bits |= _mm_movemask_ps(predicate == _CMP_EQ_OQ ? _mm_cmpeq_ps(x, y) : _mm_cmplt_ps(x, y)) << 4 * i;
    }
    return static_cast<__mmask16>(bits);
}
inline __m512 _mm512_mask_blend_ps(__mmask16 mask, __m512 b, __m512 a) {
    return make<__m512>([&](int i) {
        const __m128i bit = _mm_setr_epi32(1, 2, 4, 8);
        const __m128i is_set = _mm_cmpeq_epi32(_mm_and_si128(_mm_set1_epi32(mask >> 4 * i), bit), bit);
        return choose(_mm_castsi128_ps(is_set), a.part[i], b.part[i]);
    });
}
inline uint64_t _mm512_movepi8_mask(__m512i a) {
    uint64_t bits = 0;
    for (int i = 0; i < 4; ++i) bits |= static_cast<uint64_t>(_mm_movemask_epi8(a.part[i])) << 16 * i;
    return bits;
}
inline __m512i _mm512_mask_sub_epi8(__m512i other, uint64_t mask, __m512i a, __m512i b) {
    int8_t bytes[64], less[64], result[64];
    _mm512_storeu_si512(bytes, a);
    _mm512_storeu_si512(less, b);
    _mm512_storeu_si512(result, other);
    for (int i = 0; i < 64; ++i)
        if ((mask >> i & 1) != 0) result[i] = static_cast<int8_t>(bytes[i] - less[i]);
    return _mm512_loadu_si512(result);
}
// Halves, quarters, pairs. Where a lane is NaN, compilers differ.
inline float _mm512_reduce_max_ps(__m512 a) {
    const __m128 half[2] = {_mm_max_ps(a.part[2], a.part[0]), _mm_max_ps(a.part[3], a.part[1])};
    const __m128 quarter = _mm_max_ps(half[1], half[0]);
    const __m128 pair = _mm_max_ps(quarter, _mm_shuffle_ps(quarter, quarter, 0x4e));
    return _mm_cvtss_f32(_mm_max_ps(pair, _mm_shuffle_ps(pair, pair, 0xb1)));
}

// ---- conversions ----------------------------------------------------------------------------------------------------------

inline __m512i _mm512_cvtepu8_epi32(__m128i a) {
    return {{_mm_cvtepu8_epi32(a), _mm_cvtepu8_epi32(_mm_srli_si128(a, 4)), _mm_cvtepu8_epi32(_mm_srli_si128(a, 8)),
             _mm_cvtepu8_epi32(_mm_srli_si128(a, 12))}};
}
inline __m512i _mm512_cvtepi8_epi32(__m128i a) {
    return {{_mm_cvtepi8_epi32(a), _mm_cvtepi8_epi32(_mm_srli_si128(a, 4)), _mm_cvtepi8_epi32(_mm_srli_si128(a, 8)),
             _mm_cvtepi8_epi32(_mm_srli_si128(a, 12))}};
}
inline __m512i _mm512_cvtepu16_epi32(__m256i a) {
    return make<__m512i>([&](int i) {
        const __m128i words = a.part[i / 2];
        return _mm_cvtepu16_epi32(i % 2 == 0 ? words : _mm_srli_si128(words, 8));
    });
}
inline __m512 _mm512_cvtph_ps(__m256i a) {
    return make<__m512>([&](int i) {
        const __m128i halves = a.part[i / 2];
        return _mm_cvtph_ps(i % 2 == 0 ? halves : _mm_srli_si128(halves, 8));
    });
}
inline __m256i _mm512_cvtps_ph(__m512 a, int mode) {
    return make<__m256i>(
        [&](int i) { return _mm_unpacklo_epi64(_mm_cvtps_ph(a.part[2 * i], mode), _mm_cvtps_ph(a.part[2 * i + 1], mode)); });
}
inline __m256i _mm512_cvtsepi32_epi16(__m512i a) {
    return {{_mm_packs_epi32(a.part[0], a.part[1]), _mm_packs_epi32(a.part[2], a.part[3])}};
}
inline __m128i _mm512_cvtsepi32_epi8(__m512i a) {
    const __m256i words = _mm512_cvtsepi32_epi16(a);
    return _mm_packs_epi16(words.part[0], words.part[1]);
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
