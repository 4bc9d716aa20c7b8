// SPDX-License-Identifier: Apache-2.0
//
// Registers of 4 lanes by the vector extensions that g++ and clang share, as far as these give the instructions that one would
// choose by hand: the part of vec.hpp's contract that vec_portable.hpp and vec_neon.hpp have in common.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace krait::cpu::KRAIT_CPU_VARIANT {

inline constexpr int kLanes = 4;
inline constexpr bool kScaleTakesAny = false;  // scale2: any whole n, not only up to 300

typedef float FloatLanes __attribute__((vector_size(16)));
typedef int32_t IntLanes __attribute__((vector_size(16)));
typedef uint32_t BitLanes __attribute__((vector_size(16)));

struct Vec {
    FloatLanes v;
};
struct IVec {
    BitLanes v;
};
struct Mask {
    IntLanes v;
};

inline Vec zero() { return {FloatLanes{}}; }
inline Vec broadcast(float a) { return {FloatLanes{a, a, a, a}}; }
inline Vec load(const float* p) {
    Vec a;
    std::memcpy(&a.v, p, sizeof a.v);
    return a;
}
inline Vec load_partial(const float* p, int n) {
    float lanes[kLanes] = {};
    for (int i = 0; i < n; ++i) lanes[i] = p[i];
    return load(lanes);
}
inline void store(float* p, Vec a) { std::memcpy(p, &a.v, sizeof a.v); }
inline void store_partial(float* p, Vec a, int n) {
    for (int i = 0; i < n; ++i) p[i] = a.v[i];
}

inline Vec operator+(Vec a, Vec b) { return {a.v + b.v}; }
inline Vec operator-(Vec a, Vec b) { return {a.v - b.v}; }
inline Vec operator*(Vec a, Vec b) { return {a.v * b.v}; }
inline Vec operator/(Vec a, Vec b) { return {a.v / b.v}; }

inline BitLanes bits_of(FloatLanes a) { return reinterpret_cast<BitLanes>(a); }
inline Vec from_bits(BitLanes a) { return {reinterpret_cast<FloatLanes>(a)}; }

inline Mask equal(Vec a, Vec b) { return {reinterpret_cast<IntLanes>(a.v == b.v)}; }
inline Mask less(Vec a, Vec b) { return {reinterpret_cast<IntLanes>(a.v < b.v)}; }
inline Vec select(Mask m, Vec a, Vec b) {
    const BitLanes take = reinterpret_cast<BitLanes>(m.v);
    return from_bits((bits_of(a.v) & take) | (bits_of(b.v) & ~take));
}
inline Vec min(Vec a, Vec b) { return select(less(a, b), a, b); }
inline Vec max(Vec a, Vec b) { return select(less(b, a), a, b); }
inline Vec abs(Vec a) { return from_bits(bits_of(a.v) & 0x7fffffffu); }

// As in vec_avx2.hpp: three factors, of which only the last rounds.
inline Vec scale2(Vec a, Vec n) {
    // Rounding n by the magic sum leaves n in the low bits of the mantissa.
    const BitLanes whole = bits_of(n.v + 12582912.0f) - 0x4b400000u;
    const BitLanes third =
        reinterpret_cast<BitLanes>(reinterpret_cast<IntLanes>(whole * 21846u) >> 16);  // floor(n / 3) or near
    const BitLanes rest = whole - third - third;
    const Vec f = from_bits((third + 127u) << 23);
    const Vec g = from_bits((rest + 127u) << 23);
    return a * f * f * g;
}

inline IVec broadcast_i(int32_t a) {
    const uint32_t u = static_cast<uint32_t>(a);
    return {BitLanes{u, u, u, u}};
}
inline IVec iota() { return {BitLanes{0, 1, 2, 3}}; }
inline IVec operator+(IVec a, IVec b) { return {a.v + b.v}; }
inline IVec operator-(IVec a, IVec b) { return {a.v - b.v}; }
inline IVec operator&(IVec a, IVec b) { return {a.v & b.v}; }
inline IVec operator|(IVec a, IVec b) { return {a.v | b.v}; }
inline IVec operator^(IVec a, IVec b) { return {a.v ^ b.v}; }
template <int kCount>
inline IVec shl(IVec a) {
    return {a.v << kCount};
}
inline IVec shr(IVec a, int count) { return {a.v >> static_cast<uint32_t>(count)}; }
inline IVec shr(IVec a, IVec count) { return {a.v >> count.v}; }
inline Vec to_float(IVec a) { return {__builtin_convertvector(reinterpret_cast<IntLanes>(a.v), FloatLanes)}; }

inline IVec load_words(const uint32_t* p) {
    IVec a;
    std::memcpy(&a.v, p, sizeof a.v);
    return a;
}
inline void store_words(uint32_t* p, IVec a) { std::memcpy(p, &a.v, sizeof a.v); }

inline IVec as_bits(Vec a) { return {bits_of(a.v)}; }
inline Vec load_pair(const void* p, const void* q) {
    float lanes[kLanes];
    std::memcpy(lanes, p, sizeof lanes / 2);
    std::memcpy(lanes + kLanes / 2, q, sizeof lanes / 2);
    return load(lanes);
}

inline Vec swap_pairs(Vec a) { return {__builtin_shufflevector(a.v, a.v, 1, 0, 3, 2)}; }
inline void transpose(Vec (&rows)[kLanes]) {
    const FloatLanes a = __builtin_shufflevector(rows[0].v, rows[1].v, 0, 4, 1, 5),
                     b = __builtin_shufflevector(rows[2].v, rows[3].v, 0, 4, 1, 5);
    const FloatLanes c = __builtin_shufflevector(rows[0].v, rows[1].v, 2, 6, 3, 7),
                     d = __builtin_shufflevector(rows[2].v, rows[3].v, 2, 6, 3, 7);
    rows[0].v = __builtin_shufflevector(a, b, 0, 1, 4, 5);
    rows[1].v = __builtin_shufflevector(a, b, 2, 3, 6, 7);
    rows[2].v = __builtin_shufflevector(c, d, 0, 1, 4, 5);
    rows[3].v = __builtin_shufflevector(c, d, 2, 3, 6, 7);
}
// Pairs of numbers are transposed as words, then the lower and the upper ones put side by side.
inline void transpose_halves(const std::byte* const (&rows)[kLanes], uint16_t* out, int64_t stride) {
    typedef uint16_t HalfLanes __attribute__((vector_size(16)));
    Vec words[kLanes];
    for (int i = 0; i < kLanes; ++i) words[i] = load(reinterpret_cast<const float*>(rows[i]));
    transpose(words);
    for (int i = 0; i < kLanes; ++i) {
        const HalfLanes pairs = reinterpret_cast<HalfLanes>(words[i].v);
        const HalfLanes split = __builtin_shufflevector(pairs, pairs, 0, 2, 4, 6, 1, 3, 5, 7);
        std::memcpy(out + 2 * i * stride, &split, sizeof split / 2);
        std::memcpy(out + (2 * i + 1) * stride, reinterpret_cast<const std::byte*>(&split) + sizeof split / 2,
                    sizeof split / 2);
    }
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
