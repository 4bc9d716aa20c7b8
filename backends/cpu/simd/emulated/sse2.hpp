// SPDX-License-Identifier: Apache-2.0
//
// Instructions on 128 bits that came after SSE2, by those of SSE2, which every x86-64 has. Names, operands and results are
// those of the intrinsics (Intel's manual, volume 2), to the bit but for the payloads of NaN; what a kernel's contract
// (vec.hpp) leaves open is left out, and said. avx2.hpp and avx512.hpp make wider registers of these.
#pragma once

#include <emmintrin.h>

#include <cstdint>
#include <cstring>

#include "core/quant/half.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

// NOLINTNEXTLINE(bugprone-reserved-identifier): the names are the compiler's
inline constexpr int _MM_FROUND_TO_NEAREST_INT = 0, _MM_FROUND_NO_EXC = 8, _CMP_EQ_OQ = 0, _CMP_LT_OQ = 17;

// a where all bits of the mask are ones, b where they are zeros; comparisons give no other masks.
inline __m128 choose(__m128 mask, __m128 a, __m128 b) { return _mm_or_ps(_mm_and_ps(mask, a), _mm_andnot_ps(mask, b)); }

// ---- SSE3, SSSE3, SSE4.1 ------------------------------------------------------------------------------------------------

inline __m128 _mm_hadd_ps(__m128 a, __m128 b) {
    return _mm_add_ps(_mm_shuffle_ps(a, b, 0x88), _mm_shuffle_ps(a, b, 0xdd));  // elements 0 and 2, 1 and 3 of both
}
inline __m128 _mm_movehdup_ps(__m128 a) { return _mm_shuffle_ps(a, a, 0xf5); }
inline __m128 _mm_blendv_ps(__m128 b, __m128 a, __m128 mask) {
    return choose(_mm_castsi128_ps(_mm_srai_epi32(_mm_castps_si128(mask), 31)), a, b);
}
// Below 2^23, adding and taking away 2^23 with the sign of a rounds to even; the sign is put back for -0.
inline __m128 _mm_round_ps(__m128 a, int) {
    const __m128 sign = _mm_and_ps(a, _mm_set1_ps(-0.0f)), whole = _mm_or_ps(_mm_set1_ps(8388608.0f), sign);
    const __m128 rounded = _mm_or_ps(_mm_sub_ps(_mm_add_ps(a, whole), whole), sign);
    return choose(_mm_cmplt_ps(_mm_xor_ps(a, sign), _mm_set1_ps(8388608.0f)), rounded, a);
}

inline __m128i _mm_abs_epi8(__m128i a) {
    const __m128i negative = _mm_cmpgt_epi8(_mm_setzero_si128(), a);
    return _mm_sub_epi8(_mm_xor_si128(a, negative), negative);
}
// a with the sign of b, 0 where b is.
inline __m128i _mm_sign_epi8(__m128i a, __m128i b) {
    const __m128i negative = _mm_cmpgt_epi8(_mm_setzero_si128(), b);
    return _mm_andnot_si128(_mm_cmpeq_epi8(b, _mm_setzero_si128()), _mm_sub_epi8(_mm_xor_si128(a, negative), negative));
}
inline __m128i _mm_shuffle_epi8(__m128i a, __m128i index) {
    uint8_t from[16], at[16];
    std::memcpy(from, &a, sizeof from);
    std::memcpy(at, &index, sizeof at);
    for (uint8_t& byte : at) byte = byte < 0x80 ? from[byte & 15] : 0;
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}
inline __m128i _mm_mullo_epi32(__m128i a, __m128i b) {
    const __m128i even = _mm_mul_epu32(a, b), odd = _mm_mul_epu32(_mm_srli_epi64(a, 32), _mm_srli_epi64(b, 32));
    return _mm_unpacklo_epi32(_mm_shuffle_epi32(even, 0x08), _mm_shuffle_epi32(odd, 0x08));
}
inline __m128i _mm_packus_epi32(__m128i a, __m128i b) {
    int32_t from[8];
    uint16_t to[8];
    std::memcpy(from, &a, sizeof a);
    std::memcpy(from + 4, &b, sizeof b);
    for (int i = 0; i < 8; ++i) to[i] = static_cast<uint16_t>(from[i] < 0 ? 0 : from[i] > 0xffff ? 0xffff : from[i]);
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(to));
}
inline __m128i _mm_cvtepu16_epi32(__m128i a) { return _mm_unpacklo_epi16(a, _mm_setzero_si128()); }
inline __m128i _mm_cvtepu8_epi32(__m128i a) { return _mm_cvtepu16_epi32(_mm_unpacklo_epi8(a, _mm_setzero_si128())); }
inline __m128i _mm_cvtepi8_epi32(__m128i a) {
    const __m128i words = _mm_unpacklo_epi8(a, a);
    return _mm_srai_epi32(_mm_unpacklo_epi16(words, words), 24);
}

// Bytes at even and at odd places as int16; those of u without a sign.
struct BytePairs {
    __m128i even, odd;
};
inline BytePairs unsigned_pairs(__m128i u) { return {_mm_and_si128(u, _mm_set1_epi16(0xff)), _mm_srli_epi16(u, 8)}; }
inline BytePairs signed_pairs(__m128i s) { return {_mm_srai_epi16(_mm_slli_epi16(s, 8), 8), _mm_srai_epi16(s, 8)}; }

// A product fits int16; the sum of two is saturated.
inline __m128i _mm_maddubs_epi16(__m128i u, __m128i s) {
    const BytePairs a = unsigned_pairs(u), b = signed_pairs(s);
    return _mm_adds_epi16(_mm_mullo_epi16(a.even, b.even), _mm_mullo_epi16(a.odd, b.odd));
}

// ---- F16C, FMA, AVX2 ----------------------------------------------------------------------------------------------------

inline float _cvtsh_ss(uint16_t half) { return f16_to_f32(half); }
inline __m128 _mm_cvtph_ps(__m128i halves) {
    uint16_t from[8];
    std::memcpy(from, &halves, sizeof from);
    return _mm_setr_ps(f16_to_f32(from[0]), f16_to_f32(from[1]), f16_to_f32(from[2]), f16_to_f32(from[3]));
}
inline __m128i _mm_cvtps_ph(__m128 a, int) {
    float from[4];
    _mm_storeu_ps(from, a);
    uint16_t halves[8] = {};
    for (int i = 0; i < 4; ++i) halves[i] = f32_to_f16(from[i]);
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(halves));
}

// a * b + c of two lanes, exact, rounded to odd: toward zero, and the last bit set if that lost anything. A product of two
// float32 is exact in double. A number that is rounded to odd with two bits more than float32 has, and then to nearest, is
// what one rounding to nearest gives (Boldo and Melquiond, Emulation of a FMA and correctly rounded sums, 2008).
inline __m128d fmadd_to_odd(__m128d a, __m128d b, __m128d c) {
    const __m128d product = _mm_mul_pd(a, b), sum = _mm_add_pd(product, c);
    // Knuth's two-sum: sum + lost is the exact result. lost is NaN where sum is not finite, and no comparison holds for it.
    const __m128d part = _mm_sub_pd(sum, product);
    const __m128d lost = _mm_add_pd(_mm_sub_pd(product, _mm_sub_pd(sum, part)), _mm_sub_pd(c, part));
    const __m128d zero = _mm_setzero_pd();
    const __m128i inexact = _mm_castpd_si128(_mm_or_pd(_mm_cmplt_pd(lost, zero), _mm_cmpgt_pd(lost, zero)));
    const __m128i away = _mm_and_si128(inexact, _mm_srli_epi64(_mm_castpd_si128(_mm_xor_pd(lost, sum)), 63));
    const __m128i toward_zero = _mm_sub_epi64(_mm_castpd_si128(sum), away);
    return _mm_castsi128_pd(_mm_or_si128(toward_zero, _mm_srli_epi64(inexact, 63)));
}
inline __m128 _mm_fmadd_ps(__m128 a, __m128 b, __m128 c) {
    const auto upper = [](__m128 x) { return _mm_cvtps_pd(_mm_movehl_ps(x, x)); };
    return _mm_movelh_ps(_mm_cvtpd_ps(fmadd_to_odd(_mm_cvtps_pd(a), _mm_cvtps_pd(b), _mm_cvtps_pd(c))),
                         _mm_cvtpd_ps(fmadd_to_odd(upper(a), upper(b), upper(c))));
}

inline __m128i _mm_srlv_epi32(__m128i a, __m128i count) {
    uint32_t lanes[4], by[4];
    std::memcpy(lanes, &a, sizeof lanes);
    std::memcpy(by, &count, sizeof by);
    for (int i = 0; i < 4; ++i) lanes[i] = by[i] < 32 ? lanes[i] >> by[i] : 0;
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(lanes));
}

// ---- AVX-VNNI, AVX-512 --------------------------------------------------------------------------------------------------

inline __m128i _mm_dpbusd_epi32(__m128i sum, __m128i u, __m128i s) {
    const BytePairs a = unsigned_pairs(u), b = signed_pairs(s);
    return _mm_add_epi32(sum, _mm_add_epi32(_mm_madd_epi16(a.even, b.even), _mm_madd_epi16(a.odd, b.odd)));
}
inline __m128i _mm_dpwssd_epi32(__m128i sum, __m128i a, __m128i b) { return _mm_add_epi32(sum, _mm_madd_epi16(a, b)); }

// a * 2^n for whole n, by a product in double, which is exact: only the conversion rounds. n beyond 500 is as good as 500.
// NaN in n is NaN; infinite n with a = 0 is 0 here, NaN on the processor.
inline __m128 _mm_scalef_ps(__m128 a, __m128 n) {
    const __m128i whole = _mm_cvtps_epi32(_mm_max_ps(_mm_min_ps(n, _mm_set1_ps(500.0f)), _mm_set1_ps(-500.0f)));
    const auto power = [](__m128i two) {  // of lanes 0 and 1 of int32, beside zeros
        return _mm_castsi128_pd(_mm_slli_epi64(two, 52));
    };
    const __m128i biased = _mm_add_epi32(whole, _mm_set1_epi32(1023)), none = _mm_setzero_si128();
    const __m128d low = _mm_mul_pd(_mm_cvtps_pd(a), power(_mm_unpacklo_epi32(biased, none)));
    const __m128d high = _mm_mul_pd(_mm_cvtps_pd(_mm_movehl_ps(a, a)), power(_mm_unpackhi_epi32(biased, none)));
    return _mm_or_ps(_mm_movelh_ps(_mm_cvtpd_ps(low), _mm_cvtpd_ps(high)), _mm_cmpunord_ps(n, n));
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
