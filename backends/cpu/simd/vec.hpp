// SPDX-License-Identifier: Apache-2.0
//
// Registers of kLanes floats. One plugin is compiled for one instruction set, so the compiler's own macros choose the
// implementation, and every kernel is written once:
//   vec_avx512.hpp    16 lanes (F, BW, DQ, VL)
//   vec_avx2.hpp       8 lanes (AVX2, FMA, F16C)
//   vec_neon.hpp       4 lanes (64-bit ARM with dot products)
//   vec_portable.hpp   4 lanes, the vector extensions of g++ and clang: SSE2, NEON, or plain code
// The first two multiply integers by VNNI where the build has it (dot.hpp). They are compiled for machines without their
// instructions as well (intrinsics.hpp), for tests. The third takes products of int8 matrices where the build has them (I8MM).
// Contract, the same at all levels:
//   Vec     load store load_partial store_partial (first n lanes, 0 <= n <= kLanes; other lanes 0 and untouched) broadcast
//           + - * /  fma(a, b, c) = a*b + c, fused where the level has it  |  min, max: the second operand where either is NaN
//           round_even  abs  scale2(a, n) = a * 2^n, exact up to the result's own rounding, n whole and |n| <= 300
//           equal, less -> Mask; select(mask, a, b); first_set(mask) = lane or -1
//           sum(a), highest(a): over lanes in a fixed tree  |  sum4(a, b, c, d, out): four sums at once, same tree for each
//           transpose(rows): lane i of rows[j] goes to lane j of rows[i]  |  swap_pairs(a): lanes 2 i and 2 i + 1 change places
//           load_pair(p, q): half a register from each  |  as_bits(a): the IVec of the same bits
//   IVec    kLanes int32: load_u8, load_i8 (widening), iota, + - & | ^, shl<n>, shr (logical, one count or one per lane),
//           to_float (exact below 2^24)
//           or 4 kLanes bytes: load_words, store_words, lookup_bytes(table of 16, index below 16)
//   dot<dot_kind(max), n>(sum, q, x): lane i of sum plus the products of bytes 4 i .. 4 i + 3 of q[g], unsigned and at most
//           max, with x[4 g ..], g = 0 .. n-1; x in -127 .. 127. Exact. Where max > 127, 128 - kByteBias is taken off each
//           byte.
//   dots<dot_kind(max), n>(sum, q, x): the same for kRowsOfDot rows of x, or one, and as many sums: arrays. An instruction of
//           the level may take that many rows at once.
//   dot_pairs(sum, w, x): lane i of sum plus the products of its two int16 in w with x[0], x[1]; modulo 2^32
//   pin(a): a is in a register here: compilers would rather compute all products first, through memory, and add them up then
//   store_i8(p, a), store_i16(p, a): kLanes whole numbers, saturated; some number for NaN
//   load_f16, load_bf16 (and _partial): widening loads, exact, NaN payloads aside; widen_f16: one number
//   store_f16: kLanes halves, to nearest, ties to even, a NaN as core/quant/half.hpp has it; narrow_f16: one number
//   transpose_halves(rows, out, stride): numbers of 16 bits, 2 kLanes from each of kLanes rows: d of row i goes to
//           out[d * stride + i]
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#ifndef KRAIT_CPU_VARIANT
#error "KRAIT_CPU_VARIANT (a Level of instruction_sets.hpp) is the namespace of one build of the kernels: the build sets it"
#endif

#if KRAIT_CPU_EMULATED == 512 || \
    (defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__))
#include "backends/cpu/simd/vec_avx512.hpp"
#elif KRAIT_CPU_EMULATED == 256 || (defined(__AVX2__) && defined(__FMA__) && defined(__F16C__))
#include "backends/cpu/simd/vec_avx2.hpp"
#elif defined(__aarch64__) && defined(__ARM_FEATURE_DOTPROD)
#include "backends/cpu/simd/vec_neon.hpp"
#else
#include "backends/cpu/simd/vec_portable.hpp"
#endif

namespace krait::cpu::KRAIT_CPU_VARIANT {

template <int kKind, int kCount>
[[gnu::always_inline]] inline void dots(IVec (&sum)[1], const IVec (&q)[kCount], const int8_t* const (&x)[1]) {
    sum[0] = dot<kKind>(sum[0], q, x[0]);
}

// Loads n <= kLanes floats, all lanes where n is larger.
inline Vec load_up_to(const float* p, int64_t n) { return n >= kLanes ? load(p) : load_partial(p, static_cast<int>(n)); }
inline void store_up_to(float* p, Vec a, int64_t n) {
    if (n >= kLanes) store(p, a);
    else store_partial(p, a, static_cast<int>(n));
}

// Calls body(i, n) for i = 0, kLanes, ... below count, n = how many of the lanes are inside.
template <class Body>
inline void for_each_vec(int64_t count, Body&& body) {
    int64_t i = 0;
    for (; i + kLanes <= count; i += kLanes) body(i, static_cast<int64_t>(kLanes));
    if (i < count) body(i, count - i);
}

// Calls body(std::integral_constant<int, i>) for i = 0 .. kCount-1, one after another, with no loop left: arrays that only
// such indices reach stay in registers.
template <int kCount, class Body>
[[gnu::always_inline]] inline void unroll(Body&& body) {
    [&]<int... kIndex>(std::integer_sequence<int, kIndex...>) __attribute__((always_inline)) {
        (body(std::integral_constant<int, kIndex>{}), ...);
    }
    (std::make_integer_sequence<int, kCount>{});
}

// The same for a body that takes an int as well. With a sanitizer, which keeps nothing in registers and checks every access, it
// is a loop: unrolled kernels would take minutes to compile. It is one where registers are emulated, too, and lie in memory.
template <int kCount, class Body>
[[gnu::always_inline]] inline void repeat(Body&& body) {
#if defined(KRAIT_SANITIZED) || defined(KRAIT_CPU_EMULATED)
    for (int i = 0; i < kCount; ++i) body(i);
#else
    [&]<int... kIndex>(std::integer_sequence<int, kIndex...>) __attribute__((always_inline)) {
        (body(std::integral_constant<int, kIndex>{}), ...);
    }
    (std::make_integer_sequence<int, kCount>{});
#endif
}

inline void pin([[maybe_unused]] IVec& a) {
#if defined(__AVX2__) && !defined(KRAIT_CPU_EMULATED)
    asm("" : "+v"(a.v));
#elif defined(__ARM_FEATURE_DOTPROD)
    asm("" : "+w"(a.v));
#endif
}

inline void prefetch(const void* p) { __builtin_prefetch(p); }

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
