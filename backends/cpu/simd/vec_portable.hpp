// SPDX-License-Identifier: Apache-2.0
//
// Any architecture: 4 lanes by the vector extensions that g++ and clang share (SSE2 on x86-64, NEON on ARM). Contract: vec.hpp.
#pragma once

#include <cstdint>
#include <cstring>

#include "backends/cpu/simd/four_lanes.hpp"
#include "core/quant/half.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

inline constexpr int kRegisters = 16;
inline constexpr int kRowsOfDot = 1;

// Two roundings: baseline x86-64 has no fused instruction, and libm's is a call a lane.
inline Vec fma(Vec a, Vec b, Vec c) { return {a.v * b.v + c.v}; }

inline int first_set(Mask m) {
    for (int i = 0; i < kLanes; ++i)
        if (m.v[i] != 0) return i;
    return -1;
}

// Adding and taking away 1.5 * 2^23 rounds to even below 2^22; what is larger here is only ever clamped.
inline Vec round_even(Vec a) {
    const Vec magic = broadcast(12582912.0f);
    return select(less(abs(a), broadcast(4194304.0f)), (a + magic) - magic, a);
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

typedef uint8_t ByteLanes __attribute__((vector_size(16)));
inline IVec lookup_bytes(const uint8_t* table, IVec index) {
    ByteLanes bytes = reinterpret_cast<ByteLanes>(index.v);
    for (int i = 0; i < 16; ++i) bytes[i] = table[bytes[i]];
    return {reinterpret_cast<BitLanes>(bytes)};
}
inline void store_i8(int8_t* p, Vec a) {
    for (int i = 0; i < kLanes; ++i)  // written so that NaN becomes -128: a cast of it is undefined
        p[i] = a.v[i] >= -128.0f ? static_cast<int8_t>(a.v[i] < 127.0f ? a.v[i] : 127.0f) : int8_t{-128};
}
inline void store_i16(int16_t* p, Vec a) {
    for (int i = 0; i < kLanes; ++i)
        p[i] = a.v[i] >= -32768.0f ? static_cast<int16_t>(a.v[i] < 32767.0f ? a.v[i] : 32767.0f) : int16_t{-32768};
}

// The bytes at even and at odd places of a lane as two int16 each; a product of them fits int16, a sum does not. (The lowest
// byte of a lane is its first: a little-endian machine.)
inline constexpr int kByteBias = 128;
constexpr int dot_kind(int) { return 0; }
typedef int16_t PairLanes __attribute__((vector_size(16)));
inline IntLanes add_pairs(PairLanes pairs) {
    const IntLanes both = reinterpret_cast<IntLanes>(pairs);
    return (both << 16 >> 16) + (both >> 16);
}
template <int kKind, int kCount>
inline IVec dot(IVec sum, const IVec (&q)[kCount], const int8_t* x) {
    IntLanes total = reinterpret_cast<IntLanes>(sum.v);
    for (int g = 0; g < kCount; ++g, x += 4) {
        const int16_t x0 = x[0], x1 = x[1], x2 = x[2], x3 = x[3];
        const PairLanes even = reinterpret_cast<PairLanes>(q[g].v & 0x00ff00ffu) * PairLanes{x0, x2, x0, x2, x0, x2, x0, x2};
        const PairLanes odd =
            reinterpret_cast<PairLanes>(q[g].v >> 8 & 0x00ff00ffu) * PairLanes{x1, x3, x1, x3, x1, x3, x1, x3};
        total += add_pairs(even) + add_pairs(odd);
    }
    return {reinterpret_cast<BitLanes>(total)};
}

inline IVec dot_pairs(IVec sum, IVec w, const int16_t* x) {
    const int16_t x0 = x[0], x1 = x[1];
    const PairLanes pair{x0, x1, x0, x1, x0, x1, x0, x1};
#if defined(__SSE2__)
    typedef short Words __attribute__((vector_size(16)));
    const auto products = __builtin_ia32_pmaddwd128(reinterpret_cast<Words>(w.v), reinterpret_cast<Words>(pair));
    return {sum.v + reinterpret_cast<BitLanes>(products)};
#else
    const IntLanes both = reinterpret_cast<IntLanes>(w.v), twice = reinterpret_cast<IntLanes>(pair);
    return {sum.v + reinterpret_cast<BitLanes>((both << 16 >> 16) * (twice << 16 >> 16) + (both >> 16) * (twice >> 16))};
#endif
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
inline uint16_t narrow_f16(float v) { return f32_to_f16(v); }
inline void store_f16(uint16_t* p, Vec a) {
    float lanes[kLanes];
    store(lanes, a);
    for (int i = 0; i < kLanes; ++i) p[i] = f32_to_f16(lanes[i]);
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
