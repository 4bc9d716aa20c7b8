// SPDX-License-Identifier: Apache-2.0
//
// Panels of the formats with blocks of 256: Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_XS. Interface: panel.hpp; formulas:
// core/quant/<format>.hpp. scale() rounds d * scale as the formula does.
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
    void set(const Block& block, int lane) {
        d[lane] = block.d;
        dmin[lane] = block.dmin;
        for (int j = 0; j < 8; ++j) {
            scale[j][lane] = static_cast<uint8_t>(scale_at(block, j));
            min[j][lane] = static_cast<uint8_t>(min_at(block, j));
        }
    }
    template <class Block>
    void get(int lane, Block& block) const {
        block.d = d[lane];
        block.dmin = dmin[lane];
        for (int j = 0; j < 8; ++j) {
            set_scale(block, j, scale[j][lane]);
            set_min(block, j, min[j][lane]);
        }
    }
    Vec scale_of(int row, int unit) const { return load_f16(d + row) * to_float(load_u8(scale[unit] + row)); }
    Vec low_of(int row, int unit) const { return load_f16(dmin + row) * to_float(load_u8(min[unit] + row)); }
};

// Words 8 p .. 8 p + 7 have unit 2 p in their low and unit 2 p + 1 in their high nibbles.
template <int kGroup>
inline IVec paired_nibbles(const uint32_t* quants, int unit) {
    return bits_of_bytes<4>(load_word(quants, unit / 2 * 8 + kGroup), unit % 2 * 4);
}

template <>
struct Panel<DType::Q4_K> {
    using Block = BlockQ4_K;
    using Scales = KScalePanel;
    static constexpr PanelFacts kFacts{.words = 32, .max = 15, .offset = 0, .halves = 1, .low = true};
    static void set(const Block& block, int lane, uint32_t* quants, Scales& scales) {
        scatter_words(block.qs, 32, quants + lane);
        scales.set(block, lane);
    }
    static Block get(int lane, const uint32_t* quants, const Scales& scales) {
        Block block{};
        gather_words(quants + lane, 32, block.qs);
        scales.get(lane, block);
        return block;
    }
    template <int kGroup>
    static IVec quants(const uint32_t* quants, int unit) {
        return paired_nibbles<kGroup>(quants, unit);
    }
    static Vec scale(const Scales& s, int row, int unit, int) { return s.scale_of(row, unit); }
    static Vec low(const Scales& s, int row, int unit, int) { return s.low_of(row, unit); }
};

template <>
struct Panel<DType::Q5_K> {
    using Block = BlockQ5_K;
    using Scales = KScalePanel;
    static constexpr PanelFacts kFacts{.words = 40, .max = 31, .offset = 0, .halves = 1, .low = true};
    static void set(const Block& block, int lane, uint32_t* quants, Scales& scales) {
        scatter_words(block.qs, 32, quants + lane);
        scatter_words(block.qh, 8, quants + 32 * kPanelRows + lane);
        scales.set(block, lane);
    }
    static Block get(int lane, const uint32_t* quants, const Scales& scales) {
        Block block{};
        gather_words(quants + lane, 32, block.qs);
        gather_words(quants + 32 * kPanelRows + lane, 8, block.qh);
        scales.get(lane, block);
        return block;
    }
    template <int kGroup>
    static IVec quants(const uint32_t* quants, int unit) {
        return paired_nibbles<kGroup>(quants, unit) | shl<4>(bits_of_bytes<1>(load_word(quants, 32 + kGroup), unit));
    }
    static Vec scale(const Scales& s, int row, int unit, int) { return s.scale_of(row, unit); }
    static Vec low(const Scales& s, int row, int unit, int) { return s.low_of(row, unit); }
};

// Q3_K, Q6_K and, with kCount = 8, IQ4_XS: signed scales without minima.
template <int kCount>
struct SignedScalePanel {
    uint16_t d[kPanelRows];
    int8_t scale[kCount][kPanelRows];

    template <class Block>
    void set(const Block& block, int lane) {
        d[lane] = block.d;
        for (int j = 0; j < kCount; ++j) scale[j][lane] = static_cast<int8_t>(scale_at(block, j));
    }
    template <class Block>
    void get(int lane, Block& block) const {
        block.d = d[lane];
        for (int j = 0; j < kCount; ++j) set_scale(block, j, scale[j][lane]);
    }
    Vec scale_of(int row, int j) const { return load_f16(d + row) * to_float(load_i8(scale[j] + row)); }
};

template <>
struct Panel<DType::Q6_K> {
    using Block = BlockQ6_K;
    using Scales = SignedScalePanel<16>;
    static constexpr PanelFacts kFacts{.words = 48, .max = 63, .offset = 32, .halves = 2, .low = false};
    static void set(const Block& block, int lane, uint32_t* quants, Scales& scales) {
        scatter_words(block.ql, 32, quants + lane);
        scatter_words(block.qh, 16, quants + 32 * kPanelRows + lane);
        scales.set(block, lane);
    }
    static Block get(int lane, const uint32_t* quants, const Scales& scales) {
        Block block{};
        gather_words(quants + lane, 32, block.ql);
        gather_words(quants + 32 * kPanelRows + lane, 16, block.qh);
        scales.get(lane, block);
        return block;
    }
    template <int kGroup>
    static IVec quants(const uint32_t* quants, int unit) {
        const int half = unit / 4, quarter = unit % 4;
        const IVec low = bits_of_bytes<4>(load_word(quants, half * 16 + quarter % 2 * 8 + kGroup), quarter / 2 * 4);
        const IVec high = bits_of_bytes<2>(load_word(quants, 32 + half * 8 + kGroup), quarter * 2);
        return low | shl<4>(high);
    }
    static Vec scale(const Scales& s, int row, int unit, int half) { return s.scale_of(row, 2 * unit + half); }
};

// Two bits of four units in 8 words: Q2_K, and the lower two of Q3_K.
template <int kGroup>
inline IVec two_bits(const uint32_t* quants, int unit) {
    return bits_of_bytes<2>(load_word(quants, unit / 4 * 8 + kGroup), unit % 4 * 2);
}

template <>
struct Panel<DType::Q3_K> {
    using Block = BlockQ3_K;
    using Scales = SignedScalePanel<16>;
    static constexpr PanelFacts kFacts{.words = 24, .max = 7, .offset = 4, .halves = 2, .low = false};
    static void set(const Block& block, int lane, uint32_t* quants, Scales& scales) {
        scatter_words(block.qs, 16, quants + lane);
        scatter_words(block.hmask, 8, quants + 16 * kPanelRows + lane);
        scales.set(block, lane);
    }
    static Block get(int lane, const uint32_t* quants, const Scales& scales) {
        Block block{};
        gather_words(quants + lane, 16, block.qs);
        gather_words(quants + 16 * kPanelRows + lane, 8, block.hmask);
        scales.get(lane, block);
        return block;
    }
    template <int kGroup>
    static IVec quants(const uint32_t* quants, int unit) {
        return two_bits<kGroup>(quants, unit) | shl<2>(bits_of_bytes<1>(load_word(quants, 16 + kGroup), unit));
    }
    static Vec scale(const Scales& s, int row, int unit, int half) { return s.scale_of(row, 2 * unit + half); }
};

template <>
struct Panel<DType::Q2_K> {
    using Block = BlockQ2_K;
    struct Scales {
        uint16_t d[kPanelRows];
        uint16_t dmin[kPanelRows];
        uint8_t both[16][kPanelRows];  // as in the file: the scale in the low, the minimum in the high four bits
    };
    static constexpr PanelFacts kFacts{.words = 16, .max = 3, .offset = 0, .halves = 2, .low = true};
    static void set(const Block& block, int lane, uint32_t* quants, Scales& scales) {
        scatter_words(block.qs, 16, quants + lane);
        scales.d[lane] = block.d;
        scales.dmin[lane] = block.dmin;
        for (int j = 0; j < 16; ++j) scales.both[j][lane] = block.scales[j];
    }
    static Block get(int lane, const uint32_t* quants, const Scales& scales) {
        Block block{};
        gather_words(quants + lane, 16, block.qs);
        block.d = scales.d[lane];
        block.dmin = scales.dmin[lane];
        for (int j = 0; j < 16; ++j) block.scales[j] = scales.both[j][lane];
        return block;
    }
    template <int kGroup>
    static IVec quants(const uint32_t* quants, int unit) {
        return two_bits<kGroup>(quants, unit);
    }
    static Vec scale(const Scales& s, int row, int unit, int half) {
        return load_f16(s.d + row) * to_float(load_u8(s.both[2 * unit + half] + row) & broadcast_i(15));
    }
    static Vec low(const Scales& s, int row, int unit, int half) {
        return load_f16(s.dmin + row) * to_float(shr(load_u8(s.both[2 * unit + half] + row), 4));
    }
};

template <>
struct Panel<DType::IQ4_XS> {
    using Block = BlockIQ4_XS;
    using Scales = SignedScalePanel<8>;
    static constexpr PanelFacts kFacts{.words = 32, .max = 255, .offset = 128, .halves = 1, .low = false};
    static void set(const Block& block, int lane, uint32_t* quants, Scales& scales) {
        scatter_words(block.qs, 32, quants + lane);
        scales.set(block, lane);
    }
    static Block get(int lane, const uint32_t* quants, const Scales& scales) {
        Block block{};
        gather_words(quants + lane, 32, block.qs);
        scales.get(lane, block);
        return block;
    }
    template <int kGroup>
    static IVec quants(const uint32_t* quants, int unit) {
        return lookup_bytes(kIq4Levels.level, split_nibbles<kGroup>(quants + unit * 4 * kPanelRows));
    }
    static Vec scale(const Scales& s, int row, int unit, int) { return s.scale_of(row, unit); }
};

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
