// SPDX-License-Identifier: Apache-2.0
//
// Multiply-adds of AVX2 and AVX-512. An instruction has a latency of 4 or 5 cycles and at most two start in one, so 10 sums
// that do not depend on each other are enough; 12 are what AVX2's 16 registers hold.
#include "bench/ceilings/kernels.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

namespace krait::bench {
namespace {

constexpr int kSums = 12;

// The sums stay in registers through all rounds: the empty statement takes each as "changed", and no store is made of it.
#define KRAIT_REPEAT(Register, zero, step)                             \
    do {                                                               \
        Register sums[kSums];                                          \
        for (Register & sum : sums) sum = (zero);                      \
        for (int64_t round = 0; round < rounds; ++round) {             \
            _Pragma("GCC unroll 12") for (int i = 0; i < kSums; ++i) { \
                Register& sum = sums[i];                               \
                sum = (step);                                          \
            }                                                          \
        }                                                              \
        for (Register & sum : sums) __asm__ volatile("" : "+v"(sum));  \
    } while (false)

__attribute__((target("avx2,fma"))) void f32_avx2(int64_t rounds) {
    const __m256 factor = _mm256_set1_ps(0.75f), term = _mm256_set1_ps(0.5f);
    KRAIT_REPEAT(__m256, _mm256_setzero_ps(), _mm256_fmadd_ps(sum, factor, term));
}

// Without VNNI three instructions make a multiply-add of bytes.
__attribute__((target("avx2"))) void int8_avx2(int64_t rounds) {
    __m256i a = _mm256_set1_epi8(3);
    const __m256i b = _mm256_set1_epi8(-5), ones = _mm256_set1_epi16(1);
    __m256i sums[kSums];
    for (__m256i& sum : sums) sum = _mm256_setzero_si256();
    for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
        for (__m256i& sum : sums) {
            __asm__ volatile("" : "+v"(a));  // else the product is computed once
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), ones));
        }
    }
    for (__m256i& sum : sums) __asm__ volatile("" : "+v"(sum));
}

// And two make one of pairs of int16.
__attribute__((target("avx2"))) void int16_avx2(int64_t rounds) {
    __m256i a = _mm256_set1_epi16(3);
    const __m256i b = _mm256_set1_epi16(-5);
    __m256i sums[kSums];
    for (__m256i& sum : sums) sum = _mm256_setzero_si256();
    for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
        for (__m256i& sum : sums) {
            __asm__ volatile("" : "+v"(a));  // else the product is computed once
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
        }
    }
    for (__m256i& sum : sums) __asm__ volatile("" : "+v"(sum));
}

__attribute__((target("avx512f"))) void f32_avx512(int64_t rounds) {
    const __m512 factor = _mm512_set1_ps(0.75f), term = _mm512_set1_ps(0.5f);
    KRAIT_REPEAT(__m512, _mm512_setzero_ps(), _mm512_fmadd_ps(sum, factor, term));
}

__attribute__((target("avx512f,avx512vnni"))) void int8_avx512_vnni(int64_t rounds) {
    const __m512i a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(-5);
    KRAIT_REPEAT(__m512i, _mm512_setzero_si512(), _mm512_dpbusd_epi32(sum, a, b));
}

__attribute__((target("avx512f,avx512vnni"))) void int16_avx512_vnni(int64_t rounds) {
    const __m512i a = _mm512_set1_epi16(3), b = _mm512_set1_epi16(-5);
    KRAIT_REPEAT(__m512i, _mm512_setzero_si512(), _mm512_dpwssd_epi32(sum, a, b));
}

__attribute__((target("avx512f,avx512bf16"))) void bf16_avx512(int64_t rounds) {
    const __m512bh a = (__m512bh)_mm512_set1_epi16(0x3f40), b = (__m512bh)_mm512_set1_epi16(0x3c00);  // 0.75, 2^-7
    KRAIT_REPEAT(__m512, _mm512_setzero_ps(), _mm512_dpbf16_ps(sum, a, b));
}

#undef KRAIT_REPEAT

bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
bool has_avx512() { return __builtin_cpu_supports("avx512f") != 0; }
bool has_vnni() { return has_avx512() && __builtin_cpu_supports("avx512vnni"); }
bool has_bf16() { return has_avx512() && __builtin_cpu_supports("avx512bf16"); }

constexpr PeakKernel kPeaks[] = {{Number::f32, "avx2", has_avx2, 2.0 * 8 * kSums, f32_avx2},
                                 {Number::int16, "avx2", has_avx2, 2.0 * 16 * kSums, int16_avx2},
                                 {Number::int8, "avx2", has_avx2, 2.0 * 32 * kSums, int8_avx2},
                                 {Number::f32, "avx512", has_avx512, 2.0 * 16 * kSums, f32_avx512},
                                 {Number::bf16, "avx512-bf16", has_bf16, 2.0 * 32 * kSums, bf16_avx512},
                                 {Number::int16, "avx512-vnni", has_vnni, 2.0 * 32 * kSums, int16_avx512_vnni},
                                 {Number::int8, "avx512-vnni", has_vnni, 2.0 * 64 * kSums, int8_avx512_vnni}};

}  // namespace

std::span<const PeakKernel> x86_peaks() { return kPeaks; }

}  // namespace krait::bench

#else

namespace krait::bench {
std::span<const PeakKernel> x86_peaks() { return {}; }
}  // namespace krait::bench

#endif
