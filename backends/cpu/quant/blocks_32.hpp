// SPDX-License-Identifier: Apache-2.0
//
// The formats with blocks of 32: Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, IQ4_NL. Interface: unpack.hpp; formulas:
// core/quant/<format>.hpp.
// Each step is rounded as the formula says: products and sums are never fused here.
#pragma once

#include "backends/cpu/quant/plain.hpp"
#include "core/quant/iq4_nl.hpp"
#include "core/quant/q4_0.hpp"
#include "core/quant/q4_1.hpp"
#include "core/quant/q5_0.hpp"
#include "core/quant/q5_1.hpp"
#include "core/quant/q8_0.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

// Elements i .. of a block whose byte k has element k in its low and k + 16 in its high four bits.
inline IVec split_nibbles(const uint8_t (&qs)[16], int i) {
    return i < 16 ? load_u8(qs + i) & broadcast_i(15) : shr(load_u8(qs + (i - 16)), 4);
}

// Bit i of the 32 in qh, as 0 or 16, for kLanes elements from i on.
inline IVec fifth_bits(const uint8_t (&qh)[4], int i) {
    const int32_t bits = qh[0] | qh[1] << 8 | qh[2] << 16 | static_cast<int32_t>(static_cast<uint32_t>(qh[3]) << 24);
    return shl<4>(shr(broadcast_i(bits), iota() + broadcast_i(i)) & broadcast_i(1));
}

template <>
struct Unpacker<DType::Q8_0> {
    using Block = BlockQ8_0;
    static constexpr int kBlock = 32;
    explicit Unpacker(const Block& block) : b(block), d(broadcast(widen_f16(block.d))) {}
    Vec at(int, int i) const { return to_float(load_i8(b.qs + i)) * d; }
    const Block& b;
    Vec d;
};

template <>
struct Unpacker<DType::Q4_0> {
    using Block = BlockQ4_0;
    static constexpr int kBlock = 32;
    explicit Unpacker(const Block& block) : b(block), d(broadcast(widen_f16(block.d))) {}
    Vec at(int, int i) const { return d * to_float(split_nibbles(b.qs, i) - broadcast_i(8)); }
    const Block& b;
    Vec d;
};

template <>
struct Unpacker<DType::Q4_1> {
    using Block = BlockQ4_1;
    static constexpr int kBlock = 32;
    explicit Unpacker(const Block& block) : b(block), d(broadcast(widen_f16(block.d))), m(broadcast(widen_f16(block.m))) {}
    Vec at(int, int i) const { return d * to_float(split_nibbles(b.qs, i)) + m; }
    const Block& b;
    Vec d, m;
};

template <>
struct Unpacker<DType::Q5_0> {
    using Block = BlockQ5_0;
    static constexpr int kBlock = 32;
    explicit Unpacker(const Block& block) : b(block), d(broadcast(widen_f16(block.d))) {}
    Vec at(int, int i) const { return d * to_float((split_nibbles(b.qs, i) | fifth_bits(b.qh, i)) - broadcast_i(16)); }
    const Block& b;
    Vec d;
};

template <>
struct Unpacker<DType::Q5_1> {
    using Block = BlockQ5_1;
    static constexpr int kBlock = 32;
    explicit Unpacker(const Block& block) : b(block), d(broadcast(widen_f16(block.d))), m(broadcast(widen_f16(block.m))) {}
    Vec at(int, int i) const { return d * to_float(split_nibbles(b.qs, i) | fifth_bits(b.qh, i)) + m; }
    const Block& b;
    Vec d, m;
};

// The codebook of IQ4_NL and IQ4_XS.
alignas(64) inline constexpr float kIq4Levels[16] = {
    float(iq4_level(0)),  float(iq4_level(1)),  float(iq4_level(2)),  float(iq4_level(3)),
    float(iq4_level(4)),  float(iq4_level(5)),  float(iq4_level(6)),  float(iq4_level(7)),
    float(iq4_level(8)),  float(iq4_level(9)),  float(iq4_level(10)), float(iq4_level(11)),
    float(iq4_level(12)), float(iq4_level(13)), float(iq4_level(14)), float(iq4_level(15))};

template <>
struct Unpacker<DType::IQ4_NL> {
    using Block = BlockIQ4_NL;
    static constexpr int kBlock = 32;
    explicit Unpacker(const Block& block) : b(block), d(broadcast(widen_f16(block.d))) {}
    Vec at(int, int i) const { return d * lookup16(kIq4Levels, split_nibbles(b.qs, i)); }
    const Block& b;
    Vec d;
};

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
