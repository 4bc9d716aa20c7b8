// SPDX-License-Identifier: Apache-2.0
//
// Keys and values of a block of places, from the rows of a cache: as panels for attention_block.hpp, or as values one after
// another. All of them are the numbers of core/quant/codec.hpp, exactly, in whatever way they are computed.
#pragma once

#include <algorithm>
#include <cstddef>

#include "backends/cpu/quant/cache_row.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

inline constexpr int64_t kBlock = 256;  // places
inline constexpr int64_t kPanel = 64;   // places whose keys or values fit level 1 as float32

// The rows of the cache for the places of a block.
struct BlockOfRows {
    int64_t start;       // its first place
    int64_t begin, end;  // places that some row of the tile sees, from `start`
    // In the panels of these places a row that somebody sees stands for each that nobody does, which may not exist.
    const std::byte* place[kBlock];

    void fill_panels() {
        std::fill(place + begin / kPanel * kPanel, place + begin, place[begin]);
        std::fill(place + end, place + (end + kPanel - 1) / kPanel * kPanel, place[begin]);
    }
};

// Keys of kPanel places, transposed: [k_dim][kPanel]. offset: of the key in its row, in bytes.
inline void load_float_keys(const std::byte* const* place, int64_t offset, int64_t k_dim, float* panel) {
    for (int64_t i = 0; i < kPanel; i += kLanes)
        for (int64_t k = 0; k < k_dim; k += kLanes) {
            const int n = static_cast<int>(std::min<int64_t>(kLanes, k_dim - k));
            Vec v[kLanes];
            repeat<kLanes>([&](auto lane) __attribute__((always_inline)) {
                v[lane] = load_up_to(reinterpret_cast<const float*>(place[i + lane] + offset) + k, n);
            });
            transpose(v);
            for (int c = 0; c < n; ++c) store(panel + (k + c) * kPanel + i, v[c]);
        }
}

// Halves stay halves. Where the last step would read behind the key, it begins earlier.
inline void load_half_keys(const std::byte* const* place, int64_t offset, int64_t k_dim, uint16_t* panel) {
    constexpr int64_t kStep = 2 * kLanes;
    for (int64_t i = 0; i < kPanel; i += kLanes) {
        if (k_dim < kStep)
            for (int64_t k = 0; k < k_dim; ++k)
                for (int lane = 0; lane < kLanes; ++lane)
                    std::memcpy(panel + k * kPanel + i + lane, place[i + lane] + offset + 2 * k, sizeof(uint16_t));
        else
            for (int64_t done = 0; done < k_dim; done += kStep) {
                const int64_t k = std::min(done, k_dim - kStep);
                const std::byte* rows[kLanes];
                for (int lane = 0; lane < kLanes; ++lane) rows[lane] = place[i + lane] + offset + 2 * k;
                transpose_halves(rows, panel + k * kPanel + i, kPanel);
            }
    }
}

// Words of four quants are transposed. (q + 128) * d - 128 * d is q * d, exactly.
inline void load_quantized_keys(const std::byte* const* place, int64_t offset, int64_t k_dim, float* panel) {
    constexpr int kWordsOfBlock = 8;
    constexpr int kBlocks = kLanes > kWordsOfBlock ? kLanes / kWordsOfBlock : 1;  // in a register
    constexpr int kWords = kLanes / kBlocks;                                      // of one block in a register
    constexpr int64_t kBytes = sizeof(BlockQ8_0);
    const int64_t n_words = k_dim / 4;
    for (int64_t i = 0; i < kPanel; i += kLanes)
        for (int64_t word = 0; word < n_words; word += kLanes) {
            const int64_t blocks = offset + word / kWordsOfBlock * kBytes;
            Vec words[kLanes];
            repeat<kLanes>([&](auto lane) __attribute__((always_inline)) {
                const std::byte* quants = place[i + lane] + blocks + offsetof(BlockQ8_0, qs) + 4 * (word % kWordsOfBlock);
                if constexpr (kBlocks == 1) words[lane] = load(reinterpret_cast<const float*>(quants));
                else words[lane] = load_pair(quants, word + kWords < n_words ? quants + kBytes : quants);
            });
            transpose(words);
            for (int b = 0; b < kBlocks && word + b * kWords < n_words; ++b) {
                uint16_t scales[kLanes];
                for (int lane = 0; lane < kLanes; ++lane)
                    std::memcpy(&scales[lane], place[i + lane] + blocks + b * kBytes, sizeof(uint16_t));
                const Vec scale = load_f16(scales), base = scale * broadcast(-128.0f);
                float* to = panel + (word + b * kWords) * 4 * kPanel + i;
                repeat<kWords>([&](auto w) __attribute__((always_inline)) {
                    const IVec four = as_bits(words[b * kWords + w]) ^ broadcast_i(INT32_C(-0x7f7f7f80));
                    repeat<4>([&](auto byte) __attribute__((always_inline)) {
                        const Vec q = to_float(shr(four, 8 * byte) & broadcast_i(0xff));
                        store(to + (4 * w + byte) * kPanel, fma(q, scale, base));
                    });
                });
            }
        }
}

// Values of the places from .. to, [to - from][padded].
template <DType F>
void load_values(const std::byte* const* place, int64_t from, int64_t to, int64_t offset, int64_t v_dim, int64_t padded,
                 float* panel) {
    for (int64_t j = from; j < to; ++j, panel += padded)
        for (int64_t k = 0; k < v_dim; k += kLanes) {
            const auto n = static_cast<int>(std::min<int64_t>(kLanes, v_dim - k));
            const std::byte* row = place[j] + offset;
            store(panel + k, n == kLanes ? CacheRow<F>::load(row, k) : CacheRow<F>::load_partial(row, k, n));
        }
}

// Sources of values: place j's elements from k on. A panel holds whole registers; of a cache's rows the last may be partial.
struct ValuesOfPanel {
    const float* panel;  // of the place `from`
    int64_t from, stride;
    static constexpr bool kPadded = true;
    Vec load(int64_t j, int64_t k) const { return KRAIT_CPU_VARIANT::load(panel + (j - from) * stride + k); }
    Vec load_partial(int64_t j, int64_t k, int) const { return load(j, k); }
};

template <DType F>
struct ValuesOfCache {
    const std::byte* const* place;
    int64_t offset;
    static constexpr bool kPadded = false;
    Vec load(int64_t j, int64_t k) const { return CacheRow<F>::load(place[j] + offset, k); }
    Vec load_partial(int64_t j, int64_t k, int n) const { return CacheRow<F>::load_partial(place[j] + offset, k, n); }
};

// Of Q8_0 with the scales of the places as float32, [blocks][kPanel]: to widen them for each register takes as long as the
// quants.
template <>
struct ValuesOfCache<DType::Q8_0> {
    const std::byte* const* place;
    int64_t offset;
    const float* scales;  // of the place `from`
    int64_t from;
    static constexpr bool kPadded = false;
    Vec load(int64_t j, int64_t k) const {
        const auto block = static_cast<uint64_t>(k) / 32, element = static_cast<uint64_t>(k) % 32;
        const std::byte* quants = place[j] + offset + block * sizeof(BlockQ8_0) + offsetof(BlockQ8_0, qs) + element;
        return to_float(load_i8(reinterpret_cast<const int8_t*>(quants))) *
               broadcast(scales[static_cast<int64_t>(block) * kPanel + j - from]);
    }
    Vec load_partial(int64_t j, int64_t k, int) const { return load(j, k); }
};
inline void load_scales(const std::byte* const* place, int64_t from, int64_t to, int64_t offset, int64_t v_dim, float* scales) {
    for (int64_t b = 0; b < v_dim / 32; ++b, scales += kPanel) {
        uint16_t halves[kPanel] = {};
        for (int64_t j = from; j < to; ++j)
            std::memcpy(&halves[j - from], place[j] + offset + b * int64_t{sizeof(BlockQ8_0)}, sizeof(uint16_t));
        for (int64_t i = 0; i < kPanel; i += kLanes) store(scales + i, load_f16(halves + i));
    }
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
