// SPDX-License-Identifier: Apache-2.0
//
// Keys and values as numbers, from rows of the cache in any of its formats: columns one at a time, in pairs, and in pieces.
#pragma once

#include "backends/cuda/ops/attention.cuh"

namespace krait::cuda {

KRAIT_CONSTANT int kPieceColumns = 8;

// A head's keys or values: n columns.
struct CacheHead {
    const char* from;
    int32_t n;
};

// vectors: pieces may be read as 16 bytes; pairs: two columns as one number.
template <class Block>
struct CacheColumns {
    static constexpr int kBytes = static_cast<int>(sizeof(Block));

    KRAIT_DEVICE static float one(const CacheHead& head, int32_t c) {
        if (c >= head.n) return 0.0f;
        if constexpr (kBytes == 4) return reinterpret_cast<const float*>(head.from)[c];
        else return half_to_float(reinterpret_cast<const uint16_t*>(head.from)[c]);
    }
    KRAIT_DEVICE static void piece(const CacheHead& head, int32_t c, bool vectors, float (&to)[kPieceColumns]) {
        if (!vectors) {
            KRAIT_UNROLL
            for (int i = 0; i < kPieceColumns; ++i) to[i] = one(head, c + i);
            return;
        }
        KRAIT_UNROLL
        for (int i = 0; i < kPieceColumns; i += 16 / kBytes) {
            const auto four = load_vector<uint4>(head.from + static_cast<int64_t>(c + i) * kBytes);
            const uint32_t word[4] = {four.x, four.y, four.z, four.w};
            KRAIT_UNROLL
            for (int k = 0; k < 16 / kBytes; ++k) {
                if constexpr (kBytes == 4) to[i + k] = bits_float(word[k]);
                else to[i + k] = half_to_float(static_cast<uint16_t>(word[k / 2] >> (k % 2 * 16)));
            }
        }
    }
    KRAIT_DEVICE static float2 two(const CacheHead& head, int32_t c, bool pairs) {
        if (!pairs || c + 1 >= head.n) return {one(head, c), one(head, c + 1)};
        if constexpr (kBytes == 4) return load_vector<float2>(head.from + static_cast<int64_t>(c) * kBytes);
        const auto both = load_vector<uint32_t>(head.from + static_cast<int64_t>(c) * kBytes);
        return {half_to_float(static_cast<uint16_t>(both)), half_to_float(static_cast<uint16_t>(both >> 16))};
    }
};

// Blocks lie at even addresses: quants are read two at a time.
template <>
struct CacheColumns<BlockQ8_0> {
    KRAIT_DEVICE static float quant(uint16_t two, int i) { return static_cast<float>(static_cast<int8_t>(two >> (8 * i))); }
    KRAIT_DEVICE static void piece(const CacheHead& head, int32_t c, bool, float (&to)[kPieceColumns]) {
        const auto* block = reinterpret_cast<const uint16_t*>(head.from) + c / kWarpSize * kBlockWords;
        const float d = half_to_float(block[0]);
        KRAIT_UNROLL
        for (int i = 0; i < kPieceColumns; i += 2) {
            const uint16_t two = block[1 + c % kWarpSize / 2 + i / 2];
            to[i] = quant(two, 0) * d;
            to[i + 1] = quant(two, 1) * d;
        }
    }
    KRAIT_DEVICE static float2 two(const CacheHead& head, int32_t c, bool) {
        if (c >= head.n) return {0.0f, 0.0f};
        const auto* block = reinterpret_cast<const uint16_t*>(head.from) + c / kWarpSize * kBlockWords;
        const float d = half_to_float(block[0]);
        const uint16_t two = block[1 + c % kWarpSize / 2];
        return {quant(two, 0) * d, quant(two, 1) * d};
    }

  private:
    static constexpr int kBlockWords = sizeof(BlockQ8_0) / 2;
};

}  // namespace krait::cuda
