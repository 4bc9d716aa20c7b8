// SPDX-License-Identifier: Apache-2.0
//
// What the kernels of mul_mat share: operands, the end of a result, and units of quants as numbers.
#pragma once

#include "backends/cuda/kernels/rows.cuh"
#include "backends/cuda/kernels/warp.cuh"
#include "backends/cuda/quant/planes.hpp"

namespace krait::cuda {

// rms_norm of x on its way into the product, over whole rows.
struct NormOperands {
    bool wanted;
    const float* weight;  // null: 1
    float eps;
    Rows<float> normed;  // written as well: others may read it
};

// XRows, YRows: where row t of x and of y is. `source_row` says which row of the rounded ones (round_rows.cuh) that is.
template <class XRows, class YRows>
struct ProductOperands {
    XRows x;
    WeightPlanes w;
    const float* bias;           // null: none
    Rows<const float> residual;  // data null: none
    YRows y;
    int64_t n_tok, n_in, n_out;
    NormOperands norm;  // mul_mat_vector.cuh alone
    bool early;         // the kernel may start before those in front of it have ended
};
using MulMatOperands = ProductOperands<Rows<const float>, Rows<float>>;

KRAIT_DEVICE int64_t source_row(const Rows<const float>&, int64_t t) { return t; }

template <class Operands>
KRAIT_DEVICE void store_result(const Operands& op, int64_t t, int64_t n, float sum) {
    if (op.bias) sum += op.bias[n];
    if (op.residual.data) sum += op.residual.row(t)[n];
    op.y.row(t)[n] = sum;
}

// Results of the matrix unit, of which a lane has sum[tile][i]: row 8 (i / 2) of w from first_out on, row 8 tile + i % 2 of x
// from first_tok on. `unscale` is what rows of x are to be multiplied with.
template <class Operands, int kTiles>
KRAIT_DEVICE void store_fragments(const Operands& op, const float* unscale, int64_t first_out, int64_t first_tok,
                                  const float (&sum)[kTiles][4]) {
    KRAIT_UNROLL
    for (int tile = 0; tile < kTiles; ++tile) KRAIT_UNROLL
    for (int i = 0; i < 4; ++i) {
        const int64_t t = first_tok + 8 * tile + i % 2, n = first_out + 8 * (i / 2);
        if (t < op.n_tok && n < op.n_out) store_result(op, t, n, sum[tile][i] * unscale[source_row(op.x, t)]);
    }
}

// A unit's quants as they lie in the planes, in registers.
template <class Block>
struct PackedUnit {
    using Format = PlanesOf<Block>;
    static constexpr int kLowWords = Format::kLowBytes / 4, kHighWords = Format::kHighBytes / 4;
    uint32_t low[kLowWords];
    uint32_t high[kHighWords > 0 ? kHighWords : 1];

    // kOnce: nobody else reads these bytes in this launch.
    template <bool kOnce = true>
    KRAIT_DEVICE void load(const uint8_t* low_row, const uint8_t* high_row, int64_t unit) {
        load_words<kLowWords, kOnce>(low, low_row + unit * Format::kLowBytes);
        if constexpr (kHighWords > 0) load_words<kHighWords, kOnce>(high, high_row + unit * Format::kHighBytes);
    }
    // Four quants, i a multiple of 4, each in a byte.
    KRAIT_DEVICE uint32_t bytes(int i) const {
        uint32_t q = 0;
        if constexpr (Format::kLowBits == 8) q = low[i / 4];
        if constexpr (Format::kLowBits == 4) q = low[i % 16 / 4] >> (i / 16 * 4) & 0x0f0f0f0fu;
        if constexpr (Format::kLowBits == 2) q = low[i % 8 / 4] >> (i / 8 * 2) & 0x03030303u;
        if constexpr (Format::kHighBits == 2) q |= (high[i % 8 / 4] >> (i / 8 * 2) & 0x03030303u) << Format::kLowBits;
        if constexpr (Format::kHighBits == 1) q |= spread_bits(high[0] >> i);
        return q;
    }
    // Of four bits, bit b above the lower bits of byte b: copies of the four that do not overlap, seven bits apart.
    KRAIT_DEVICE static uint32_t spread_bits(uint32_t four) {
        return (four & 15u) * (0x00204081u << Format::kLowBits) & 0x01010101u << Format::kLowBits;
    }
    // Levels of a codebook for four quants, as signed bytes: eight are chosen from each half of the table, one of the two by
    // the top bit.
    KRAIT_DEVICE static uint32_t codebook_bytes(uint32_t four) {
        const uint32_t lower_bits = pick_bytes(four | four >> 4, 0, 0x4420u) & 0x7777u;
        const uint32_t lower = pick_bytes(codebook_word(0), codebook_word(4), lower_bits),
                       upper = pick_bytes(codebook_word(8), codebook_word(12), lower_bits);
        const uint32_t is_upper = (four >> 3 & 0x01010101u) * 255u;
        return (lower & ~is_upper) | (upper & is_upper);
    }
    KRAIT_DEVICE static float level(uint32_t four, int byte) {
        const int q =
            Format::kLowBits == 8 ? static_cast<int8_t>(four >> (8 * byte)) : static_cast<int>(four >> (8 * byte) & 0xff);
        return static_cast<float>(Format::level(q));
    }

  private:
    static constexpr uint32_t codebook_word(int first) {
        uint32_t word = 0;
        for (int i = 0; i < 4; ++i) word |= static_cast<uint32_t>(static_cast<uint8_t>(Format::level(first + i))) << (8 * i);
        return word;
    }
    template <class Vector, bool kOnce>
    KRAIT_DEVICE static Vector load_once(const uint8_t* from) {
        if constexpr (kOnce) return load_streaming<Vector>(from);
        else return load_vector<Vector>(from);
    }
    template <int kWords, bool kOnce>
    KRAIT_DEVICE static void load_words(uint32_t* to, const uint8_t* from) {
        KRAIT_UNROLL
        for (int i = 0; i < kWords; i += kWords < 4 ? kWords : 4) {
            if constexpr (kWords >= 4) {
                const auto four = load_once<uint4, kOnce>(from + 4 * i);
                to[i] = four.x, to[i + 1] = four.y, to[i + 2] = four.z, to[i + 3] = four.w;
            } else if constexpr (kWords == 2) {
                const auto two = load_once<uint2, kOnce>(from);
                to[0] = two.x, to[1] = two.y;
            } else {
                to[0] = load_once<uint32_t, kOnce>(from);
            }
        }
    }
};

// Asks for the first columns of rows, a thread for each; n_columns: as many as are units of quants, or of 16 bytes.
template <class Block>
KRAIT_DEVICE void prefetch_rows(const WeightPlanes& w, int64_t first, int64_t n_rows, int64_t n_columns) {
    if (static_cast<int64_t>(threadIdx.x) >= n_rows) return;
    const int64_t row = first + threadIdx.x;
    const uint8_t* low = w.low + row * w.low_stride;
    if constexpr (kIsQuantized<Block>) {
        using Format = PlanesOf<Block>;
        using Meta = typename Format::Meta;
        const auto units = static_cast<uint64_t>(n_columns / kUnit);
        prefetch(low, units * Format::kLowBytes);
        if constexpr (Format::kHighBits > 0) prefetch(w.high + row * w.high_stride, units * Format::kHighBytes);
        prefetch(w.meta + row * w.meta_stride, (units + kUnitsPerBlock<Block> - 1) / kUnitsPerBlock<Block> * sizeof(Meta));
    } else {
        prefetch(low, static_cast<uint64_t>(n_columns) * sizeof(Block));
    }
}

template <class Block>
KRAIT_DEVICE UnitScales unit_scales(const WeightPlanes& w, int64_t row, int64_t unit) {
    using Meta = typename PlanesOf<Block>::Meta;
    const auto* meta = reinterpret_cast<const Meta*>(w.meta + row * w.meta_stride);
    return meta[unit / kUnitsPerBlock<Block>].scales(static_cast<int>(unit % kUnitsPerBlock<Block>));
}

}  // namespace krait::cuda
