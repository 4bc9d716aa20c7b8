// SPDX-License-Identifier: Apache-2.0
//
// Panels of the formats with blocks of 32: Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, IQ4_NL. Interface: panel.hpp; formulas:
// core/quant/<format>.hpp.
#pragma once

#include "backends/cpu/quant/panel.hpp"
#include "core/quant/iq4_nl.hpp"
#include "core/quant/q4_0.hpp"
#include "core/quant/q4_1.hpp"
#include "core/quant/q5_0.hpp"
#include "core/quant/q5_1.hpp"
#include "core/quant/q8_0.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

// 16 bytes whose low nibbles are elements 0 .. 15 and whose high nibbles are 16 .. 31; `quants` at the unit's first word.
template <int kGroup>
inline IVec split_nibbles(const uint32_t* quants) {
    return bits_of_bytes<4>(load_word(quants, kGroup % 4), kGroup / 4 * 4);
}

struct ScalePanel {
    uint16_t d[kPanelRows];
};
struct ScaleAndMinimumPanel {
    uint16_t d[kPanelRows];
    uint16_t m[kPanelRows];
};

template <>
struct Panel<DType::Q8_0> {
    using Block = BlockQ8_0;
    using Scales = ScalePanel;
    static constexpr PanelFacts kFacts{.words = 8, .max = 255, .offset = 128, .halves = 1, .low = false};
    static constexpr uint32_t kFlip = 0x80808080u;  // signed bytes to unsigned ones, 128 higher
    static void set(const Block& block, int lane, uint32_t* quants, Scales& scales) {
        scatter_words(block.qs, 8, quants + lane);
        for (int i = 0; i < 8; ++i) quants[lane + i * kPanelRows] ^= kFlip;
        scales.d[lane] = block.d;
    }
    static Block get(int lane, const uint32_t* quants, const Scales& scales) {
        Block block{.d = scales.d[lane], .qs = {}};
        gather_words(quants + lane, 8, block.qs);
        for (int8_t& q : block.qs) q = static_cast<int8_t>(q ^ -128);
        return block;
    }
    template <int kGroup>
    static IVec quants(const uint32_t* quants, int) {
        return load_word(quants, kGroup);
    }
    static Vec scale(const Scales& s, int row, int, int) { return load_f16(s.d + row); }
};

template <>
struct Panel<DType::Q4_0> {
    using Block = BlockQ4_0;
    using Scales = ScalePanel;
    static constexpr PanelFacts kFacts{.words = 4, .max = 15, .offset = 8, .halves = 1, .low = false};
    static void set(const Block& block, int lane, uint32_t* quants, Scales& scales) {
        scatter_words(block.qs, 4, quants + lane);
        scales.d[lane] = block.d;
    }
    static Block get(int lane, const uint32_t* quants, const Scales& scales) {
        Block block{.d = scales.d[lane], .qs = {}};
        gather_words(quants + lane, 4, block.qs);
        return block;
    }
    template <int kGroup>
    static IVec quants(const uint32_t* quants, int) {
        return split_nibbles<kGroup>(quants);
    }
    static Vec scale(const Scales& s, int row, int, int) { return load_f16(s.d + row); }
};

template <>
struct Panel<DType::Q4_1> {
    using Block = BlockQ4_1;
    using Scales = ScaleAndMinimumPanel;
    static constexpr PanelFacts kFacts{.words = 4, .max = 15, .offset = 0, .halves = 1, .low = true};
    static void set(const Block& block, int lane, uint32_t* quants, Scales& scales) {
        scatter_words(block.qs, 4, quants + lane);
        scales.d[lane] = block.d;
        scales.m[lane] = block.m;
    }
    static Block get(int lane, const uint32_t* quants, const Scales& scales) {
        Block block{.d = scales.d[lane], .m = scales.m[lane], .qs = {}};
        gather_words(quants + lane, 4, block.qs);
        return block;
    }
    template <int kGroup>
    static IVec quants(const uint32_t* quants, int) {
        return split_nibbles<kGroup>(quants);
    }
    static Vec scale(const Scales& s, int row, int, int) { return load_f16(s.d + row); }
    static Vec low(const Scales& s, int row, int, int) { return zero() - load_f16(s.m + row); }
};

// The 32 fifth bits of a block, element i at bit i, as a word whose byte j has element 4 g + j at bit g: after a shift by g
// the bit of each element of group g is the lowest of its byte. And back.
inline uint32_t spread_bits(const uint8_t (&qh)[4]) {
    uint32_t bits, word = 0;
    std::memcpy(&bits, qh, sizeof bits);
    for (uint32_t g = 0; g < kUnitGroups; ++g) {
        // Bits 0 .. 3 of a nibble to the lowest bits of four bytes: copies 7 apart meet no other.
        const uint32_t spread = ((bits >> (4 * g) & 15u) * 0x00204081u) & 0x01010101u;
        word |= spread << g;
    }
    return word;
}
inline void collect_bits(uint32_t word, uint8_t (&qh)[4]) {
    uint32_t bits = 0;
    for (uint32_t i = 0; i < kUnit; ++i) bits |= (word >> (i % 4 * 8 + i / 4) & 1u) << i;
    std::memcpy(qh, &bits, sizeof bits);
}

// Word 4 has the fifth bits.
template <int kGroup>
inline IVec five_bits(const uint32_t* quants) {
    return split_nibbles<kGroup>(quants) | shl<4>(bits_of_bytes<1>(load_word(quants, 4), kGroup));
}

template <>
struct Panel<DType::Q5_0> {
    using Block = BlockQ5_0;
    using Scales = ScalePanel;
    static constexpr PanelFacts kFacts{.words = 5, .max = 31, .offset = 16, .halves = 1, .low = false};
    static void set(const Block& block, int lane, uint32_t* quants, Scales& scales) {
        scatter_words(block.qs, 4, quants + lane);
        quants[4 * kPanelRows + lane] = spread_bits(block.qh);
        scales.d[lane] = block.d;
    }
    static Block get(int lane, const uint32_t* quants, const Scales& scales) {
        Block block{.d = scales.d[lane], .qh = {}, .qs = {}};
        gather_words(quants + lane, 4, block.qs);
        collect_bits(quants[4 * kPanelRows + lane], block.qh);
        return block;
    }
    template <int kGroup>
    static IVec quants(const uint32_t* quants, int) {
        return five_bits<kGroup>(quants);
    }
    static Vec scale(const Scales& s, int row, int, int) { return load_f16(s.d + row); }
};

template <>
struct Panel<DType::Q5_1> {
    using Block = BlockQ5_1;
    using Scales = ScaleAndMinimumPanel;
    static constexpr PanelFacts kFacts{.words = 5, .max = 31, .offset = 0, .halves = 1, .low = true};
    static void set(const Block& block, int lane, uint32_t* quants, Scales& scales) {
        scatter_words(block.qs, 4, quants + lane);
        quants[4 * kPanelRows + lane] = spread_bits(block.qh);
        scales.d[lane] = block.d;
        scales.m[lane] = block.m;
    }
    static Block get(int lane, const uint32_t* quants, const Scales& scales) {
        Block block{.d = scales.d[lane], .m = scales.m[lane], .qh = {}, .qs = {}};
        gather_words(quants + lane, 4, block.qs);
        collect_bits(quants[4 * kPanelRows + lane], block.qh);
        return block;
    }
    template <int kGroup>
    static IVec quants(const uint32_t* quants, int) {
        return five_bits<kGroup>(quants);
    }
    static Vec scale(const Scales& s, int row, int, int) { return load_f16(s.d + row); }
    static Vec low(const Scales& s, int row, int, int) { return zero() - load_f16(s.m + row); }
};

// The codebook of IQ4_NL and IQ4_XS as unsigned bytes, 128 higher.
struct Iq4Levels {
    uint8_t level[16];
    constexpr Iq4Levels() : level{} {
        for (int i = 0; i < 16; ++i) level[i] = static_cast<uint8_t>(iq4_level(i) + 128);
    }
};
alignas(16) inline constexpr Iq4Levels kIq4Levels;

template <>
struct Panel<DType::IQ4_NL> {
    using Block = BlockIQ4_NL;
    using Scales = ScalePanel;
    static constexpr PanelFacts kFacts{.words = 4, .max = 255, .offset = 128, .halves = 1, .low = false};
    static void set(const Block& block, int lane, uint32_t* quants, Scales& scales) {
        scatter_words(block.qs, 4, quants + lane);
        scales.d[lane] = block.d;
    }
    static Block get(int lane, const uint32_t* quants, const Scales& scales) {
        Block block{.d = scales.d[lane], .qs = {}};
        gather_words(quants + lane, 4, block.qs);
        return block;
    }
    template <int kGroup>
    static IVec quants(const uint32_t* quants, int) {
        return lookup_bytes(kIq4Levels.level, split_nibbles<kGroup>(quants));
    }
    static Vec scale(const Scales& s, int row, int, int) { return load_f16(s.d + row); }
};

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
