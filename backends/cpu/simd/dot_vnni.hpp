// SPDX-License-Identifier: Apache-2.0
//
// Integer dot products where the level has VNNI: one instruction multiplies four unsigned by four signed bytes, or two pairs of
// int16, and adds them to a lane, without saturation. Contract: vec.hpp. vec_avx2.hpp and vec_avx512.hpp include this behind
// their add_bytes() and add_pairs(), which are those instructions with the second operand the same in all lanes.
#pragma once

#include <cstdint>
#include <cstring>

namespace krait::cpu::KRAIT_CPU_VARIANT {

inline constexpr int kByteBias = 128;
constexpr int dot_kind(int) { return 0; }

inline int32_t word_at(const void* p) {
    int32_t word;
    std::memcpy(&word, p, sizeof word);
    return word;
}

template <int kKind, int kCount>
inline IVec dot(IVec sum, const IVec (&q)[kCount], const int8_t* x) {
    for (int g = 0; g < kCount; ++g) sum = add_bytes(sum, q[g], word_at(x + 4 * g));
    return sum;
}

inline IVec dot_pairs(IVec sum, IVec w, const int16_t* x) { return add_pairs(sum, w, word_at(x)); }

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
