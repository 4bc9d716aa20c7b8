// SPDX-License-Identifier: Apache-2.0
//
// How weights lie on the device. A row is cut into units of 32 weights; what a block of the file mixes is taken apart, so that
// a lane loads the quants of a unit at once, aligned, and neighbouring lanes neighbouring bytes. Nothing is lost:
//   low    the lower bits of all quants of a row. 8 bits: weight i is byte i of the unit's 32. 4 bits: byte k of 16 holds
//          weight k in its low and weight k + 16 in its high half. 2 bits: byte k of 8 holds weights k, k + 8, k + 16, k + 24,
//          from the low bits up. F32, F16, BF16: the weights themselves, rows filled up with zeros to whole 16 bytes.
//   high   the bits above, where the format has them. 1 bit: bit i of 32 is weight i's. 2 bits: as in low.
//   meta   what scales the quants, as a struct for each block of the file
// With q a unit's quants as unsigned numbers (Q8_0: signed), weight i of unit u is, every operation rounded by itself,
//   scale * level(q[i]) - minimum,   scale and minimum of the half i / 16 of the unit
// which is what core/quant says, bit for bit. A constant tensor's rows follow each other at the strides of WeightPlanes.
#pragma once

#include <cstddef>

#include "core/quant/blocks.hpp"

#if defined(__CUDACC__)
#include <cuda_fp16.h>
#endif

namespace krait::cuda {

inline constexpr int kUnit = 32;

struct WeightPlanes {
    const uint8_t* low;
    const uint8_t* high;
    const uint8_t* meta;
    int64_t low_stride, high_stride, meta_stride;  // bytes from row to row
    float largest;                                 // of quantized weights: none that is finite is larger
};

// Parts of one unit: the halves' scales, and what is taken off.
struct UnitScales {
    float scale[2];
    float minimum[2];
};

KRAIT_BLOCK_FN float meta_half(uint16_t bits) {
#if defined(__CUDA_ARCH__)
    return __half2float(__ushort_as_half(bits));
#else
    return f16_to_f32(bits);
#endif
}

// ---- meta -----------------------------------------------------------------------------------------------------------

struct MetaScale {  // one scale a unit
    uint16_t d;
    KRAIT_BLOCK_FN UnitScales scales(int) const { return {{meta_half(d), meta_half(d)}, {0, 0}}; }
};
struct MetaScaleOffset {  // value = d q + m
    uint16_t d, m;
    KRAIT_BLOCK_FN UnitScales scales(int) const {
        const float minimum = -meta_half(m);
        return {{meta_half(d), meta_half(d)}, {minimum, minimum}};
    }
};
struct MetaK {  // Q4_K, Q5_K: six-bit scales and minima of eight units
    uint16_t d, dmin;
    uint8_t packed[12];
    KRAIT_BLOCK_FN UnitScales scales(int unit) const {
        const float scale = meta_half(d) * float(k_scale(packed, unit));
        const float minimum = meta_half(dmin) * float(k_min(packed, unit));
        return {{scale, scale}, {minimum, minimum}};
    }
};
struct MetaQ2 {  // four-bit scales and minima of sixteen halves
    uint8_t packed[16];
    uint16_t d, dmin;
    KRAIT_BLOCK_FN UnitScales scales(int unit) const {
        UnitScales s{};
        for (int half = 0; half < 2; ++half) {
            s.scale[half] = meta_half(d) * float(packed[2 * unit + half] & 15);
            s.minimum[half] = meta_half(dmin) * float(packed[2 * unit + half] >> 4);
        }
        return s;
    }
};
struct MetaScales16 {  // Q3_K, Q6_K: signed scales of sixteen halves
    int8_t scale[16];
    uint16_t d, unused;
    KRAIT_BLOCK_FN UnitScales scales(int unit) const {
        return {{meta_half(d) * float(scale[2 * unit]), meta_half(d) * float(scale[2 * unit + 1])}, {0, 0}};
    }
};
struct MetaScales8 {  // IQ4_XS: signed scales of eight units
    int8_t scale[8];
    uint16_t d, unused;
    KRAIT_BLOCK_FN UnitScales scales(int unit) const {
        const float s = meta_half(d) * float(scale[unit]);
        return {{s, s}, {0, 0}};
    }
};

// ---- formats --------------------------------------------------------------------------------------------------------

template <int kLow, int kHigh, int kOffset, bool kHasMinimum, class MetaType>
struct Planes {
    static constexpr int kLowBits = kLow, kHighBits = kHigh;
    static constexpr int kLowBytes = kUnit * kLow / 8, kHighBytes = kUnit * kHigh / 8;  // of a unit
    static constexpr bool kMinima = kHasMinimum;
    static constexpr bool kCodebook = false;
    using Meta = MetaType;
    KRAIT_BLOCK_FN static int level(int q) { return q - kOffset; }
    KRAIT_BLOCK_FN static int stored(int level) { return level + kOffset; }
};

// The four bits are an index into the levels of core/quant/iq4_nl.hpp.
template <class MetaType>
struct CodebookPlanes : Planes<4, 0, 0, false, MetaType> {
    static constexpr bool kCodebook = true;
    KRAIT_BLOCK_FN static int level(int q) { return iq4_level(q); }
    KRAIT_BLOCK_FN static int stored(int level) {
        int q = 0;
        while (iq4_level(q) != level) ++q;
        return q;
    }
};

template <class Block>
struct PlanesOf;
template <>
struct PlanesOf<BlockQ8_0> : Planes<8, 0, 0, false, MetaScale> {};
template <>
struct PlanesOf<BlockQ4_0> : Planes<4, 0, 8, false, MetaScale> {};
template <>
struct PlanesOf<BlockQ4_1> : Planes<4, 0, 0, true, MetaScaleOffset> {};
template <>
struct PlanesOf<BlockQ5_0> : Planes<4, 1, 16, false, MetaScale> {};
template <>
struct PlanesOf<BlockQ5_1> : Planes<4, 1, 0, true, MetaScaleOffset> {};
template <>
struct PlanesOf<BlockQ2_K> : Planes<2, 0, 0, true, MetaQ2> {};
template <>
struct PlanesOf<BlockQ3_K> : Planes<2, 1, 4, false, MetaScales16> {};
template <>
struct PlanesOf<BlockQ4_K> : Planes<4, 0, 0, true, MetaK> {};
template <>
struct PlanesOf<BlockQ5_K> : Planes<4, 1, 0, true, MetaK> {};
template <>
struct PlanesOf<BlockQ6_K> : Planes<4, 2, 32, false, MetaScales16> {};
template <>
struct PlanesOf<BlockIQ4_NL> : CodebookPlanes<MetaScale> {};
template <>
struct PlanesOf<BlockIQ4_XS> : CodebookPlanes<MetaScales8> {};

template <class Block>
inline constexpr bool kIsQuantized = block_elems<Block> > 1;
template <class Block>
inline constexpr int kUnitsPerBlock = block_elems<Block> / kUnit;

// Bits `width` of weight i of a unit, of a plane with that many bits a weight.
template <int kBits>
KRAIT_BLOCK_FN int plane_bits(const uint8_t* unit, int i) {
    if constexpr (kBits == 8) return int(unit[i]);
    if constexpr (kBits == 4) return byte_bits(unit[i % 16], i / 16 * 4, 4);
    if constexpr (kBits == 2) return byte_bits(unit[i % 8], i / 8 * 2, 2);
    if constexpr (kBits == 1) return byte_bits(unit[i / 8], i % 8, 1);
    return 0;
}
template <int kBits>
KRAIT_BLOCK_FN void set_plane_bits(uint8_t* unit, int i, int value) {
    if constexpr (kBits == 8) unit[i] = uint8_t(value);
    if constexpr (kBits == 4) unit[i % 16] = with_byte_bits(unit[i % 16], i / 16 * 4, 4, value);
    if constexpr (kBits == 2) unit[i % 8] = with_byte_bits(unit[i % 8], i / 8 * 2, 2, value);
    if constexpr (kBits == 1) unit[i / 8] = with_byte_bits(unit[i / 8], i % 8, 1, value);
}

// The weight at column k of a row, exactly.
template <class Block>
KRAIT_BLOCK_FN float plane_value(const WeightPlanes& planes, int64_t row, int64_t k) {
    const uint8_t* low = planes.low + row * planes.low_stride;
    if constexpr (!kIsQuantized<Block>) {
        return value_at(reinterpret_cast<const Block*>(low)[k], 0);
    } else {
        using Format = PlanesOf<Block>;
        const int64_t unit = k / kUnit;
        const int i = static_cast<int>(k % kUnit);
        int q = plane_bits<Format::kLowBits>(low + unit * Format::kLowBytes, i);
        if constexpr (Format::kLowBits == 8) q = int(int8_t(q));
        if constexpr (Format::kHighBits > 0)
            q |= plane_bits<Format::kHighBits>(planes.high + row * planes.high_stride + unit * Format::kHighBytes, i)
                 << Format::kLowBits;
        const auto* meta = reinterpret_cast<const typename Format::Meta*>(planes.meta + row * planes.meta_stride);
        const UnitScales s = meta[unit / kUnitsPerBlock<Block>].scales(static_cast<int>(unit % kUnitsPerBlock<Block>));
        const float product = s.scale[i / 16] * float(Format::level(q));
        return product - s.minimum[i / 16];
    }
}

}  // namespace krait::cuda
