// SPDX-License-Identifier: Apache-2.0
//
// Any architecture: 4 lanes by the vector extensions that g++ and clang share (SSE2 on x86-64, NEON on ARM). Contract: vec.hpp.
#pragma once

#include <cstdint>
#include <cstring>

#include "core/quant/half.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

inline constexpr int kLanes = 4;
inline constexpr int kRegisters = 16;

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
// Two roundings: baseline x86-64 has no fused instruction, and libm's is a call a lane.
inline Vec fma(Vec a, Vec b, Vec c) { return {a.v * b.v + c.v}; }

inline BitLanes bits_of(FloatLanes a) { return reinterpret_cast<BitLanes>(a); }
inline Vec from_bits(BitLanes a) { return {reinterpret_cast<FloatLanes>(a)}; }

inline Mask equal(Vec a, Vec b) { return {reinterpret_cast<IntLanes>(a.v == b.v)}; }
inline Mask less(Vec a, Vec b) { return {reinterpret_cast<IntLanes>(a.v < b.v)}; }
inline Vec select(Mask m, Vec a, Vec b) {
    const BitLanes take = reinterpret_cast<BitLanes>(m.v);
    return from_bits((bits_of(a.v) & take) | (bits_of(b.v) & ~take));
}
inline int first_set(Mask m) {
    for (int i = 0; i < kLanes; ++i)
        if (m.v[i] != 0) return i;
    return -1;
}
inline Vec min(Vec a, Vec b) { return select(less(a, b), a, b); }
inline Vec max(Vec a, Vec b) { return select(less(b, a), a, b); }
inline Vec abs(Vec a) { return from_bits(bits_of(a.v) & 0x7fffffffu); }

// Adding and taking away 1.5 * 2^23 rounds to even below 2^22; what is larger here is only ever clamped.
inline Vec round_even(Vec a) {
    const Vec magic = broadcast(12582912.0f);
    return select(less(abs(a), broadcast(4194304.0f)), (a + magic) - magic, a);
}

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

inline float sum(Vec a) { return (a.v[0] + a.v[1]) + (a.v[2] + a.v[3]); }
inline void sum4(Vec a, Vec b, Vec c, Vec d, float out[4]) {
    out[0] = sum(a);
    out[1] = sum(b);
    out[2] = sum(c);
    out[3] = sum(d);
}
inline float highest(Vec a) {
    float m = a.v[0];
    for (int i = 1; i < kLanes; ++i) m = a.v[i] > m ? a.v[i] : m;
    return m;
}

inline IVec load_u8(const uint8_t* p) { return {BitLanes{p[0], p[1], p[2], p[3]}}; }
inline IVec load_i8(const int8_t* p) { return {reinterpret_cast<BitLanes>(IntLanes{p[0], p[1], p[2], p[3]})}; }
inline IVec broadcast_i(int32_t a) {
    const uint32_t u = static_cast<uint32_t>(a);
    return {BitLanes{u, u, u, u}};
}
inline IVec iota() { return {BitLanes{0, 1, 2, 3}}; }
inline IVec operator+(IVec a, IVec b) { return {a.v + b.v}; }
inline IVec operator-(IVec a, IVec b) { return {a.v - b.v}; }
inline IVec operator&(IVec a, IVec b) { return {a.v & b.v}; }
inline IVec operator|(IVec a, IVec b) { return {a.v | b.v}; }
template <int kCount>
inline IVec shl(IVec a) {
    return {a.v << kCount};
}
inline IVec shr(IVec a, int count) { return {a.v >> static_cast<uint32_t>(count)}; }
inline IVec shr(IVec a, IVec count) { return {a.v >> count.v}; }
inline Vec to_float(IVec a) { return {__builtin_convertvector(reinterpret_cast<IntLanes>(a.v), FloatLanes)}; }
inline Vec lookup16(const float* table, IVec index) {
    return {FloatLanes{table[index.v[0]], table[index.v[1]], table[index.v[2]], table[index.v[3]]}};
}

inline float widen_f16(uint16_t h) { return f16_to_f32(h); }
inline Vec load_f16_partial(const uint16_t* p, int n) {
    float lanes[kLanes] = {};
    for (int i = 0; i < n; ++i) lanes[i] = f16_to_f32(p[i]);
    return load(lanes);
}
inline Vec load_f16(const uint16_t* p) { return load_f16_partial(p, kLanes); }
inline Vec load_bf16_partial(const uint16_t* p, int n) {
    float lanes[kLanes] = {};
    for (int i = 0; i < n; ++i) lanes[i] = bf16_to_f32(p[i]);
    return load(lanes);
}
inline Vec load_bf16(const uint16_t* p) { return load_bf16_partial(p, kLanes); }

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
