// SPDX-License-Identifier: Apache-2.0
//
// The intrinsics on 256 bits that vec_avx2.hpp uses, and are not the same on every quarter or have no counterpart of 128 bits.
#pragma once

#include "backends/cpu/simd/emulated/parts.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

// ---- moves ----------------------------------------------------------------------------------------------------------------

inline __m256 _mm256_setzero_ps() {
    return make<__m256>([](int) { return _mm_setzero_ps(); });
}
inline __m256i _mm256_setzero_si256() {
    return make<__m256i>([](int) { return _mm_setzero_si128(); });
}
inline __m256 _mm256_set1_ps(float a) {
    return make<__m256>([a](int) { return _mm_set1_ps(a); });
}
inline __m256i _mm256_set1_epi8(char a) {
    return make<__m256i>([a](int) { return _mm_set1_epi8(a); });
}
inline __m256i _mm256_set1_epi16(short a) {
    return make<__m256i>([a](int) { return _mm_set1_epi16(a); });
}
inline __m256i _mm256_set1_epi32(int a) {
    return make<__m256i>([a](int) { return _mm_set1_epi32(a); });
}
inline __m256i _mm256_setr_epi32(int a, int b, int c, int d, int e, int f, int g, int h) {
    return {{_mm_setr_epi32(a, b, c, d), _mm_setr_epi32(e, f, g, h)}};
}
inline __m256i _mm256_broadcastsi128_si256(__m128i a) { return {{a, a}}; }

inline __m256 _mm256_loadu_ps(const float* p) {
    return make<__m256>([p](int i) { return _mm_loadu_ps(p + 4 * i); });
}
inline void _mm256_storeu_ps(float* p, __m256 a) {
    for (int i = 0; i < 2; ++i) _mm_storeu_ps(p + 4 * i, a.part[i]);
}
inline __m256i _mm256_loadu_si256(const __m256i* p) {
    return make<__m256i>([p](int i) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p) + i); });
}
inline void _mm256_storeu_si256(__m256i* p, __m256i a) {
    for (int i = 0; i < 2; ++i) _mm_storeu_si128(reinterpret_cast<__m128i*>(p) + i, a.part[i]);
}
// Lanes whose mask has its highest bit set; memory of the others is not touched.
inline int _mm256_movemask_ps(__m256 a) { return _mm_movemask_ps(a.part[0]) | _mm_movemask_ps(a.part[1]) << 4; }
inline __m256 _mm256_castsi256_ps(__m256i a) {
    return each<__m256>([](auto x) { return _mm_castsi128_ps(x); }, a);
}
inline __m256i _mm256_castps_si256(__m256 a) {
    return each<__m256i>([](auto x) { return _mm_castps_si128(x); }, a);
}
inline __m128 permute_lanes(__m128 a, int select) {
    float lanes[4], result[4];
    _mm_storeu_ps(lanes, a);
    for (int i = 0; i < 4; ++i) result[i] = lanes[select >> (2 * i) & 3];
    return _mm_loadu_ps(result);
}
inline __m256 _mm256_permute_ps(__m256 a, int select) {
    return each<__m256>([select](auto x) { return permute_lanes(x, select); }, a);
}
// Halves 0 and 1 are those of a, 2 and 3 those of b; a half that is cleared is not emulated.
inline __m256 _mm256_permute2f128_ps(__m256 a, __m256 b, int select) {
    const __m128 halves[4] = {a.part[0], a.part[1], b.part[0], b.part[1]};
    return {{halves[select & 3], halves[select >> 4 & 3]}};
}
inline __m256 _mm256_maskload_ps(const float* p, __m256i mask) {
    const int bits = _mm256_movemask_ps(_mm256_castsi256_ps(mask));
    float lanes[8] = {};
    for (int i = 0; i < 8; ++i)
        if ((bits >> i & 1) != 0) lanes[i] = p[i];
    return _mm256_loadu_ps(lanes);
}
inline void _mm256_maskstore_ps(float* p, __m256i mask, __m256 a) {
    const int bits = _mm256_movemask_ps(_mm256_castsi256_ps(mask));
    float lanes[8];
    _mm256_storeu_ps(lanes, a);
    for (int i = 0; i < 8; ++i)
        if ((bits >> i & 1) != 0) p[i] = lanes[i];
}

inline __m128 _mm256_castps256_ps128(__m256 a) { return a.part[0]; }
inline __m128i _mm256_castsi256_si128(__m256i a) { return a.part[0]; }
inline __m128 _mm256_extractf128_ps(__m256 a, int i) { return a.part[i]; }
inline __m128i _mm256_extracti128_si256(__m256i a, int i) { return a.part[i]; }

// ---- arithmetic -----------------------------------------------------------------------------------------------------------

inline __m256 _mm256_andnot_ps(__m256 a, __m256 b) {
    return each<__m256>([](auto x, auto y) { return _mm_andnot_ps(x, y); }, a, b);
}
inline __m256 _mm256_round_ps(__m256 a, int mode) {
    return each<__m256>([mode](auto x) { return _mm_round_ps(x, mode); }, a);
}
inline __m256 _mm256_cmp_ps(__m256 a, __m256 b, int predicate) {
    return predicate == _CMP_EQ_OQ ? each<__m256>([](auto x, auto y) { return _mm_cmpeq_ps(x, y); }, a, b)
                                   : each<__m256>([](auto x, auto y) { return _mm_cmplt_ps(x, y); }, a, b);
}
inline __m256 _mm256_blendv_ps(__m256 b, __m256 a, __m256 mask) {
    return each<__m256>([](auto y, auto x, auto m) { return _mm_blendv_ps(y, x, m); }, b, a, mask);
}
inline __m256i _mm256_dpbusd_avx_epi32(__m256i sum, __m256i u, __m256i s) { return _mm256_dpbusd_epi32(sum, u, s); }
inline __m256i _mm256_dpwssd_avx_epi32(__m256i sum, __m256i a, __m256i b) { return _mm256_dpwssd_epi32(sum, a, b); }

// ---- conversions ----------------------------------------------------------------------------------------------------------

inline __m256i _mm256_cvtepu8_epi32(__m128i a) { return {{_mm_cvtepu8_epi32(a), _mm_cvtepu8_epi32(_mm_srli_si128(a, 4))}}; }
inline __m256i _mm256_cvtepi8_epi32(__m128i a) { return {{_mm_cvtepi8_epi32(a), _mm_cvtepi8_epi32(_mm_srli_si128(a, 4))}}; }
inline __m256i _mm256_cvtepu16_epi32(__m128i a) { return {{_mm_cvtepu16_epi32(a), _mm_cvtepu16_epi32(_mm_srli_si128(a, 8))}}; }
inline __m256 _mm256_cvtph_ps(__m128i a) { return {{_mm_cvtph_ps(a), _mm_cvtph_ps(_mm_srli_si128(a, 8))}}; }
inline __m128i _mm256_cvtps_ph(__m256 a, int mode) {
    return _mm_unpacklo_epi64(_mm_cvtps_ph(a.part[0], mode), _mm_cvtps_ph(a.part[1], mode));
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
