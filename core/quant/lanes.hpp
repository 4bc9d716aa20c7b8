// SPDX-License-Identifier: Apache-2.0
//
// Internal to the codec: sub-blocks that are searched side by side, one in each lane of a vector. Every lane does the IEEE
// arithmetic of its own sub-block, and sums run in one fixed order: the same bits however many lanes the processor has.
// Vectors are passed by reference, because how they are passed by value depends on the instruction set.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>

namespace krait {

// An instruction set that the searches are compiled for: its vectors, and the operations that have to be compiled for it from
// the start. g++ 12 decides where it reads a comparison how the vector of truths is kept; functions that are compiled for
// several sets leave choices to these.
#define KRAIT_INSTRUCTION_SET(Name, lanes, attributes, low_half, high_half)                                                \
    struct Name {                                                                                                          \
        static constexpr int kLanes = lanes;                                                                               \
        using Floats = float __attribute__((vector_size(4 * (lanes))));                                                    \
        using HalfFloats = float __attribute__((vector_size(2 * (lanes))));                                                \
        using Doubles = double __attribute__((vector_size(4 * (lanes))));                                                  \
        using Ints = int32_t __attribute__((vector_size(4 * (lanes))));                                                    \
        /* a < b ? yes : no in every lane */                                                                               \
        attributes static void choose(const Floats& a, const Floats& b, const Floats& yes, const Floats& no, Floats& to) { \
            to = a < b ? yes : no;                                                                                         \
        }                                                                                                                  \
        attributes static void choose(const Doubles& a, const Doubles& b, const Doubles& yes, const Doubles& no,           \
                                      Doubles& to) {                                                                       \
            to = a < b ? yes : no;                                                                                         \
        }                                                                                                                  \
        /* Two vectors of doubles hold as many lanes as one of floats. */                                                  \
        attributes static void widen(const Floats& from, Doubles (&to)[2]) {                                               \
            to[0] = __builtin_convertvector(__builtin_shufflevector(from, from, KRAIT_LIST low_half), Doubles);            \
            to[1] = __builtin_convertvector(__builtin_shufflevector(from, from, KRAIT_LIST high_half), Doubles);           \
        }                                                                                                                  \
        attributes static void narrow(const Doubles (&from)[2], Floats& to) {                                              \
            const HalfFloats low = __builtin_convertvector(from[0], HalfFloats);                                           \
            const HalfFloats high = __builtin_convertvector(from[1], HalfFloats);                                          \
            to = __builtin_shufflevector(low, high, KRAIT_LIST low_half, KRAIT_LIST high_half);                            \
        }                                                                                                                  \
    };
#define KRAIT_LIST(...) __VA_ARGS__

KRAIT_INSTRUCTION_SET(Portable, 4, , (0, 1), (2, 3))
#if defined(__x86_64__)
#define KRAIT_AVX2 __attribute__((target("avx2")))
#define KRAIT_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
KRAIT_INSTRUCTION_SET(Avx2, 8, KRAIT_AVX2, (0, 1, 2, 3), (4, 5, 6, 7))
KRAIT_INSTRUCTION_SET(Avx512, 16, KRAIT_AVX512, (0, 1, 2, 3, 4, 5, 6, 7), (8, 9, 10, 11, 12, 13, 14, 15))
#endif
#undef KRAIT_LIST
#undef KRAIT_INSTRUCTION_SET

template <class Vector>
void load(const void* from, Vector& to) {
    std::memcpy(&to, from, sizeof to);
}
template <class Vector>
void store(const Vector& from, void* to) {
    std::memcpy(to, &from, sizeof from);
}

// Does a < b hold in any lane?
template <class Isa, class Floats>
bool any_less(const Floats& a, const Floats& b) {
    const Floats zero{};
    Floats difference;
    Isa::choose(a, b, zero + 1.0f, zero, difference);
    uint64_t words[sizeof(Floats) / 8], all = 0;
    std::memcpy(words, &difference, sizeof difference);
    for (const uint64_t word : words) all |= word;
    return all != 0;
}

// safe_inverse (samples.hpp) in every lane.
template <class Isa, class Floats>
void safe_inverses(const Floats& value, Floats& inverse) {
    const Floats zero{}, infinity = zero + std::numeric_limits<float>::infinity();
    inverse = 1.0f / value;
    Isa::choose(inverse, infinity, inverse, zero, inverse);
    Isa::choose(-infinity, inverse, inverse, zero, inverse);
}

// sums[k] = the sum over i < N of the k-th number that terms_of(i, numbers) gives, in every lane: of the numbers whose i leave
// the same remainder by 8 first, then of the eight sums, in an order that suits reductions of vectors of eight.
template <int N, int Count, class Floats, class TermsOf>
void ordered_sums(Floats (&sums)[Count], const TermsOf& terms_of) {
    Floats pair[4][Count];
    for (int r = 0; r < 4; ++r) {
        Floats low[Count], high[Count], term[Count];
        terms_of(r, low);
        terms_of(r + 4, high);
        for (int i = 8; i < N; i += 8) {
            terms_of(r + i, term);
            for (int k = 0; k < Count; ++k) low[k] += term[k];
            terms_of(r + 4 + i, term);
            for (int k = 0; k < Count; ++k) high[k] += term[k];
        }
        for (int k = 0; k < Count; ++k) pair[r][k] = low[k] + high[k];
    }
    // + 0: a sum of negative zeros is 0, as if the sums had begun with it.
    for (int k = 0; k < Count; ++k) sums[k] = (pair[0][k] + pair[2][k]) + (pair[1][k] + pair[3][k]) + 0.0f;
}

}  // namespace krait
