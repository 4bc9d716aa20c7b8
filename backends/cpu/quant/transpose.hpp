// SPDX-License-Identifier: Apache-2.0
//
// Transpositions in registers of 16 bytes, by the vector extensions that g++ and clang share: SSE2 on x86-64, NEON on ARM, and
// already faster than memory, so one version serves all levels.
#pragma once

#include <cstdint>
#include <cstring>

namespace krait::cpu::KRAIT_CPU_VARIANT {

typedef uint32_t FourWords __attribute__((vector_size(16)));
typedef uint8_t SixteenBytes __attribute__((vector_size(16)));

template <class V>
inline V load_16(const void* from) {
    V v;
    std::memcpy(&v, from, sizeof v);
    return v;
}
template <class V>
inline void store_16(void* to, const V& v) {
    std::memcpy(to, &v, sizeof v);
}

// Word i of rows[lane] goes to lane `lane` of rows[i].
inline void transpose_words(FourWords (&rows)[4]) {
    const FourWords a = __builtin_shufflevector(rows[0], rows[2], 0, 4, 1, 5),
                    b = __builtin_shufflevector(rows[1], rows[3], 0, 4, 1, 5);
    const FourWords c = __builtin_shufflevector(rows[0], rows[2], 2, 6, 3, 7),
                    d = __builtin_shufflevector(rows[1], rows[3], 2, 6, 3, 7);
    rows[0] = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    rows[1] = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    rows[2] = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    rows[3] = __builtin_shufflevector(c, d, 2, 6, 3, 7);
}

// Byte i of rows[lane] goes to lane `lane` of rows[i]: four times each row of the upper half is interleaved with its
// counterpart in the lower, which rotates the eight bits of a byte's number (row, lane) by one.
inline void transpose_bytes(SixteenBytes (&rows)[16]) {
    for (int round = 0; round < 4; ++round) {
        SixteenBytes next[16];
        for (int i = 0; i < 8; ++i) {
            next[2 * i] = __builtin_shufflevector(rows[i], rows[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            next[2 * i + 1] =
                __builtin_shufflevector(rows[i], rows[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        }
        std::memcpy(rows, next, sizeof next);
    }
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
