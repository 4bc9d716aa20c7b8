// SPDX-License-Identifier: Apache-2.0
//
// The formats with blocks of 256: Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_XS. Interface: unpack.hpp; formulas:
// core/quant/<format>.hpp.
// The constructor turns the packed scales of all sub-blocks into floats at once; each step rounds as the formula says.
#pragma once

#include <cstring>

#include "backends/cpu/quant/blocks_32.hpp"
#include "core/quant/iq4_xs.hpp"
#include "core/quant/q2_k.hpp"
#include "core/quant/q3_k.hpp"
#include "core/quant/q4_k.hpp"
#include "core/quant/q5_k.hpp"
#include "core/quant/q6_k.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

// out[j] = factor * q(j .. j + kLanes) for j in 0 .. 15; q gives registers of int32.
template <class Quants>
inline void scale_all(float factor, float (&out)[16], Quants&& q) {
    const Vec f = broadcast(factor);
    unroll<16 / kLanes>([&](auto j) __attribute__((always_inline)) { store(out + j * kLanes, f * to_float(q(j * kLanes))); });
}

// k_scales.hpp four bytes at a time: bytes 0-7 the scales, 8-15 the minima. Only bits within bytes move, so the byte order of
// the machine does not matter.
struct KScales {
    alignas(64) float scale[16];  // 0 .. 7 are the scales
    alignas(64) float low[16];    // 8 .. 15 are the minima
    KScales(const uint8_t (&packed)[12], float d, float dmin) {
        uint32_t in[3], bytes[4];
        std::memcpy(in, packed, sizeof in);
        bytes[0] = in[0] & 0x3f3f3f3fu;
        bytes[1] = (in[2] & 0x0f0f0f0fu) | ((in[0] >> 6) & 0x03030303u) << 4;
        bytes[2] = in[1] & 0x3f3f3f3fu;
        bytes[3] = ((in[2] >> 4) & 0x0f0f0f0fu) | ((in[1] >> 6) & 0x03030303u) << 4;
        const auto quants = [&](int j) { return load_u8(reinterpret_cast<const uint8_t*>(bytes) + j); };
        scale_all(d, scale, quants);
        scale_all(dmin, low, quants);
    }
};

// Element 32 g + i of a block whose weights 64 h .. + 31 and 64 h + 32 .. + 63 are the low and the high nibbles of 32 bytes.
inline IVec paired_nibbles(const uint8_t (&qs)[128], int g, int i) {
    return shr(load_u8(qs + g / 2 * 32 + i), g % 2 * 4) & broadcast_i(15);
}

template <>
struct Unpacker<DType::Q4_K> {
    using Block = BlockQ4_K;
    static constexpr int kBlock = 256;
    explicit Unpacker(const Block& block) : b(block), s(block.scales, widen_f16(block.d), widen_f16(block.dmin)) {}
    Vec at(int g, int i) const {
        return broadcast(s.scale[g]) * to_float(paired_nibbles(b.qs, g, i)) - broadcast(s.low[8 + g]);
    }
    const Block& b;
    KScales s;
};

template <>
struct Unpacker<DType::Q5_K> {
    using Block = BlockQ5_K;
    static constexpr int kBlock = 256;
    explicit Unpacker(const Block& block) : b(block), s(block.scales, widen_f16(block.d), widen_f16(block.dmin)) {}
    Vec at(int g, int i) const {
        const IVec fifth = shl<4>(shr(load_u8(b.qh + i), g) & broadcast_i(1));
        return broadcast(s.scale[g]) * to_float(paired_nibbles(b.qs, g, i) | fifth) - broadcast(s.low[8 + g]);
    }
    const Block& b;
    KScales s;
};

template <>
struct Unpacker<DType::Q6_K> {
    using Block = BlockQ6_K;
    static constexpr int kBlock = 256;
    explicit Unpacker(const Block& block) : b(block) {
        scale_all(widen_f16(block.d), scale, [&](int j) { return load_i8(block.scales + j); });
    }
    Vec at(int g, int i) const {
        const int half = g / 4, quarter = g % 4;
        const IVec low = shr(load_u8(b.ql + half * 64 + quarter % 2 * 32 + i), quarter / 2 * 4) & broadcast_i(15);
        const IVec high = shl<4>(shr(load_u8(b.qh + half * 32 + i), quarter * 2) & broadcast_i(3));
        return broadcast(scale[g * 2 + i / 16]) * to_float((low | high) - broadcast_i(32));
    }
    const Block& b;
    alignas(64) float scale[16];
};

// Two bits of 128 weights in 32 bytes: Q2_K, and the lower two of Q3_K.
inline IVec two_bits(const uint8_t (&qs)[64], int g, int i) {
    return shr(load_u8(qs + g / 4 * 32 + i), g % 4 * 2) & broadcast_i(3);
}

template <>
struct Unpacker<DType::Q2_K> {
    using Block = BlockQ2_K;
    static constexpr int kBlock = 256;
    explicit Unpacker(const Block& block) : b(block) {
        scale_all(widen_f16(block.d), scale, [&](int j) { return load_u8(block.scales + j) & broadcast_i(15); });
        scale_all(widen_f16(block.dmin), low, [&](int j) { return shr(load_u8(block.scales + j), 4); });
    }
    Vec at(int g, int i) const {
        const int j = g * 2 + i / 16;
        return broadcast(scale[j]) * to_float(two_bits(b.qs, g, i)) - broadcast(low[j]);
    }
    const Block& b;
    alignas(64) float scale[16];
    alignas(64) float low[16];
};

template <>
struct Unpacker<DType::Q3_K> {
    using Block = BlockQ3_K;
    static constexpr int kBlock = 256;
    explicit Unpacker(const Block& block) : b(block) {
        uint32_t in[3], bytes[4];
        std::memcpy(in, block.scales, sizeof in);
        for (int q = 0; q < 4; ++q)  // scales 4 q .. 4 q + 3
            bytes[q] = ((in[q % 2] >> (q / 2 * 4)) & 0x0f0f0f0fu) | ((in[2] >> (2 * q)) & 0x03030303u) << 4;
        scale_all(widen_f16(block.d), scale,
                  [&](int j) { return load_u8(reinterpret_cast<const uint8_t*>(bytes) + j) - broadcast_i(32); });
    }
    Vec at(int g, int i) const {
        const IVec third = shl<2>(shr(load_u8(b.hmask + i), g) & broadcast_i(1));
        return broadcast(scale[g * 2 + i / 16]) * to_float((two_bits(b.qs, g, i) | third) - broadcast_i(4));
    }
    const Block& b;
    alignas(64) float scale[16];
};

template <>
struct Unpacker<DType::IQ4_XS> {
    using Block = BlockIQ4_XS;
    static constexpr int kBlock = 256;
    explicit Unpacker(const Block& block) : b(block) {
        const float d = widen_f16(block.d);
        for (int j = 0; j < 8; ++j) scale[j] = d * static_cast<float>(scale_at(block, j));
    }
    Vec at(int g, int i) const {
        const IVec bytes = load_u8(b.qs + g * 16 + i % 16);
        return broadcast(scale[g]) * lookup16(kIq4Levels, i < 16 ? bytes & broadcast_i(15) : shr(bytes, 4));
    }
    const Block& b;
    float scale[8];
};

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
