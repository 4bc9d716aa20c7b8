// SPDX-License-Identifier: Apache-2.0
//
// Integer dot products of the levels of x86-64. Contract: vec.hpp. vec_avx2.hpp and vec_avx512.hpp include this behind the
// instructions that it is made of, the second operand the same in all lanes:
//   add_pairs(sum, w, two)        sum + the products of two int16 in a lane, wrapping around
// with VNNI (KRAIT_CPU_VNNI)
//   add_bytes(sum, q, four)       sum + the products of four unsigned by four signed bytes
// without
//   multiply_bytes(q, four)       the products of unsigned by signed bytes, by pairs added to int16, saturated
//   multiply_signed(w, four)      the same of signed bytes
//   add_words(a, b)               int16
#pragma once

#include <cstdint>
#include <cstring>

namespace krait::cpu::KRAIT_CPU_VARIANT {

inline int32_t word_at(const void* p) {
    int32_t word;
    std::memcpy(&word, p, sizeof word);
    return word;
}

#ifdef KRAIT_CPU_VNNI
inline constexpr int kByteBias = 128;
constexpr int dot_kind(int) { return 0; }
template <int kKind, int kCount>
inline IVec dot(IVec sum, const IVec (&q)[kCount], const int8_t* x) {
    for (int g = 0; g < kCount; ++g) sum = add_bytes(sum, q[g], word_at(x + 4 * g));
    return sum;
}
#else
// Small quants are summed as int16 over as many groups as cannot overflow (the kind), and bytes above 127 are taken as signed.
inline constexpr int kByteBias = 0;
constexpr int dot_kind(int max) {
    int groups = 8;
    while (groups > 0 && groups * 2 * 127 * max > 32767) groups /= 2;
    return groups;
}
template <int kKind, int kCount>
inline IVec dot(IVec sum, const IVec (&q)[kCount], const int8_t* x) {
    constexpr int kGroups = kKind == 0 ? 1 : kKind < kCount ? kKind : kCount;
    constexpr int32_t kOnes = 0x00010001;
    for (int first = 0; first < kCount; first += kGroups) {
        IVec pairs = broadcast_i(0);
        for (int g = first; g < first + kGroups; ++g) {
            const int32_t four = word_at(x + 4 * g);
            if constexpr (kKind == 0) pairs = multiply_signed(q[g] ^ broadcast_i(INT32_C(-0x7f7f7f80)), four);
            else pairs = add_words(pairs, multiply_bytes(q[g], four));
        }
        sum = add_pairs(sum, pairs, kOnes);
    }
    return sum;
}
#endif

inline IVec dot_pairs(IVec sum, IVec w, const int16_t* x) { return add_pairs(sum, w, word_at(x)); }

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
