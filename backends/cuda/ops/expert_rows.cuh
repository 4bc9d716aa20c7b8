// SPDX-License-Identifier: Apache-2.0
//
// mul_mat_experts: rows in pairs with their experts, and these sorted by expert, so that each expert has one product with the
// rows that go to it. Pair p of a run is the expert p % n_used of row p / n_used. What the ids are only the device knows, so a
// launch has as many blocks as there can be tiles, and those without one leave.
#pragma once

#include "backends/cuda/kernels/warp.cuh"
#include "backends/cuda/ops/mul_mat_operands.cuh"

namespace krait::cuda {

template <class T>
struct PairRows {
    Rows<T> rows;
    int32_t n_used;
    int64_t apart;  // elements from pair to pair of a row; 0: all have the same

    KRAIT_DEVICE T* row(int64_t p) const { return rows.row(p / n_used) + p % n_used * apart; }
};

template <class T>
struct SortedRows {
    PairRows<T> pairs;
    const int32_t* order;  // which pair comes where

    KRAIT_DEVICE T* row(int64_t t) const { return pairs.row(order[t]); }
};

using ExpertOperands = ProductOperands<SortedRows<const float>, SortedRows<float>>;

KRAIT_DEVICE int64_t source_row(const SortedRows<const float>& x, int64_t t) {
    return x.pairs.apart == 0 ? x.order[t] / x.pairs.n_used : x.order[t];
}

// The matrix of an expert among those of all.
KRAIT_DEVICE WeightPlanes planes_of_expert(WeightPlanes w, int64_t expert, int64_t n_out) {
    w.low += expert * n_out * w.low_stride;
    w.high += expert * n_out * w.high_stride;
    w.meta += expert * n_out * w.meta_stride;
    return w;
}

struct ExpertTile {
    int32_t expert;      // n_expert: of pairs whose id is none; -1: there is no such tile
    int32_t first, end;  // sorted pairs; a tile ends at `end` at the latest
};

struct ExpertOrder {
    PairRows<const int32_t> ids;
    int64_t n_pair;
    int32_t n_expert;
    int32_t tile_rows;  // of a tile
    int32_t n_tile;     // as many as there can be
    int32_t* start;     // [n_expert + 2] where each expert's pairs begin, and those of none
    int32_t* order;     // [n_pair]
    ExpertTile* tiles;  // [n_tile]

    // The expert of pair p, n_expert where the id is none.
    KRAIT_DEVICE int32_t expert_of(int64_t p) const {
        const int32_t id = *ids.row(p);
        return id >= 0 && id < n_expert ? id : n_expert;
    }
};

KRAIT_CONSTANT int kCountBlock = 1024;
KRAIT_CONSTANT int kSortBlock = 256;

// One block: how many pairs each expert has, where they begin, and their tiles.
template <int = 0>  // a template, so that several sources may include it
KRAIT_GLOBAL(kCountBlock) count_experts_kernel(ExpertOrder to) {
    KRAIT_DYNAMIC_SHARED(int32_t, count);
    KRAIT_SHARED(int32_t, n_tile, 1);
    wait_for_earlier_kernels();
    let_next_kernel_start();
    const auto self = static_cast<int32_t>(threadIdx.x);
    const int32_t n_bin = to.n_expert + 1;
    for (int32_t e = self; e < n_bin; e += kCountBlock) count[e] = 0;
    block_barrier();
    for (int64_t p = self; p < to.n_pair; p += kCountBlock) atomic_add(&count[to.expert_of(p)], 1);
    block_barrier();
    for (int32_t e = self; e < n_bin; e += kCountBlock) {
        int32_t first = 0, tile = 0;
        for (int32_t before = 0; before < e; ++before) {
            first += count[before];
            tile += (count[before] + to.tile_rows - 1) / to.tile_rows;
        }
        const int32_t end = first + count[e];
        to.start[e] = first;
        for (int32_t at = first; at < end; at += to.tile_rows) to.tiles[tile++] = {e, at, end};
        if (e == n_bin - 1) {
            to.start[n_bin] = end;
            n_tile[0] = tile;
        }
    }
    block_barrier();
    for (int32_t tile = n_tile[0] + self; tile < to.n_tile; tile += kCountBlock) to.tiles[tile] = {-1, 0, 0};
}

// A block for each expert gathers its pairs, in their order.
template <int = 0>
KRAIT_GLOBAL(kSortBlock)
sort_experts_kernel(ExpertOrder to) {
    KRAIT_SHARED(int32_t, of_warp, kSortBlock / kWarpSize);
    wait_for_earlier_kernels();
    let_next_kernel_start();
    const auto expert = static_cast<int32_t>(blockIdx.x);
    const int32_t end = to.start[expert + 1];
    const uint32_t warp = threadIdx.x / kWarpSize, lane = threadIdx.x % kWarpSize;
    int32_t next = to.start[expert];
    for (int64_t from = 0; next < end; from += kSortBlock) {
        const int64_t p = from + threadIdx.x;
        const bool is_own = p < to.n_pair && to.expert_of(p) == expert;
        const uint32_t own = ballot(is_own);
        if (lane == 0) of_warp[warp] = count_bits(own);
        block_barrier();
        int32_t place = next + count_bits(own & ((1u << lane) - 1u));
        KRAIT_UNROLL
        for (uint32_t w = 0; w < kSortBlock / kWarpSize; ++w) {
            if (w < warp) place += of_warp[w];
            next += of_warp[w];
        }
        if (is_own) to.order[place] = static_cast<int32_t>(p);
        block_barrier();
    }
}

}  // namespace krait::cuda
