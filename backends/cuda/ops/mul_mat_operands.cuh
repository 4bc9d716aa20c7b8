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

struct MulMatOperands {
    Rows<const float> x;
    WeightPlanes w;
    const float* bias;           // null: none
    Rows<const float> residual;  // data null: none
    Rows<float> y;
    int64_t n_tok, n_in, n_out;
    NormOperands norm;  // mul_mat_vector.cuh alone
};

KRAIT_DEVICE void store_result(const MulMatOperands& op, int64_t t, int64_t n, float sum) {
    if (op.bias) sum += op.bias[n];
    if (op.residual.data) sum += op.residual.row(t)[n];
    op.y.row(t)[n] = sum;
}

// A unit's quants as they lie in the planes, in registers.
template <class Block>
struct PackedUnit {
    using Format = PlanesOf<Block>;
    static constexpr int kLowWords = Format::kLowBytes / 4, kHighWords = Format::kHighBytes / 4;
    uint32_t low[kLowWords];
    uint32_t high[kHighWords > 0 ? kHighWords : 1];

    KRAIT_DEVICE void load(const uint8_t* low_row, const uint8_t* high_row, int64_t unit) {
        load_words<kLowWords>(low, low_row + unit * Format::kLowBytes);
        if constexpr (kHighWords > 0) load_words<kHighWords>(high, high_row + unit * Format::kHighBytes);
    }
    // Four quants, i a multiple of 4, each in a byte.
    KRAIT_DEVICE uint32_t bytes(int i) const {
        uint32_t q = 0;
        if constexpr (Format::kLowBits == 8) q = low[i / 4];
        if constexpr (Format::kLowBits == 4) q = low[i % 16 / 4] >> (i / 16 * 4) & 0x0f0f0f0fu;
        if constexpr (Format::kLowBits == 2) q = low[i % 8 / 4] >> (i / 8 * 2) & 0x03030303u;
        if constexpr (Format::kHighBits == 2) q |= (high[i % 8 / 4] >> (i / 8 * 2) & 0x03030303u) << Format::kLowBits;
        if constexpr (Format::kHighBits == 1) {
            const uint32_t four = high[0] >> i;  // bit b to the lowest bit of byte b
            q |= ((four & 1u) | (four & 2u) << 7 | (four & 4u) << 14 | (four & 8u) << 21) << Format::kLowBits;
        }
        return q;
    }
    KRAIT_DEVICE static float level(uint32_t four, int byte) {
        const int q =
            Format::kLowBits == 8 ? static_cast<int8_t>(four >> (8 * byte)) : static_cast<int>(four >> (8 * byte) & 0xff);
        return static_cast<float>(Format::level(q));
    }

  private:
    template <int kWords>
    KRAIT_DEVICE static void load_words(uint32_t* to, const uint8_t* from) {
        KRAIT_UNROLL
        for (int i = 0; i < kWords; i += kWords < 4 ? kWords : 4) {
            if constexpr (kWords >= 4) {
                const auto four = load_streaming<uint4>(from + 4 * i);
                to[i] = four.x, to[i + 1] = four.y, to[i + 2] = four.z, to[i + 3] = four.w;
            } else if constexpr (kWords == 2) {
                const auto two = load_streaming<uint2>(from);
                to[0] = two.x, to[1] = two.y;
            } else {
                to[0] = load_streaming<uint32_t>(from);
            }
        }
    }
};

template <class Block>
KRAIT_DEVICE UnitScales unit_scales(const WeightPlanes& w, int64_t row, int64_t unit) {
    using Meta = typename PlanesOf<Block>::Meta;
    const auto* meta = reinterpret_cast<const Meta*>(w.meta + row * w.meta_stride);
    return meta[unit / kUnitsPerBlock<Block>].scales(static_cast<int>(unit % kUnitsPerBlock<Block>));
}

}  // namespace krait::cuda
