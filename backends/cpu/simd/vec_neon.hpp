// SPDX-License-Identifier: Apache-2.0
//
// NEON of 64-bit ARM with dot products (ARMv8.2), and I8MM where the build has it: 4 lanes. A register holds 4 and not 8, as a
// pair would: there are 32 of them, and tiles of 8 rows of x fill them. Contract: vec.hpp.
#pragma once

#include <arm_neon.h>

#include <cstdint>
#include <cstring>

#include "backends/cpu/simd/four_lanes.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

inline constexpr int kRegisters = 32;

inline Vec fma(Vec a, Vec b, Vec c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
inline Vec round_even(Vec a) { return {vrndnq_f32(a.v)}; }

inline int first_set(Mask m) {
    const uint64_t bits = vget_lane_u64(vreinterpret_u64_s16(vmovn_s32(m.v)), 0);  // 16 a lane
    return bits == 0 ? -1 : __builtin_ctzll(bits) / 16;
}

inline float sum(Vec a) { return vaddvq_f32(a.v); }  // (0 + 1) + (2 + 3), the tree of sum4
inline void sum4(Vec a, Vec b, Vec c, Vec d, float out[4]) {
    vst1q_f32(out, vpaddq_f32(vpaddq_f32(a.v, b.v), vpaddq_f32(c.v, d.v)));
}
inline float highest(Vec a) { return vmaxvq_f32(a.v); }

inline uint8x8_t load_four_bytes(const void* p) {
    uint32_t bytes;
    std::memcpy(&bytes, p, sizeof bytes);
    return vreinterpret_u8_u32(vdup_n_u32(bytes));
}
inline IVec load_u8(const uint8_t* p) { return {vmovl_u16(vget_low_u16(vmovl_u8(load_four_bytes(p))))}; }
inline IVec load_i8(const int8_t* p) {
    return {vreinterpretq_u32_s32(vmovl_s16(vget_low_s16(vmovl_s8(vreinterpret_s8_u8(load_four_bytes(p))))))};
}
inline uint8x16_t bytes_of_words(IVec a) { return vreinterpretq_u8_u32(a.v); }
inline IVec lookup_bytes(const uint8_t* table, IVec index) {
    return {vreinterpretq_u32_u8(vqtbl1q_u8(vld1q_u8(table), bytes_of_words(index)))};
}
inline int16x4_t narrow_i16(Vec a) { return vqmovn_s32(vcvtnq_s32_f32(a.v)); }
inline void store_i16(int16_t* p, Vec a) { vst1_s16(p, narrow_i16(a)); }
inline void store_i8(int8_t* p, Vec a) {
    const int16x4_t words = narrow_i16(a);
    const int8x8_t bytes = vqmovn_s16(vcombine_s16(words, words));
    std::memcpy(p, &bytes, kLanes);
}

// Four groups of x lie in a register, and an instruction chooses one of them for all lanes.
#ifdef __ARM_FEATURE_MATMUL_INT8
inline constexpr int kByteBias = 128;
constexpr int dot_kind(int) { return 0; }
template <int kKind, int kCount>
inline IVec dot(IVec sum, const IVec (&q)[kCount], const int8_t* x) {
    static_assert(kCount % 4 == 0);
    int32x4_t total = vreinterpretq_s32_u32(sum.v);
    for (int g = 0; g < kCount; g += 4) {
        const int8x16_t four = vld1q_s8(x + 4 * g);
        total = vusdotq_laneq_s32(total, bytes_of_words(q[g]), four, 0);
        total = vusdotq_laneq_s32(total, bytes_of_words(q[g + 1]), four, 1);
        total = vusdotq_laneq_s32(total, bytes_of_words(q[g + 2]), four, 2);
        total = vusdotq_laneq_s32(total, bytes_of_words(q[g + 3]), four, 3);
    }
    return {vreinterpretq_u32_s32(total)};
}

// usmmla: 8 bytes of two rows of w (two groups side by side) by 8 bytes of two rows of x. Its sums are row 0 of w with both of
// x, then row 1: the lanes of two sums by turns.
inline constexpr int kRowsOfDot = 2;
template <int kKind, int kCount>
[[gnu::always_inline]] inline void dots(IVec (&sum)[2], const IVec (&q)[kCount], const int8_t* const (&x)[2]) {
    static_assert(kCount % 2 == 0);
    int32x4_t first = vreinterpretq_s32_u32(vzip1q_u32(sum[0].v, sum[1].v));
    int32x4_t second = vreinterpretq_s32_u32(vzip2q_u32(sum[0].v, sum[1].v));
    for (int g = 0; g < kCount; g += 2) {
        const int8x16_t both = vcombine_s8(vld1_s8(x[0] + 4 * g), vld1_s8(x[1] + 4 * g));
        first = vusmmlaq_s32(first, vreinterpretq_u8_u32(vzip1q_u32(q[g].v, q[g + 1].v)), both);
        second = vusmmlaq_s32(second, vreinterpretq_u8_u32(vzip2q_u32(q[g].v, q[g + 1].v)), both);
    }
    sum[0] = {vreinterpretq_u32_s32(vuzp1q_s32(first, second))};
    sum[1] = {vreinterpretq_u32_s32(vuzp2q_s32(first, second))};
}
#else
// Bytes above 127 are taken as signed (kind 1).
inline constexpr int kByteBias = 0;
inline constexpr int kRowsOfDot = 1;
constexpr int dot_kind(int max) { return max > 127 ? 1 : 0; }
template <int kKind>
inline int8x16_t signed_bytes(IVec q) {
    return vreinterpretq_s8_u32(kKind == 1 ? q.v ^ 0x80808080u : q.v);
}
template <int kKind, int kCount>
inline IVec dot(IVec sum, const IVec (&q)[kCount], const int8_t* x) {
    static_assert(kCount % 4 == 0);
    int32x4_t total = vreinterpretq_s32_u32(sum.v);
    for (int g = 0; g < kCount; g += 4) {
        const int8x16_t four = vld1q_s8(x + 4 * g);
        total = vdotq_laneq_s32(total, signed_bytes<kKind>(q[g]), four, 0);
        total = vdotq_laneq_s32(total, signed_bytes<kKind>(q[g + 1]), four, 1);
        total = vdotq_laneq_s32(total, signed_bytes<kKind>(q[g + 2]), four, 2);
        total = vdotq_laneq_s32(total, signed_bytes<kKind>(q[g + 3]), four, 3);
    }
    return {vreinterpretq_u32_s32(total)};
}
#endif

// The two int16 of each lane go apart, which a tile does once for all rows of x.
inline IVec dot_pairs(IVec sum, IVec w, const int16_t* x) {
    uint32_t two;
    std::memcpy(&two, x, sizeof two);
    const int16x4_t pair = vreinterpret_s16_u32(vdup_n_u32(two));
    const int32x4_t words = vreinterpretq_s32_u32(w.v);
    const int32x4_t even = vmlal_lane_s16(vreinterpretq_s32_u32(sum.v), vmovn_s32(words), pair, 0);
    return {vreinterpretq_u32_s32(vmlal_lane_s16(even, vshrn_n_s32(words, 16), pair, 1))};
}

inline uint16x4_t load_u16_partial(const uint16_t* p, int n) {
    uint16_t lanes[kLanes] = {};
    for (int i = 0; i < n; ++i) lanes[i] = p[i];
    return vld1_u16(lanes);
}
inline Vec widen_f16(uint16x4_t h) { return {vcvt_f32_f16(vreinterpret_f16_u16(h))}; }
inline Vec widen_bf16(uint16x4_t h) { return {vreinterpretq_f32_u32(vshll_n_u16(h, 16))}; }
inline Vec load_f16(const uint16_t* p) { return widen_f16(vld1_u16(p)); }
inline Vec load_f16_partial(const uint16_t* p, int n) { return widen_f16(load_u16_partial(p, n)); }
inline Vec load_bf16(const uint16_t* p) { return widen_bf16(vld1_u16(p)); }
inline Vec load_bf16_partial(const uint16_t* p, int n) { return widen_bf16(load_u16_partial(p, n)); }
inline float widen_f16(uint16_t h) { return vgetq_lane_f32(widen_f16(vdup_n_u16(h)).v, 0); }
inline uint16x4_t narrow_f16(Vec a) { return vreinterpret_u16_f16(vcvt_f16_f32(a.v)); }
inline void store_f16(uint16_t* p, Vec a) { vst1_u16(p, narrow_f16(a)); }
inline uint16_t narrow_f16(float v) { return vget_lane_u16(narrow_f16(broadcast(v)), 0); }

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
