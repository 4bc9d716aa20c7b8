// SPDX-License-Identifier: Apache-2.0
//
// Panels of the formats with blocks of 256: Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_XS. A cell is one block. Interface: panel.hpp;
// formulas: core/quant/<format>.hpp. scale() rounds d * scale as the formula does. Bits that several units share come first, so
// that the order of memory is that of reading.
#pragma once

#include "backends/cpu/quant/panels_32.hpp"
#include "core/quant/iq4_xs.hpp"
#include "core/quant/q2_k.hpp"
#include "core/quant/q3_k.hpp"
#include "core/quant/q4_k.hpp"
#include "core/quant/q5_k.hpp"
#include "core/quant/q6_k.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

// Q4_K and Q5_K.
struct KScalePanel {
    uint16_t d[kPanelRows];
    uint16_t dmin[kPanelRows];
    uint8_t scale[8][kPanelRows];
    uint8_t min[8][kPanelRows];

    template <class Block>
    void set(const BlockRows& rows) {
        rows.scatter(offsetof(Block, d), d);
        rows.scatter(offsetof(Block, dmin), dmin);
        // k_scale and k_min of four j at a time.
        rows.scatter_bytes(
            [](const std::byte* block) {
                uint32_t bytes[3];
                std::memcpy(bytes, block + offsetof(Block, scales), sizeof bytes);
                const auto high = [&](int i) { return (bytes[i] >> 6 & 0x03030303u) << 4; };
                return reinterpret_cast<SixteenBytes>(FourWords{
                    bytes[0] & 0x3F3F3F3Fu,
                    (bytes[2] & 0x0F0F0F0Fu) | high(0),
                    bytes[1] & 0x3F3F3F3Fu,
                    (bytes[2] >> 4 & 0x0F0F0F0Fu) | high(1),
                });
            },
            [&](int i) { return i < 8 ? scale[i] : min[i - 8]; });
    }
    void get(int lane, auto& block) const {
        block.d = d[lane];
        block.dmin = dmin[lane];
        for (int j = 0; j < 8; ++j) {
            set_scale(block, j, scale[j][lane]);
            set_min(block, j, min[j][lane]);
        }
    }
    Vec scale_of(int unit, int, int row) const { return load_f16(d + row) * to_float(load_u8(scale[unit] + row)); }
    Vec low_of(int unit, int, int row) const { return load_f16(dmin + row) * to_float(load_u8(min[unit] + row)); }
};

// Q2_K: as in the file, the scale in the low, the minimum in the high four bits.
struct SmallScalePanel {
    uint16_t d[kPanelRows];
    uint16_t dmin[kPanelRows];
    uint8_t both[16][kPanelRows];

    template <class Block>
    void set(const BlockRows& rows) {
        rows.scatter(offsetof(Block, d), d);
        rows.scatter(offsetof(Block, dmin), dmin);
        rows.scatter_bytes([](const std::byte* block) { return load_16<SixteenBytes>(block + offsetof(Block, scales)); },
                           [&](int i) { return both[i]; });
    }
    void get(int lane, auto& block) const {
        block.d = d[lane];
        block.dmin = dmin[lane];
        for (int j = 0; j < 16; ++j) block.scales[j] = both[j][lane];
    }
    Vec scale_of(int unit, int half, int row) const {
        return load_f16(d + row) * to_float(load_u8(both[2 * unit + half] + row) & broadcast_i(15));
    }
    Vec low_of(int unit, int half, int row) const {
        return load_f16(dmin + row) * to_float(shr(load_u8(both[2 * unit + half] + row), 4));
    }
};

// The sixteen signed scales of a block.
template <class Block>
SixteenBytes scales_of(const std::byte* block);
template <>
inline SixteenBytes scales_of<BlockQ6_K>(const std::byte* block) {
    return load_16<SixteenBytes>(block + offsetof(BlockQ6_K, scales));
}
template <>
inline SixteenBytes scales_of<BlockQ3_K>(const std::byte* block) {
    uint32_t bytes[3];
    std::memcpy(bytes, block + offsetof(BlockQ3_K, scales), sizeof bytes);
    FourWords words;
    for (int i = 0; i < 4; ++i)
        words[i] = (bytes[i % 2] >> (i / 2 * 4) & 0x0F0F0F0Fu) | (bytes[2] >> (2 * i) & 0x03030303u) << 4;
    return reinterpret_cast<SixteenBytes>(words) - uint8_t{32};
}

// Q3_K, Q6_K (two for each unit) and IQ4_XS (one): signed scales without minima.
template <int kHalves>
struct SignedScalePanel {
    uint16_t d[kPanelRows];
    int8_t scale[8 * kHalves][kPanelRows];

    template <class Block>
    void set(const BlockRows& rows) {
        rows.scatter(offsetof(Block, d), d);
        if constexpr (kHalves == 2) {
            rows.scatter_bytes(scales_of<Block>, [&](int i) { return scale[i]; });
        } else {
            for (int lane = 0; lane < kPanelRows; ++lane) {
                Block block;
                std::memcpy(&block, rows.row[lane], offsetof(Block, qs));
                for (int j = 0; j < 8; ++j) scale[j][lane] = static_cast<int8_t>(scale_at(block, j));
            }
        }
    }
    void get(int lane, auto& block) const {
        block.d = d[lane];
        for (int j = 0; j < 8 * kHalves; ++j) set_scale(block, j, scale[j][lane]);
    }
    Vec scale_of(int unit, int half, int row) const {
        return load_f16(d + row) * to_float(load_i8(scale[kHalves * unit + half] + row));
    }
};

template <class BlockOfFile, class Scales, int kWords>
struct Panel256 {
    using Block = BlockOfFile;
    using Cell = PanelCell<Scales, kWords>;
    static constexpr int kBlocks = 1;
    static Vec scale(const Cell& cell, int unit, int half, int row) { return cell.scales.scale_of(unit, half, row); }
    static Vec low(const Cell& cell, int unit, int half, int row) { return cell.scales.low_of(unit, half, row); }

  protected:
    // Words 8 p .. 8 p + 7 from `first` on have unit 2 p in their low and unit 2 p + 1 in their high nibbles.
    template <int kGroup>
    static IVec paired_nibbles(const Cell& cell, int first, int unit, int row) {
        return bits_of_bytes<4>(cell.word(first + unit / 2 * 8 + kGroup, row), unit % 2 * 4);
    }
    // Two bits of four units in 8 words: Q2_K, and the lower two of Q3_K.
    template <int kGroup>
    static IVec two_bits(const Cell& cell, int first, int unit, int row) {
        return bits_of_bytes<2>(cell.word(first + unit / 4 * 8 + kGroup, row), unit % 4 * 2);
    }
    // Bit `unit` of 8 words.
    template <int kGroup>
    static IVec one_bit(const Cell& cell, int first, int unit, int row) {
        return bits_of_bytes<1>(cell.word(first + kGroup, row), unit);
    }
};

template <>
struct Panel<DType::Q4_K> : Panel256<BlockQ4_K, KScalePanel, 32> {
    static constexpr PanelFacts kFacts{.max = 15, .offset = 0, .halves = 1, .low = true};
    static void set(const BlockRows& rows, int, Cell& cell) {
        cell.scales.template set<Block>(rows);
        cell.scatter(rows, offsetof(Block, qs), 32, 0);
    }
    static Block get(int, int lane, const Cell& cell) {
        Block block{};
        cell.scales.get(lane, block);
        cell.gather(0, 32, lane, block.qs);
        return block;
    }
    template <int kGroup>
    static IVec quants(const Cell& cell, int unit, int row) {
        return paired_nibbles<kGroup>(cell, 0, unit, row);
    }
};

template <>
struct Panel<DType::Q5_K> : Panel256<BlockQ5_K, KScalePanel, 40> {
    static constexpr PanelFacts kFacts{.max = 31, .offset = 0, .halves = 1, .low = true};
    static void set(const BlockRows& rows, int, Cell& cell) {
        cell.scales.template set<Block>(rows);
        cell.scatter(rows, offsetof(Block, qh), 8, 0);
        cell.scatter(rows, offsetof(Block, qs), 32, 8);
    }
    static Block get(int, int lane, const Cell& cell) {
        Block block{};
        cell.scales.get(lane, block);
        cell.gather(0, 8, lane, block.qh);
        cell.gather(8, 32, lane, block.qs);
        return block;
    }
    template <int kGroup>
    static IVec quants(const Cell& cell, int unit, int row) {
        return paired_nibbles<kGroup>(cell, 8, unit, row) | shl<4>(one_bit<kGroup>(cell, 0, unit, row));
    }
};

// Each half of a block: 8 words with the high bits of its four units, 16 with the low ones.
template <>
struct Panel<DType::Q6_K> : Panel256<BlockQ6_K, SignedScalePanel<2>, 48> {
    static constexpr PanelFacts kFacts{.max = 63, .offset = 32, .halves = 2, .low = false};
    static void set(const BlockRows& rows, int, Cell& cell) {
        cell.scales.template set<Block>(rows);
        for (int half = 0; half < 2; ++half) {
            cell.scatter(rows, offsetof(Block, qh) + half * 32, 8, half * 24);
            cell.scatter(rows, offsetof(Block, ql) + half * 64, 16, half * 24 + 8);
        }
    }
    static Block get(int, int lane, const Cell& cell) {
        Block block{};
        cell.scales.get(lane, block);
        for (int half = 0; half < 2; ++half) {
            cell.gather(half * 24, 8, lane, block.qh + half * 32);
            cell.gather(half * 24 + 8, 16, lane, block.ql + half * 64);
        }
        return block;
    }
    template <int kGroup>
    static IVec quants(const Cell& cell, int unit, int row) {
        const int first = unit / 4 * 24, quarter = unit % 4;
        const IVec low = bits_of_bytes<4>(cell.word(first + 8 + quarter % 2 * 8 + kGroup, row), quarter / 2 * 4);
        const IVec high = bits_of_bytes<2>(cell.word(first + kGroup, row), quarter * 2);
        return low | shl<4>(high);
    }
};

template <>
struct Panel<DType::Q3_K> : Panel256<BlockQ3_K, SignedScalePanel<2>, 24> {
    static constexpr PanelFacts kFacts{.max = 7, .offset = 4, .halves = 2, .low = false};
    static void set(const BlockRows& rows, int, Cell& cell) {
        cell.scales.template set<Block>(rows);
        cell.scatter(rows, offsetof(Block, hmask), 8, 0);
        cell.scatter(rows, offsetof(Block, qs), 16, 8);
    }
    static Block get(int, int lane, const Cell& cell) {
        Block block{};
        cell.scales.get(lane, block);
        cell.gather(0, 8, lane, block.hmask);
        cell.gather(8, 16, lane, block.qs);
        return block;
    }
    template <int kGroup>
    static IVec quants(const Cell& cell, int unit, int row) {
        return two_bits<kGroup>(cell, 8, unit, row) | shl<2>(one_bit<kGroup>(cell, 0, unit, row));
    }
};

template <>
struct Panel<DType::Q2_K> : Panel256<BlockQ2_K, SmallScalePanel, 16> {
    static constexpr PanelFacts kFacts{.max = 3, .offset = 0, .halves = 2, .low = true};
    static void set(const BlockRows& rows, int, Cell& cell) {
        cell.scales.template set<Block>(rows);
        cell.scatter(rows, offsetof(Block, qs), 16, 0);
    }
    static Block get(int, int lane, const Cell& cell) {
        Block block{};
        cell.scales.get(lane, block);
        cell.gather(0, 16, lane, block.qs);
        return block;
    }
    template <int kGroup>
    static IVec quants(const Cell& cell, int unit, int row) {
        return two_bits<kGroup>(cell, 0, unit, row);
    }
};

template <>
struct Panel<DType::IQ4_XS> : Panel256<BlockIQ4_XS, SignedScalePanel<1>, 32> {
    static constexpr PanelFacts kFacts{.max = 255, .offset = 128, .halves = 1, .low = false};
    static void set(const BlockRows& rows, int, Cell& cell) {
        cell.scales.template set<Block>(rows);
        cell.scatter(rows, offsetof(Block, qs), 32, 0);
    }
    static Block get(int, int lane, const Cell& cell) {
        Block block{};
        cell.scales.get(lane, block);
        cell.gather(0, 32, lane, block.qs);
        return block;
    }
    template <int kGroup>
    static IVec quants(const Cell& cell, int unit, int row) {
        const IVec nibbles = bits_of_bytes<4>(cell.word(unit * 4 + kGroup % 4, row), kGroup / 4 * 4);
        return lookup_bytes(kIq4Levels.level, nibbles);
    }
};

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
