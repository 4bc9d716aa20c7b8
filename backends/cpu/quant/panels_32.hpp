// SPDX-License-Identifier: Apache-2.0
//
// Panels of the formats with blocks of 32: Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, IQ4_NL. A cell is two blocks, so that scales fill
// whole cache lines. Interface: panel.hpp; formulas: core/quant/<format>.hpp.
#pragma once

#include "backends/cpu/quant/panel.hpp"
#include "core/quant/iq4_nl.hpp"
#include "core/quant/q4_0.hpp"
#include "core/quant/q4_1.hpp"
#include "core/quant/q5_0.hpp"
#include "core/quant/q5_1.hpp"
#include "core/quant/q8_0.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

struct ScalePanel {
    uint16_t d[2][kPanelRows];
    template <class Block>
    void set(const BlockRows& rows, int index) {
        rows.scatter(offsetof(Block, d), d[index]);
    }
    void get(int index, int lane, auto& block) const { block.d = d[index][lane]; }
};
struct ScaleAndMinimumPanel {
    uint16_t d[2][kPanelRows];
    uint16_t m[2][kPanelRows];
    template <class Block>
    void set(const BlockRows& rows, int index) {
        rows.scatter(offsetof(Block, d), d[index]);
        rows.scatter(offsetof(Block, m), m[index]);
    }
    void get(int index, int lane, auto& block) const {
        block.d = d[index][lane];
        block.m = m[index][lane];
    }
};

// Shared by all of them: kWords a block, the scales and, where there is one, the minimum.
template <class BlockOfFile, class Scales, int kWords>
struct Panel32 {
    using Block = BlockOfFile;
    using Cell = PanelCell<Scales, 2 * kWords>;
    static constexpr int kBlocks = 2;
    static Vec scale(const Cell& cell, int unit, int, int row) { return load_f16(cell.scales.d[unit] + row); }
    static Vec low(const Cell& cell, int unit, int, int row) { return zero() - load_f16(cell.scales.m[unit] + row); }

  protected:
    // 16 bytes whose low nibbles are elements 0 .. 15 and whose high nibbles are 16 .. 31, from word `first` on.
    template <int kGroup>
    static IVec split_nibbles(const Cell& cell, int first, int row) {
        return bits_of_bytes<4>(cell.word(first + kGroup % 4, row), kGroup / 4 * 4);
    }
};

template <>
struct Panel<DType::Q8_0> : Panel32<BlockQ8_0, ScalePanel, 8> {
    static constexpr PanelFacts kFacts{.max = 255, .offset = 128, .halves = 1, .low = false};
    // Signed bytes are unsigned ones, 128 higher, with the top bit inverted. Tiles take the signed ones as they lie.
    static constexpr uint32_t kTopBits = 0x80808080u;
#ifdef KRAIT_CPU_TILES
    static constexpr uint32_t kStoredFlip = 0;
#else
    static constexpr uint32_t kStoredFlip = kTopBits;
#endif
    static void set(const BlockRows& rows, int index, Cell& cell) {
        cell.scales.template set<Block>(rows, index);
        cell.scatter(rows, offsetof(Block, qs), 8, index * 8, kStoredFlip);
    }
    static Block get(int index, int lane, const Cell& cell) {
        Block block{};
        cell.scales.get(index, lane, block);
        cell.gather(index * 8, 8, lane, block.qs);
        for (int8_t& q : block.qs) q = static_cast<int8_t>(q ^ static_cast<int8_t>(kStoredFlip & 0xff));
        return block;
    }
    template <int kGroup>
    static IVec quants(const Cell& cell, int unit, int row) {
        const IVec word = cell.word(unit * 8 + kGroup, row);
        return kStoredFlip == kTopBits ? word : word ^ bytes_of(0x80);
    }
};

// Four bits a weight and nothing else.
template <class BlockOfFile, class Scales>
struct NibblePanel : Panel32<BlockOfFile, Scales, 4> {
    using Base = Panel32<BlockOfFile, Scales, 4>;
    using typename Base::Block, typename Base::Cell;
    static void set(const BlockRows& rows, int index, Cell& cell) {
        cell.scales.template set<Block>(rows, index);
        cell.scatter(rows, offsetof(Block, qs), 4, index * 4);
    }
    static Block get(int index, int lane, const Cell& cell) {
        Block block{};
        cell.scales.get(index, lane, block);
        cell.gather(index * 4, 4, lane, block.qs);
        return block;
    }
    template <int kGroup>
    static IVec quants(const Cell& cell, int unit, int row) {
        return Base::template split_nibbles<kGroup>(cell, unit * 4, row);
    }
};

template <>
struct Panel<DType::Q4_0> : NibblePanel<BlockQ4_0, ScalePanel> {
    static constexpr PanelFacts kFacts{.max = 15, .offset = 8, .halves = 1, .low = false};
};
template <>
struct Panel<DType::Q4_1> : NibblePanel<BlockQ4_1, ScaleAndMinimumPanel> {
    static constexpr PanelFacts kFacts{.max = 15, .offset = 0, .halves = 1, .low = true};
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
struct Panel<DType::IQ4_NL> : NibblePanel<BlockIQ4_NL, ScalePanel> {
    static constexpr PanelFacts kFacts{.max = 255, .offset = 128, .halves = 1, .low = false};
    template <int kGroup>
    static IVec quants(const Cell& cell, int unit, int row) {
        return lookup_bytes(kIq4Levels.level, NibblePanel::quants<kGroup>(cell, unit, row));
    }
};

// The 32 fifth bits of a block, element i at bit i, as a word whose byte j has element 4 g + j at bit g: after a shift by g
// the bit of each element of group g is the lowest of its byte. And back.
inline FourWords spread_bits(FourWords bits) {
    FourWords words{};
    for (uint32_t g = 0; g < kUnitGroups; ++g) {
        // Bits 0 .. 3 of a nibble to the lowest bits of four bytes: copies 7 apart meet no other.
        const FourWords nibble = bits >> (4 * g) & 15u;
        const FourWords spread = (nibble | nibble << 7 | nibble << 14 | nibble << 21) & 0x01010101u;
        words |= spread << g;
    }
    return words;
}
inline void collect_bits(uint32_t word, uint8_t (&qh)[4]) {
    uint32_t bits = 0;
    for (uint32_t i = 0; i < kUnit; ++i) bits |= (word >> (i % 4 * 8 + i / 4) & 1u) << i;
    std::memcpy(qh, &bits, sizeof bits);
}

// A block's first word has the fifth bits, four have the nibbles.
template <class BlockOfFile, class Scales>
struct FiveBitPanel : Panel32<BlockOfFile, Scales, 5> {
    using Base = Panel32<BlockOfFile, Scales, 5>;
    using typename Base::Block, typename Base::Cell;
    static void set(const BlockRows& rows, int index, Cell& cell) {
        cell.scales.template set<Block>(rows, index);
        uint32_t(&fifth)[kPanelRows] = cell.quants[index * 5];
        rows.scatter(offsetof(Block, qh), fifth);
        for (int lane = 0; lane < kPanelRows; lane += 4) store_16(fifth + lane, spread_bits(load_16<FourWords>(fifth + lane)));
        cell.scatter(rows, offsetof(Block, qs), 4, index * 5 + 1);
    }
    static Block get(int index, int lane, const Cell& cell) {
        Block block{};
        cell.scales.get(index, lane, block);
        collect_bits(cell.quants[index * 5][lane], block.qh);
        cell.gather(index * 5 + 1, 4, lane, block.qs);
        return block;
    }
    template <int kGroup>
    static IVec quants(const Cell& cell, int unit, int row) {
        const IVec fifth = bits_of_bytes<1>(cell.word(unit * 5, row), kGroup);
        return Base::template split_nibbles<kGroup>(cell, unit * 5 + 1, row) | shl<4>(fifth);
    }
};

template <>
struct Panel<DType::Q5_0> : FiveBitPanel<BlockQ5_0, ScalePanel> {
    static constexpr PanelFacts kFacts{.max = 31, .offset = 16, .halves = 1, .low = false};
};
template <>
struct Panel<DType::Q5_1> : FiveBitPanel<BlockQ5_1, ScaleAndMinimumPanel> {
    static constexpr PanelFacts kFacts{.max = 31, .offset = 0, .halves = 1, .low = true};
};

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
