// SPDX-License-Identifier: Apache-2.0
//
// Attention of some rows to one block of places: kBlock of them, from a multiple of kBlock on. Each row of a tile gets the
// largest score that it sees in the block, the sum of exp(score - largest), and the values so weighted.
//   scores   the keys of kPanel places are transposed into a panel [k_dim][kPanel], so that lanes run along places and no sum
//            crosses lanes; a score is one chain of fma over the elements of the key, from the first on
//   weights  exp of the scores less the largest one; their sum is one chain a lane, then a tree
//   values   lanes run along the elements; an element is one chain of fma over the places that its row sees, from the first on
// Many rows take keys and values from panels of float32; few convert values, and keys of F16, as they load them.
// All of that is fixed by the row's query, its places and the cache: a row has the same bits beside any others.
#pragma once

#include <algorithm>
#include <limits>

#include "backends/cpu/ops/attention_panels.hpp"
#include "backends/cpu/simd/math.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

inline constexpr int kTileRows = 6;       // 6 x 4 or 6 x 2 registers of sums, as many as there are
inline constexpr int64_t kMaxRows = 120;  // that share a block's keys and values: a panel is made once for all of them

// Registers beside each other for so many rows: at least 8 chains where there are registers for them, since an fma takes 4
// cycles, and two start in each.
constexpr int width_of(int rows) { return kRegisters >= 32 ? 4 : rows == 1 ? 8 : rows == 2 ? 4 : 2; }

// A row of q and one head.
struct AttentionRow {
    const float* q;
    int64_t first, last;  // places that it sees
    bool sees(int64_t block) const { return first < block + kBlock && last >= block; }
};

// What a row gets of a block, or of all blocks so far: the weighted values, not divided by the sum of the weights yet, the
// largest score, and that sum. In memory they lie one behind another.
struct Weighted {
    float* y;
    int64_t padded_dim;  // of values: whole registers

    static constexpr int64_t floats(int64_t padded_dim) { return padded_dim + 2; }
    float& largest() const { return y[padded_dim]; }
    float& sum() const { return y[padded_dim + 1]; }
    void clear() const {
        std::fill_n(y, padded_dim, 0.0f);
        largest() = -std::numeric_limits<float>::infinity();
        sum() = 0;
    }
};

struct AttentionTile {
    const AttentionRow* rows;
    const Weighted* results;
    int64_t n_rows;
    int64_t k_dim, v_dim, padded_dim;
    float scale, soft_cap;
};

// Memory of a thread for a tile.
struct AttentionScratch {
    float* panel;      // kPanel * max(k_dim, padded_dim)
    uint16_t* halves;  // keys of F16: kPanel * k_dim
    float* scores;     // [n_rows, kBlock]

    AttentionScratch(float* memory, const AttentionTile& tile)
        : panel(memory),
          halves(reinterpret_cast<uint16_t*>(panel + kPanel * std::max(tile.k_dim, tile.padded_dim))),
          scores(panel + floats(tile.k_dim, tile.padded_dim, 0)) {}
    static int64_t floats(int64_t k_dim, int64_t padded_dim, int64_t n_rows) {
        return kPanel * std::max(k_dim, padded_dim) + kPanel / 2 * k_dim + n_rows * kBlock;
    }
};

namespace detail {

// The places of a block that a row sees, from its start.
inline int64_t first_in(const BlockOfRows& block, const AttentionRow& row) {
    return std::max<int64_t>(row.first - block.start, 0);
}
inline int64_t end_in(const BlockOfRows& block, const AttentionRow& row) {
    return std::min<int64_t>(row.last + 1 - block.start, kBlock);
}

// tanh(s / cap) * cap, by exp(-2 |s / cap|): exact at infinity, absolute error 1e-7 of the cap.
inline Vec capped(Vec s, float cap) {
    const Vec x = s / broadcast(cap);
    const Vec e = exp(abs(x) * broadcast(-2.0f));
    const Vec t = (broadcast(1.0f) - e) / (broadcast(1.0f) + e) * broadcast(cap);
    return select(less(x, zero()), zero() - t, t);
}

inline Vec load_key(const float* p) { return load(p); }
inline Vec load_key(const uint16_t* p) { return load_f16(p); }

// kRows rows against kWidth registers of places, of a panel of float32 or of halves.
template <int kRows, int kWidth, class Key>
void score_strip(const AttentionTile& tile, int64_t first_row, const Key* panel, float* scores) {
    Vec sum[kRows][kWidth];
    const float* q[kRows];
    repeat<kRows>([&](auto r) {
        q[r] = tile.rows[first_row + r].q;
        repeat<kWidth>([&](auto v) { sum[r][v] = zero(); });
    });
    for (int64_t d = 0; d < tile.k_dim; ++d, panel += kPanel) {
        Vec key[kWidth];
        repeat<kWidth>([&](auto v) __attribute__((always_inline)) { key[v] = load_key(panel + v * kLanes); });
        repeat<kRows>([&](auto r) __attribute__((always_inline)) {
            const Vec element = broadcast(q[r][d]);
            repeat<kWidth>([&](auto v) __attribute__((always_inline)) { sum[r][v] = fma(element, key[v], sum[r][v]); });
        });
    }
    const Vec scale = broadcast(tile.scale);
    repeat<kRows>([&](auto r) {
        repeat<kWidth>([&](auto v) {
            Vec s = sum[r][v] * scale;
            if (tile.soft_cap > 0) s = capped(s, tile.soft_cap);
            store(scores + (first_row + r) * kBlock + v * kLanes, s);
        });
    });
}

template <int kRows, class Key>
void score_rows(const AttentionTile& tile, int64_t first_row, const Key* panel, float* scores) {
    constexpr int kWidth = std::min<int>(width_of(kRows), kPanel / kLanes);
    for (int64_t j = 0; j < kPanel; j += kWidth * kLanes) score_strip<kRows, kWidth>(tile, first_row, panel + j, scores + j);
}

// exp of what a score is below the largest one; 2^-160 is 0. The product that the power of two is taken of rounds once, which
// matters where the weight does not.
inline Vec weight_of(Vec below) { return exp2_of_finite(max(broadcast(-160.0f), below * broadcast(kLog2e))); }

// Scores to weights. Whether a place that the row sees has the score -inf.
inline bool weigh(const BlockOfRows& block, const AttentionRow& row, float* scores, const Weighted& result) {
    const int64_t begin = first_in(block, row), end = end_in(block, row);
    const int64_t from = begin / kLanes * kLanes, to = (end + kLanes - 1) / kLanes * kLanes;
    const auto fill_edges = [&](float value) {
        std::fill(scores + from, scores + begin, value);
        std::fill(scores + end, scores + to, value);
    };
    fill_edges(scores[begin]);
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    // max and min give their second operand where either is NaN: it comes back with the sum.
    Vec largest = broadcast(-kInfinity), lowest = broadcast(kInfinity);
    for (int64_t j = from; j < to; j += kLanes) {
        largest = max(load(scores + j), largest);
        lowest = min(load(scores + j), lowest);
    }
    result.largest() = highest(largest);
    fill_edges(-kInfinity);
    const Vec shift = broadcast(result.largest() == -kInfinity ? 0.0f : result.largest());
    Vec sums = zero();
    for (int64_t j = from; j < to; j += kLanes) {
        const Vec w = weight_of(load(scores + j) - shift);
        store(scores + j, w);
        sums = sums + w;
    }
    result.sum() = sum(sums);
    return highest(zero() - lowest) == kInfinity;
}

// y[r] += the weights of kRows rows times kWidth registers of the values, places from .. to. partial: elements of the last
// register of values; 0 where it is whole.
template <int kRows, int kWidth, class Values>
void value_strip(const AttentionTile& tile, int64_t first_row, const Values& values, int64_t from, int64_t to, int64_t k,
                 const float* weights, int partial) {
    Vec sum[kRows][kWidth];
    const float* w[kRows];
    repeat<kRows>([&](auto r) {
        w[r] = weights + (first_row + r) * kBlock;
        repeat<kWidth>([&](auto v) { sum[r][v] = load(tile.results[first_row + r].y + k + v * kLanes); });
    });
    for (int64_t j = from; j < to; ++j) {
        Vec value[kWidth];
        repeat<kWidth>([&](auto v) __attribute__((always_inline)) {
            if (kWidth == 1 && partial > 0) value[v] = values.load_partial(j, k, partial);
            else value[v] = values.load(j, k + v * kLanes);
        });
        repeat<kRows>([&](auto r) __attribute__((always_inline)) {
            const Vec weight = broadcast(w[r][j]);
            repeat<kWidth>([&](auto v) __attribute__((always_inline)) { sum[r][v] = fma(weight, value[v], sum[r][v]); });
        });
    }
    repeat<kRows>(
        [&](auto r) { repeat<kWidth>([&](auto v) { store(tile.results[first_row + r].y + k + v * kLanes, sum[r][v]); }); });
}

template <int kRows, class Values>
void value_rows(const AttentionTile& tile, int64_t first_row, const Values& values, int64_t from, int64_t to,
                const float* weights) {
    if (from >= to) return;
    constexpr int kWidth = width_of(kRows);
    const int partial = Values::kPadded ? 0 : static_cast<int>(tile.v_dim % kLanes);
    const int64_t whole = Values::kPadded ? tile.padded_dim : tile.v_dim / kLanes * kLanes;
    int64_t k = 0;
    for (; k + kWidth * kLanes <= whole; k += kWidth * kLanes)
        value_strip<kRows, kWidth>(tile, first_row, values, from, to, k, weights, 0);
    for (; k + 2 * kLanes <= whole; k += 2 * kLanes) value_strip<kRows, 2>(tile, first_row, values, from, to, k, weights, 0);
    for (; k < whole; k += kLanes) value_strip<kRows, 1>(tile, first_row, values, from, to, k, weights, 0);
    if (partial > 0) value_strip<kRows, 1>(tile, first_row, values, from, to, k, weights, partial);
}

// Places from .. to for one row. hidden: some score is -inf; it hides the value of its place, whatever that is.
template <class Values>
void add_row(const BlockOfRows& block, const AttentionTile& tile, int64_t r, const Values& values, int64_t from, int64_t to,
             const float* weights, bool hidden) {
    from = std::max(from, first_in(block, tile.rows[r]));
    to = std::min(to, end_in(block, tile.rows[r]));
    if (!hidden) return value_rows<1>(tile, r, values, from, to, weights);
    for (int64_t j = from; j < to; ++j)
        if (weights[r * kBlock + j] != 0) value_rows<1>(tile, r, values, j, j + 1, weights);
}

// The same for kRows rows: together the places that all of them see, and row by row those before and behind.
template <int kRows, class Values>
void add_rows(const BlockOfRows& block, const AttentionTile& tile, int64_t first_row, const Values& values, int64_t from,
              int64_t to, const float* weights, const bool* hidden) {
    int64_t begin = from, end = to;
    bool is_simple = true;
    for (int64_t r = first_row; r < first_row + kRows; ++r) {
        begin = std::max(begin, first_in(block, tile.rows[r]));
        end = std::min(end, end_in(block, tile.rows[r]));
        is_simple &= !hidden[r];
    }
    if (!is_simple || begin >= end) begin = end = to;
    for (int64_t r = first_row; r < first_row + kRows; ++r) add_row(block, tile, r, values, from, begin, weights, hidden[r]);
    value_rows<kRows>(tile, first_row, values, begin, end, weights);
    for (int64_t r = first_row; r < first_row + kRows; ++r) add_row(block, tile, r, values, end, to, weights, hidden[r]);
}

// body(std::integral_constant<int, n>, first row) for all rows, kTileRows at a time, in tiles of nearly equal heights.
template <int kRows, class Body>
void with_rows(int64_t n, int64_t first, Body&& body) {
    if constexpr (kRows > 1)
        if (n < kRows) return with_rows<kRows - 1>(n, first, body);
    body(std::integral_constant<int, kRows>{}, first);
}
template <class Body>
void for_row_tiles(int64_t n_rows, Body&& body) {
    const int64_t n_tiles = (n_rows + kTileRows - 1) / kTileRows;
    for (int64_t i = 0; i < n_tiles; ++i) {
        const int64_t first = n_rows * i / n_tiles, end = n_rows * (i + 1) / n_tiles;
        with_rows<kTileRows>(end - first, first, body);
    }
}

}  // namespace detail

// Where keys and values of a head lie in a row of the cache, in bytes.
struct HeadOffsets {
    int64_t key, value;
};

// Calls fetch_values(places from, to) before it reads the keys of these places, and fetch_next before it reads the values.
template <DType F, class FetchValues, class FetchNext>
void attend_to_block(const BlockOfRows& block, const HeadOffsets& offsets, const AttentionTile& tile,
                     const AttentionScratch& scratch, FetchValues&& fetch_values, FetchNext&& fetch_next) {
    const bool converts_once = tile.n_rows > kTileRows;
    const int64_t from = block.begin / kPanel * kPanel;
    for (int64_t j = from; j < block.end; j += kPanel) {
        fetch_values(std::max(j, block.begin), std::min(j + kPanel, block.end));
        const auto score = [&](const auto* panel) {
            detail::for_row_tiles(tile.n_rows, [&](auto n, int64_t first) {
                bool is_seen = false;
                for (int64_t r = first; r < first + n; ++r)
                    is_seen |= detail::first_in(block, tile.rows[r]) < j + kPanel && detail::end_in(block, tile.rows[r]) > j;
                if (is_seen) detail::score_rows<n>(tile, first, panel, scratch.scores + j);
            });
        };
        if constexpr (F == DType::F16) {
            load_half_keys(block.place + j, offsets.key, tile.k_dim, scratch.halves);
            if (!converts_once) {
                score(scratch.halves);
                continue;
            }
            for (int64_t i = 0; i < kPanel * tile.k_dim; i += kLanes) store(scratch.panel + i, load_f16(scratch.halves + i));
        } else if constexpr (F == DType::Q8_0) {
            load_quantized_keys(block.place + j, offsets.key, tile.k_dim, scratch.panel);
        } else {
            load_float_keys(block.place + j, offsets.key, tile.k_dim, scratch.panel);
        }
        score(scratch.panel);
    }
    bool hidden[kMaxRows];
    for (int64_t r = 0; r < tile.n_rows; ++r) {
        tile.results[r].clear();
        hidden[r] =
            tile.rows[r].sees(block.start) && detail::weigh(block, tile.rows[r], scratch.scores + r * kBlock, tile.results[r]);
    }
    for (int64_t j = from; j < block.end; j += kPanel) {
        const int64_t begin = std::max(j, block.begin), end = std::min(j + kPanel, block.end);
        fetch_next(begin, end);
        const auto add = [&](const auto& values) {
            detail::for_row_tiles(tile.n_rows, [&](auto n, int64_t first) {
                detail::add_rows<n>(block, tile, first, values, begin, end, scratch.scores, hidden);
            });
        };
        if (converts_once) {
            load_values<F>(block.place, begin, end, offsets.value, tile.v_dim, tile.padded_dim, scratch.panel);
            add(ValuesOfPanel{scratch.panel, begin, tile.padded_dim});
        } else if constexpr (F == DType::Q8_0) {
            load_scales(block.place, begin, end, offsets.value, tile.v_dim, scratch.panel);
            add(ValuesOfCache<F>{block.place, offsets.value, scratch.panel, begin});
        } else {
            add(ValuesOfCache<F>{block.place, offsets.value});
        }
    }
}

// Adds the next block to `all`: both relative to the larger of their largest scores.
inline void merge(const Weighted& all, const Weighted& block) {
    const float largest = std::max(all.largest(), block.largest());
    const Vec shift = broadcast(largest == -std::numeric_limits<float>::infinity() ? 0.0f : largest);
    const Vec old = detail::weight_of(broadcast(all.largest()) - shift),
              added = detail::weight_of(broadcast(block.largest()) - shift);
    float sums[kLanes];
    store(sums, fma(broadcast(block.sum()), added, broadcast(all.sum()) * old));
    all.largest() = largest;
    all.sum() = sums[0];
    for (int64_t k = 0; k < all.padded_dim; k += kLanes) store(all.y + k, fma(load(block.y + k), added, load(all.y + k) * old));
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
