// SPDX-License-Identifier: Apache-2.0
//
// ssm_scan, both forms: the states of a channel are split over kLanes neighbouring lanes, kStates each, in registers from the
// sequence's first row to its last. Rows go by in tiles: while one is computed, the next one's x, dt, z, B and C are on their
// way to shared memory (asynchronous copies, two buffers, one barrier a tile). Steps and, where A is one number a head, decays
// are computed once a tile and row. The sums over states of four rows are exchanged together: three shuffles for four lanes
// instead of eight, and then each lane has the finished sum of another row, which it gates and stores.
// More states than kLanes * kStates: the rows are walked again for the next ones, and y collects.
// exp(d * A) is exp2(d * (A log2 e)) by the special function unit: relative error 2^-22, and d * A's own rounding.
// DtBlock: void, or the format of a weight: then dt is not read but computed, the product of few columns that a Mamba layer
// makes it with (op.dt_product), each warp the rows of w of its channels; for runs of few rows, in which no product is worth a
// launch. Grid: (blocks of channels, group by group, so that a block has one B and one C; sequences).
#pragma once

#include "backends/cuda/kernels/activation.cuh"
#include "backends/cuda/kernels/rows.cuh"
#include "backends/cuda/ops/mul_mat_operands.cuh"
#include "backends/cuda/ops/sequences.cuh"

namespace krait::cuda {

KRAIT_CONSTANT int kScanBlock = 128;
KRAIT_CONSTANT int kScanTile = 16;  // rows
KRAIT_CONSTANT int kScanGroup = 4;  // rows whose sums are exchanged together; divides the tile, and no more than kLanes

struct ScanOperands {
    Rows<const float> x, dt, B, C, z;  // z.data null: no gate
    const float* dt_bias;
    const float* A;
    const float* D;
    StateSlots state;
    Sequences sequences;
    Rows<float> y;
    int32_t n_head, head_dim, n_group, d_state;
    int32_t blocks_per_group, blocks_per_head;
    bool A_per_state, D_per_channel, softplus;
    bool vectors;  // 16 bytes of a row of B and C can be read at once
    float dt_min, dt_max;
    MulMatOperands dt_product;
};

// What a tile is in shared memory, for kChannels channels and kWidth states.
template <int kChannels, int kWidth>
struct ScanTile {
    float B[kScanTile * kWidth];
    float C[kScanTile * kWidth];
    float x[kScanTile * kChannels];
    float z[kScanTile * kChannels];
    float dt[kScanTile * kChannels];  // raw, then the step
};

KRAIT_DEVICE float scan_step(const ScanOperands& op, float raw, int32_t head) {
    float d = op.dt_bias ? raw + op.dt_bias[head] : raw;
    if (op.softplus && d <= 20.0f) d = log1p_accurate(exp_accurate(d));
    // A NaN fails both comparisons and stays.
    if (d < op.dt_min) d = op.dt_min;
    if (d > op.dt_max) d = op.dt_max;
    return d;
}

// y of a channel in a row, from the sum over all states. x and z are looked at where there is a D or a gate.
KRAIT_DEVICE float finished(const ScanOperands& op, int32_t channel, int32_t head, float sum, float x, float z) {
    if (op.D) sum = fused(op.D[op.D_per_channel ? channel : head], x, sum);
    if (op.z.data) sum *= silu(z);
    return sum;
}

// Of four values, those of a row each, the sum over kLanes lanes: lane l gets the one of row l % 4.
template <int kLanes>
KRAIT_DEVICE float sum_rows(const float (&value)[kScanGroup], uint32_t lane) {
    const bool upper = (lane & 2) != 0, odd = (lane & 1) != 0;
    const float first = (upper ? value[2] : value[0]) + shuffle_xor(upper ? value[0] : value[2], 2);
    const float second = (upper ? value[3] : value[1]) + shuffle_xor(upper ? value[1] : value[3], 2);
    float sum = (odd ? second : first) + shuffle_xor(odd ? first : second, 1);
    KRAIT_UNROLL
    for (uint32_t step = kScanGroup; step < kLanes; step *= 2) sum += shuffle_xor(sum, step);
    return sum;
}

template <int kLanes, int kStates, class DtBlock = void>
class Scan {
  public:
    static constexpr int kChannels = kScanBlock / kLanes, kWidth = kLanes * kStates;
    using Tile = ScanTile<kChannels, kWidth>;

    KRAIT_DEVICE Scan(const ScanOperands& operands, Tile* tiles, float* decays) : op(operands), tile(tiles), decay(decays) {
        group = static_cast<int32_t>(blockIdx.x) / op.blocks_per_group;
        const int32_t heads = op.n_head / op.n_group;
        group_channels = heads * op.head_dim;
        first_channel = static_cast<int32_t>(blockIdx.x) % op.blocks_per_group * kChannels;
        self = static_cast<int32_t>(threadIdx.x) / kLanes;
        lane = threadIdx.x % kLanes;
        active = first_channel + self < group_channels;
        channel = group * group_channels + first_channel + self;
        head = channel / op.head_dim;
    }

    // Of dt's weight, the rows that multiply_dt() will read.
    KRAIT_DEVICE void prefetch_dt() const {
        const int32_t left = group_channels - first_channel;
        if constexpr (!std::is_void_v<DtBlock>)
            prefetch_rows<DtBlock>(op.dt_product.w, group * group_channels + first_channel, left < kChannels ? left : kChannels,
                                   op.dt_product.n_in);
    }

    KRAIT_DEVICE void run(int32_t sequence) {
        first_row = op.sequences.start[sequence];
        end_row = op.sequences.start[sequence + 1];
        src = op.sequences.src_slot[sequence];
        dst = op.sequences.dst_slot[sequence];
        first_state = 0;
        do {  // at least once: without a state there is D still
            load_state();
            walk();
            if (dst >= 0) store_state(dst);
            first_state += kWidth;
        } while (first_state < op.d_state);
    }

  private:
    KRAIT_DEVICE int32_t state_index(int s) const { return first_state + static_cast<int32_t>(lane) * kStates + s; }
    KRAIT_DEVICE int64_t state_at(int s) const { return static_cast<int64_t>(channel) * op.d_state + state_index(s); }

    KRAIT_DEVICE void load_state() {
        KRAIT_UNROLL
        for (int s = 0; s < kStates; ++s) {
            const bool there = active && state_index(s) < op.d_state;
            h[s] = there && src >= 0 ? op.state.slot(src)[state_at(s)] : 0.0f;
            constexpr float kLog2e = 1.44269504f;
            A[s] = there && op.A_per_state ? op.A[static_cast<int64_t>(head) * op.d_state + state_index(s)] * kLog2e : 0.0f;
        }
    }
    KRAIT_DEVICE void store_state(int32_t slot) const {
        KRAIT_UNROLL
        for (int s = 0; s < kStates; ++s)
            if (active && state_index(s) < op.d_state) op.state.slot(slot)[state_at(s)] = h[s];
    }

    // Starts the copies of the tile at row t; what is no row, state or channel becomes 0.
    KRAIT_DEVICE void fetch(Tile& to, int32_t t) const {
        for (int i = static_cast<int>(threadIdx.x); i < kScanTile * kWidth; i += kScanBlock) {
            const int32_t row = t + i / kWidth, n = first_state + i % kWidth;
            const bool there = row < end_row && n < op.d_state;
            const int64_t at = static_cast<int64_t>(group) * op.d_state + n;
            copy_async<4>(&to.B[i], there ? op.B.row(row) + at : op.B.data, there ? 4 : 0);
            copy_async<4>(&to.C[i], there ? op.C.row(row) + at : op.C.data, there ? 4 : 0);
        }
        for (int i = static_cast<int>(threadIdx.x); i < kScanTile * kChannels; i += kScanBlock) {
            const int32_t row = t + i / kChannels, in_group = first_channel + i % kChannels;
            const bool there = row < end_row && in_group < group_channels;
            const int32_t c = group * group_channels + in_group;
            copy_async<4>(&to.x[i], there ? op.x.row(row) + c : op.x.data, there ? 4 : 0);
            if constexpr (std::is_void_v<DtBlock>)
                copy_async<4>(&to.dt[i], there ? op.dt.row(row) + c / op.head_dim : op.dt.data, there ? 4 : 0);
            if (op.z.data) copy_async<4>(&to.z[i], there ? op.z.row(row) + c : op.z.data, there ? 4 : 0);
        }
        copy_async_commit();
    }

    // dt of this warp's channels, head_dim 1: w's row is the channel.
    KRAIT_DEVICE void multiply_dt(Tile& now, int32_t t) const {
        constexpr int kOwn = kWarpSize / kLanes;
        const int c0 = static_cast<int>(threadIdx.x) / kWarpSize * kOwn;
        const MulMatOperands& product = op.dt_product;
        for (int row = 0; row < kScanTile && t + row < end_row; ++row)
            for (int c = c0; c < c0 + kOwn && first_channel + c < group_channels; ++c) {
                const int64_t n = group * group_channels + first_channel + c;
                float sum = 0;
                if constexpr (!std::is_void_v<DtBlock>)
                    for (int64_t k = threadIdx.x % kWarpSize; k < product.n_in; k += kWarpSize)
                        sum = fused(plane_value<DtBlock>(product.w, n, k), product.x.row(t + row)[k], sum);
                sum = reduce_warp(sum, SumOf());
                if (threadIdx.x % kWarpSize != 0) continue;
                now.dt[row * kChannels + c] = sum;
                product.y.row(t + row)[n] = sum;
            }
        warp_barrier();
    }

    // Steps and decays of the channels of this warp, which is who reads them.
    KRAIT_DEVICE void prepare(Tile& now, [[maybe_unused]] int32_t t) const {
        constexpr int kOwn = kWarpSize / kLanes;
        if constexpr (!std::is_void_v<DtBlock>) multiply_dt(now, t);
        const int warp = static_cast<int>(threadIdx.x) / kWarpSize;
        for (int i = static_cast<int>(threadIdx.x) % kWarpSize; i < kScanTile * kOwn; i += kWarpSize) {
            const int c = warp * kOwn + i % kOwn, at = i / kOwn * kChannels + c;
            if (first_channel + c >= group_channels) continue;
            const int32_t h_of = (group * group_channels + first_channel + c) / op.head_dim;
            const float d = scan_step(op, now.dt[at], h_of);
            now.dt[at] = d;
            if (!op.A_per_state) decay[at] = exp_accurate(d * op.A[h_of]);
        }
        warp_barrier();
    }

    // Rows of this tile after which a snapshot is taken, as bits.
    KRAIT_DEVICE uint32_t snapshot_rows(int32_t t) const {
        uint32_t rows = 0;
        for (int32_t s = 0; s < op.sequences.n_snapshot; ++s) {
            const int32_t row = op.sequences.snapshots[2 * s];
            if (row >= t && row < t + kScanTile && row < end_row) rows |= 1u << (row - t);
        }
        return rows;
    }
    KRAIT_DEVICE void take_snapshots(int32_t row) const {
        for (int32_t s = 0; s < op.sequences.n_snapshot; ++s)
            if (op.sequences.snapshots[2 * s] == row) store_state(op.sequences.snapshots[2 * s + 1]);
    }

    // One row: the new state, and this lane's part of the sum over states.
    KRAIT_DEVICE float advance(const Tile& now, int row) {
        const int at = row * kChannels + self;
        const float d = now.dt[at], dx = d * now.x[at];
        const float* B = now.B + row * kWidth + lane * kStates;
        const float* C = now.C + row * kWidth + lane * kStates;
        const float head_decay = op.A_per_state ? 0.0f : decay[at];
        float sum = 0;
        KRAIT_UNROLL
        for (int s = 0; s < kStates; ++s) {
            if (state_index(s) >= op.d_state) continue;  // 0 would become NaN where dx is infinite
            h[s] = fused(op.A_per_state ? exp2_approx(d * A[s]) : head_decay, h[s], dx * B[s]);
            sum = fused(h[s], C[s], sum);
        }
        return sum;
    }

    KRAIT_DEVICE void finish_row(const Tile& now, int32_t t, int row, float sum) const {
        float* y = op.y.row(t + row) + channel;
        if (first_state > 0) sum += *y;  // of the states before
        const int at = row * kChannels + self;
        if (first_state + kWidth >= op.d_state) sum = finished(op, channel, head, sum, now.x[at], now.z[at]);
        *y = sum;
    }

    KRAIT_DEVICE void walk() {
        if (first_row < end_row) fetch(tile[0], first_row);
        int buffer = 0;
        for (int32_t t = first_row; t < end_row; t += kScanTile, buffer ^= 1) {
            copy_async_wait<0>();
            block_barrier();  // the tile is there for all, and all are done with the other buffer
            if (t + kScanTile < end_row) fetch(tile[buffer ^ 1], t + kScanTile);
            Tile& now = tile[buffer];
            prepare(now, t);
            const int n_rows = end_row - t < kScanTile ? end_row - t : kScanTile;
            const uint32_t snapshots = snapshot_rows(t);
            for (int row = 0; row < n_rows; row += kScanGroup) {
                float sums[kScanGroup];
                KRAIT_UNROLL
                for (int k = 0; k < kScanGroup; ++k) {
                    sums[k] = 0;
                    if (row + k >= n_rows || !active) continue;
                    sums[k] = advance(now, row + k);
                    if ((snapshots >> (row + k) & 1) != 0) take_snapshots(t + row + k);
                }
                const float sum = sum_rows<kLanes>(sums, lane);
                const int own = row + static_cast<int>(lane % kScanGroup);
                if (active && lane < kScanGroup && own < n_rows) finish_row(now, t, own, sum);
            }
        }
        block_barrier();  // both buffers are free again
    }

    const ScanOperands& op;
    Tile* tile;
    float* decay;
    int32_t group, group_channels, first_channel, self, channel, head;
    uint32_t lane;
    bool active;
    int32_t first_row = 0, end_row = 0, src = -1, dst = -1, first_state = 0;
    float h[kStates], A[kStates];
};

template <int kLanes, int kStates, class DtBlock>
KRAIT_GLOBAL(kScanBlock)
ssm_scan_kernel(const ScanOperands op) {
    using Work = Scan<kLanes, kStates, DtBlock>;
    KRAIT_DYNAMIC_SHARED(typename Work::Tile, tiles);
    KRAIT_SHARED(float, decays, kScanTile* Work::kChannels);
    Work work(op, tiles, decays);
    if (op.dt_product.early) work.prefetch_dt();
    wait_for_earlier_kernels();
    let_next_kernel_start();
    for (int32_t sequence = static_cast<int32_t>(blockIdx.y); sequence < op.sequences.n_seq;
         sequence += static_cast<int32_t>(gridDim.y))
        work.run(sequence);
}

}  // namespace krait::cuda
