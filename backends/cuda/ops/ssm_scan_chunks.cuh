// SPDX-License-Identifier: Apache-2.0
//
// ssm_scan of the Mamba-2 form for many rows, on the matrix unit: the block decomposition of Dao and Gu 2024, section 6. In a
// chunk of rows, with a_t the sum of d * A over its rows up to t, and S the state before it:
//   y_t  = exp(a_t) C_t S + sum over j <= t of w_tj x_j,   w_tj = (C_t . B_j) d_j exp(a_t - a_j)
//   S'   = exp(a_last) S + sum over j of d_j exp(a_last - a_j) x_j B_j
// A block walks the chunks of a sequence in order, for a head and up to 64 of its channels. A warp has 16 channels and 64
// states of them, in registers from the first row to the last: as a result of the matrix unit they are an operand of the next
// product too, with no exchange between lanes. The kParts warps of the same channels add up their parts of y in shared memory.
// More states than kParts * 64: the rows are walked again for the next ones, and y collects.
// Chunks are short: C . B is made anew for each head and 64 channels, work that grows with the chunk, and two buffers of B and
// C fit beside it. A chunk ends early at the sequence's end and after the row of a snapshot, and what lies behind costs little:
// tiles without rows are passed over.
// Numbers: every operand is two tf32, its upper 11 bits and the next; three products of those are a float32's within 2^-22, in
// float32's range. The unit cuts its sums off instead of rounding them, so they are short, of 16 columns, and joined in
// float32. a_t is two float32, else exp(a_t - a_j) behind a step of 1e4 would be noise. What is above the diagonal is left out,
// not multiplied by 0. Where a result of a chunk is not finite, a number in it may be none, or too large for the order of these
// products: the warp does the chunk again as the recurrence does, so that infinities and NaN come where they belong.
// Grid: (heads, and blocks of channels in them; sequences). For sm_80 and newer.
#pragma once

#include "backends/cuda/kernels/warp.cuh"
#include "backends/cuda/ops/ssm_scan.cuh"

namespace krait::cuda {

KRAIT_CONSTANT int kChunk = 32;                 // rows
KRAIT_CONSTANT int kSlices = 4, kSlice = 16;    // of channels in a block, and channels of one
KRAIT_CONSTANT int kSlab = kSlices * kSlice;    // channels of a block
KRAIT_CONSTANT int kPart = 64;                  // states of a warp
KRAIT_CONSTANT int kWeightStride = kChunk + 8;  // floats; 8 apart modulo the 32 banks: four rows of eight pairs
KRAIT_CONSTANT int kPartialStride = kSlab + 8;  // the same
KRAIT_CONSTANT float kMinLogDecay = -128.0f;    // its exp is 0, and sums of it are numbers, as those of -infinity are not

// B and C of a chunk; rows are 4 apart modulo the banks, so that eight of them are read 16 bytes a lane at once.
template <int kParts>
struct ChunkTile {
    static constexpr int kStride = kParts * kPart + 4;
    alignas(16) float B[kChunk * kStride];
    alignas(16) float C[kChunk * kStride];
    float dt[kChunk];
};

// Of a chunk's rows: d; a_t as two numbers; exp(a_t); d exp(a_last - a_t).
struct ChunkSteps {
    float d[kChunk], log_decay[kChunk], log_decay_rest[kChunk], decay[kChunk], remains[kChunk];
    float decay_all;  // exp(a_last)
};

template <int kParts>
struct ChunkMemory {
    ChunkTile<kParts> tile[2];
    alignas(16) float weight[kParts][kChunk * kWeightStride];    // w
    alignas(16) float partial[kParts][kChunk * kPartialStride];  // of y
    ChunkSteps steps;
};

template <int kCount>
struct SplitOperand {
    uint32_t high[kCount], low[kCount];
    KRAIT_DEVICE void set(int i, float value) {
        high[i] = (float_bits(value) + 0x1000u) & 0xffffe000u;  // rounded to what the unit reads
        low[i] = float_bits(value - bits_float(high[i]));
    }
};
// Two steps of eight columns, the small products first.
KRAIT_DEVICE void multiply_split(float (&sum)[4], const SplitOperand<4> (&a)[2], const SplitOperand<2> (&b)[2]) {
    float products[4] = {};
    KRAIT_UNROLL
    for (int i = 0; i < 2; ++i) {
        multiply_tf32(products, a[i].low, b[i].high);
        multiply_tf32(products, a[i].high, b[i].low);
    }
    KRAIT_UNROLL
    for (int i = 0; i < 2; ++i) multiply_tf32(products, a[i].high, b[i].high);
    KRAIT_UNROLL
    for (int r = 0; r < 4; ++r) sum[r] += products[r];
}

template <int kParts>
class ScanChunks {
  public:
    static constexpr int kThreads = kParts * kSlices * kWarpSize, kWidth = kParts * kPart;
    using Memory = ChunkMemory<kParts>;
    using Tile = ChunkTile<kParts>;

    KRAIT_DEVICE ScanChunks(const ScanOperands& operands, Memory& shared) : op(operands), memory(shared), steps(shared.steps) {
        head = static_cast<int32_t>(blockIdx.x) / op.blocks_per_head;
        group = head / (op.n_head / op.n_group);
        const int32_t first = static_cast<int32_t>(blockIdx.x) % op.blocks_per_head * kSlab;
        first_channel = head * op.head_dim + first;
        n_channel = op.head_dim - first < kSlab ? op.head_dim - first : kSlab;
        const int warp = static_cast<int>(threadIdx.x) / kWarpSize, lane = static_cast<int>(threadIdx.x) % kWarpSize;
        slice = warp % kSlices;
        part = warp / kSlices;
        eighth = lane / 4;
        quad = lane % 4;
    }

    KRAIT_DEVICE void run(int32_t sequence) {
        first_row = op.sequences.start[sequence];
        end_row = op.sequences.start[sequence + 1];
        const int32_t src = op.sequences.src_slot[sequence], dst = op.sequences.dst_slot[sequence];
        for (first_state = 0; first_state < op.d_state; first_state += kWidth) {
            load_state(src);
            walk();
            if (dst >= 0) store_state(dst);
        }
    }

  private:
    // Fragments: of a warp's 64 states, column c of tile q of pair Q of tiles is 16 Q + 2 c + q, so that a lane of four reads
    // 16 bytes of B or C for the columns 2 quad and the next of both tiles. Rows of a chunk that are columns of A: k = quad is
    // row 2 quad of eight, k = quad + 4 the next.
    static constexpr int kPairs = kPart / 16;

    KRAIT_DEVICE int state_of(int pair, int q, int r) const {  // number r of a result's fragment; within first_state's
        return part * kPart + 16 * pair + 4 * quad + 2 * (r % 2) + q;
    }
    KRAIT_DEVICE int channel_of(int r) const { return slice * kSlice + eighth + 8 * (r / 2); }  // within first_channel's
    KRAIT_DEVICE bool has_state(int pair, int q, int r) const {
        return first_state + state_of(pair, q, r) < op.d_state && channel_of(r) < n_channel;
    }
    KRAIT_DEVICE int64_t state_at(int pair, int q, int r) const {
        return static_cast<int64_t>(first_channel + channel_of(r)) * op.d_state + first_state + state_of(pair, q, r);
    }
    template <class Each>
    KRAIT_DEVICE void for_states(Each each) const {
        KRAIT_UNROLL
        for (int pair = 0; pair < kPairs; ++pair) KRAIT_UNROLL
        for (int r = 0; r < 4; ++r) KRAIT_UNROLL
        for (int q = 0; q < 2; ++q) each(pair, q, r);
    }

    KRAIT_DEVICE void load_state(int32_t slot) {
        for_states([&](int pair, int q, int r) {
            S[pair][q][r] = slot >= 0 && has_state(pair, q, r) ? op.state.slot(slot)[state_at(pair, q, r)] : 0.0f;
        });
    }
    KRAIT_DEVICE void store_state(int32_t slot) const {
        for_states([&](int pair, int q, int r) {
            if (has_state(pair, q, r)) op.state.slot(slot)[state_at(pair, q, r)] = S[pair][q][r];
        });
    }

    // Rows of the chunk that starts at row t.
    KRAIT_DEVICE int chunk_rows(int32_t t) const {
        int32_t n = end_row - t < kChunk ? end_row - t : kChunk;
        for (int32_t s = 0; s < op.sequences.n_snapshot; ++s) {
            const int32_t row = op.sequences.snapshots[2 * s];
            if (row >= t && row - t < n) n = row - t + 1;
        }
        return n;
    }
    KRAIT_DEVICE void take_snapshots(int32_t row) const {
        for (int32_t s = 0; s < op.sequences.n_snapshot; ++s)
            if (op.sequences.snapshots[2 * s] == row) store_state(op.sequences.snapshots[2 * s + 1]);
    }

    // Starts the copies of the chunk at row t; what is no row or state becomes 0.
    KRAIT_DEVICE void fetch(Tile& to, int32_t t, int n) const {
        if (op.vectors) fetch_states<4>(to, t, n);
        else fetch_states<1>(to, t, n);
        if (static_cast<int>(threadIdx.x) < kChunk) {
            const int row = static_cast<int>(threadIdx.x);
            copy_async<4>(&to.dt[row], row < n ? op.dt.row(t + row) + head : op.dt.data, row < n ? 4 : 0);
        }
        copy_async_commit();
    }
    template <int kCount>
    KRAIT_DEVICE void fetch_states(Tile& to, int32_t t, int n) const {
        constexpr int kPieces = kWidth / kCount, kBytes = 4 * kCount;
        for (int i = static_cast<int>(threadIdx.x); i < kChunk * kPieces; i += kThreads) {
            const int row = i / kPieces, state = i % kPieces * kCount;
            const bool there = row < n && first_state + state < op.d_state;
            const int64_t from = static_cast<int64_t>(group) * op.d_state + first_state + state;
            const int at = row * Tile::kStride + state;
            copy_async<kBytes>(&to.B[at], there ? op.B.row(t + row) + from : op.B.data, there ? kBytes : 0);
            copy_async<kBytes>(&to.C[at], there ? op.C.row(t + row) + from : op.C.data, there ? kBytes : 0);
        }
    }

    // x of this warp's channels: k-step, row of a pair, eight channels. As B it meets w, as A it meets B.
    KRAIT_DEVICE void load_x(int32_t t, int n) {
        KRAIT_UNROLL
        for (int k = 0; k < kChunk / 8; ++k) KRAIT_UNROLL
        for (int i = 0; i < 2; ++i) {
            const int row = 8 * k + 2 * quad + i;
            const float* from = op.x.row(t + (row < n ? row : 0)) + first_channel;
            KRAIT_UNROLL
            for (int half = 0; half < 2; ++half) {
                const int c = channel_of(2 * half);
                x[k][i][half] = row < n && c < n_channel ? from[c] : 0.0f;
            }
        }
    }

    // The steps and decays of the chunk, by one warp, a lane a row.
    KRAIT_DEVICE void prepare(const Tile& now, int n) const {
        const uint32_t lane = threadIdx.x % kWarpSize;
        float d = 0, sum = 0, rest = 0;
        if (static_cast<int>(lane) < n) {
            d = scan_step(op, now.dt[lane], head);
            sum = d * op.A[head];
            if (sum < kMinLogDecay) sum = kMinLogDecay;  // a NaN stays
        }
        KRAIT_UNROLL
        for (uint32_t step = 1; step < kWarpSize; step *= 2) {
            const float other = shuffle(sum, lane - step), other_rest = shuffle(rest, lane - step);
            if (lane < step) continue;
            // What the sum's rounding takes off goes to the rest.
            const float total = sum + other, taken = total - sum;
            rest += other_rest + ((sum - (total - taken)) + (other - taken));
            sum = total;
        }
        const float all = shuffle(sum, kWarpSize - 1), all_rest = shuffle(rest, kWarpSize - 1);
        steps.d[lane] = d;
        steps.log_decay[lane] = sum;
        steps.log_decay_rest[lane] = rest;
        steps.decay[lane] = exp_accurate(sum + rest);
        steps.remains[lane] = d * exp_accurate((all - sum) + (all_rest - rest));
        if (lane == 0) steps.decay_all = exp_accurate(all + all_rest);
    }

    // The tiles of C . B up to the diagonal, 16 rows by 8 each, and of which warp: (0, 0) and (0, 1), (1, 0) and (1, 1),
    // (1, 2), (1, 3).
    KRAIT_DEVICE int weight_tile() const { return slice == 0 ? 0 : 1; }
    KRAIT_DEVICE int weight_eight(int which) const { return slice < 2 ? which : slice; }
    KRAIT_DEVICE bool has_weights(int which, int n) const { return 16 * weight_tile() < n && (which == 0 || slice < 2); }

    KRAIT_DEVICE void multiply_states(const Tile& now, int n, float (&product)[2][4]) const {
        if (!has_weights(0, n)) return;
        const bool two = has_weights(1, n);
        KRAIT_UNROLL
        for (int pair = 0; pair < kPairs; ++pair) {
            const int at = part * kPart + 16 * pair + 4 * quad;
            const float* C = now.C + (16 * weight_tile() + eighth) * Tile::kStride + at;
            const auto upper = load_vector<float4>(C), lower = load_vector<float4>(C + 8 * Tile::kStride);
            const SplitOperand<4> a[2] = {split(upper.x, lower.x, upper.z, lower.z), split(upper.y, lower.y, upper.w, lower.w)};
            KRAIT_UNROLL
            for (int which = 0; which < 2; ++which) {
                if (which == 1 && !two) continue;
                const auto b = load_vector<float4>(now.B + (8 * weight_eight(which) + eighth) * Tile::kStride + at);
                multiply_split(product[which], a, {split(b.x, b.z), split(b.y, b.w)});
            }
        }
    }
    KRAIT_DEVICE static SplitOperand<2> split(float first, float second) {
        SplitOperand<2> operand;
        operand.set(0, first), operand.set(1, second);
        return operand;
    }
    KRAIT_DEVICE static SplitOperand<4> split(float first, float second, float third, float fourth) {
        SplitOperand<4> operand;
        operand.set(0, first), operand.set(1, second), operand.set(2, third), operand.set(3, fourth);
        return operand;
    }

    // From C . B to w.
    KRAIT_DEVICE void weigh(int n, const float (&product)[2][4]) const {
        constexpr float kLog2e = 1.44269504f;
        KRAIT_UNROLL
        for (int which = 0; which < 2; ++which) {
            if (!has_weights(which, n)) continue;
            KRAIT_UNROLL
            for (int lower = 0; lower < 2; ++lower) {
                const int t = 16 * weight_tile() + 8 * lower + eighth, j0 = 8 * weight_eight(which) + 2 * quad;
                float weight[2];
                KRAIT_UNROLL
                for (int i = 0; i < 2; ++i) {
                    const int j = j0 + i;
                    const float log_decay =
                        (steps.log_decay[t] - steps.log_decay[j]) + (steps.log_decay_rest[t] - steps.log_decay_rest[j]);
                    weight[i] = j <= t ? product[which][2 * lower + i] * steps.d[j] * exp2_approx(log_decay * kLog2e) : 0.0f;
                }
                store_vector(&memory.weight[part][t * kWeightStride + j0], float2{weight[0], weight[1]});
            }
        }
    }

    // This warp's part of y: 16 rows, eight channels.
    KRAIT_DEVICE void multiply_rows(const Tile& now, int n, float (&y)[2][2][4]) const {
        KRAIT_UNROLL
        for (int pair = 0; pair < kPairs; ++pair) {
            const float* C = now.C + eighth * Tile::kStride + part * kPart + 16 * pair + 4 * quad;
            SplitOperand<2> b[2][2];
            KRAIT_UNROLL
            for (int half = 0; half < 2; ++half) KRAIT_UNROLL
            for (int q = 0; q < 2; ++q) b[half][q] = split(S[pair][q][2 * half], S[pair][q][2 * half + 1]);
            KRAIT_UNROLL
            for (int tile = 0; tile < 2; ++tile) {
                if (16 * tile >= n) continue;
                const auto upper = load_vector<float4>(C + 16 * tile * Tile::kStride);
                const auto lower = load_vector<float4>(C + (16 * tile + 8) * Tile::kStride);
                const SplitOperand<4> a[2] = {split(upper.x, lower.x, upper.z, lower.z),
                                              split(upper.y, lower.y, upper.w, lower.w)};
                KRAIT_UNROLL
                for (int half = 0; half < 2; ++half) multiply_split(y[tile][half], a, b[half]);
            }
        }
        KRAIT_UNROLL
        for (int tile = 0; tile < 2; ++tile) KRAIT_UNROLL
        for (int half = 0; half < 2; ++half) KRAIT_UNROLL
        for (int r = 0; r < 4; ++r) y[tile][half][r] *= steps.decay[16 * tile + eighth + 8 * (r / 2)];
        KRAIT_UNROLL
        for (int rows = 0; rows < 2; ++rows) {  // sixteen of them
            if (16 * rows >= n) continue;
            SplitOperand<2> b[2][2];
            KRAIT_UNROLL
            for (int half = 0; half < 2; ++half) KRAIT_UNROLL
            for (int k = 0; k < 2; ++k) b[half][k] = split(x[2 * rows + k][0][half], x[2 * rows + k][1][half]);
            KRAIT_UNROLL
            for (int tile = rows; tile < 2; ++tile) {
                if (16 * tile >= n) continue;
                SplitOperand<4> a[2];
                KRAIT_UNROLL
                for (int k = 0; k < 2; ++k) {
                    const float* weight =
                        &memory.weight[part][(16 * tile + eighth) * kWeightStride + 16 * rows + 8 * k + 2 * quad];
                    const auto upper = load_vector<float2>(weight), lower = load_vector<float2>(weight + 8 * kWeightStride);
                    a[k] = split(upper.x, lower.x, upper.y, lower.y);
                }
                KRAIT_UNROLL
                for (int half = 0; half < 2; ++half) multiply_split(y[tile][half], a, b[half]);
            }
        }
    }

    KRAIT_DEVICE void multiply_channels(const Tile& now, int n) {
        const float decay = steps.decay_all;
        KRAIT_UNROLL
        for (int first = 0; first < kPairs; first += 2) {  // two pairs at a time: sums of four tiles in flight
            float sum[2][2][4] = {};
            KRAIT_UNROLL
            for (int rows = 0; rows < 2; ++rows) {
                if (16 * rows >= n) continue;
                SplitOperand<4> a[2];
                KRAIT_UNROLL
                for (int k = 0; k < 2; ++k) {
                    const int row = 16 * rows + 8 * k + 2 * quad;
                    const float even = steps.remains[row], odd = steps.remains[row + 1];
                    const auto& of = x[2 * rows + k];
                    a[k] = split(even * of[0][0], even * of[0][1], odd * of[1][0], odd * of[1][1]);
                }
                KRAIT_UNROLL
                for (int pair = 0; pair < 2; ++pair) {
                    const float* B =
                        now.B + (16 * rows + 2 * quad) * Tile::kStride + part * kPart + 16 * (first + pair) + 2 * eighth;
                    SplitOperand<2> b[2][2];
                    KRAIT_UNROLL
                    for (int k = 0; k < 2; ++k) {
                        const auto even = load_vector<float2>(B + 8 * k * Tile::kStride);
                        const auto odd = load_vector<float2>(B + (8 * k + 1) * Tile::kStride);
                        b[0][k] = split(even.x, odd.x);
                        b[1][k] = split(even.y, odd.y);
                    }
                    KRAIT_UNROLL
                    for (int q = 0; q < 2; ++q) multiply_split(sum[pair][q], a, b[q]);
                }
            }
            KRAIT_UNROLL
            for (int pair = 0; pair < 2; ++pair) KRAIT_UNROLL
            for (int q = 0; q < 2; ++q) KRAIT_UNROLL
            for (int r = 0; r < 4; ++r) S[first + pair][q][r] = fused(decay, S[first + pair][q][r], sum[pair][q][r]);
        }
    }

    KRAIT_DEVICE void advance(const Tile& now, int32_t t, int n) {
        float y[2][2][4] = {};
        multiply_rows(now, n, y);
        float nothing = 0;  // a NaN where y is infinite or none
        KRAIT_UNROLL
        for (int tile = 0; tile < 2; ++tile) KRAIT_UNROLL
        for (int half = 0; half < 2; ++half) KRAIT_UNROLL
        for (int r = 0; r < 4; ++r) nothing = fused(y[tile][half][r], 0.0f, nothing);
        if (any_lane(nothing != 0)) return advance_by_rows(now, t, n);
        KRAIT_UNROLL
        for (int tile = 0; tile < 2; ++tile) KRAIT_UNROLL
        for (int half = 0; half < 2; ++half) KRAIT_UNROLL
        for (int lower = 0; lower < 2; ++lower)
            store_vector(
                &memory.partial[part][(16 * tile + 8 * lower + eighth) * kPartialStride + slice * kSlice + 8 * half + 2 * quad],
                float2{y[tile][half][2 * lower], y[tile][half][2 * lower + 1]});
        multiply_channels(now, n);
    }

    KRAIT_DEVICE void advance_by_rows(const Tile& now, int32_t t, int n) {
        for (int row = 0; row < n; ++row) {
            const float d = steps.d[row], decay = exp_accurate(d * op.A[head]);
            float dx[2], sum[2] = {};
            KRAIT_UNROLL
            for (int half = 0; half < 2; ++half) {
                const int c = channel_of(2 * half);
                dx[half] = c < n_channel ? d * op.x.row(t + row)[first_channel + c] : 0.0f;
            }
            for_states([&](int pair, int q, int r) {
                if (!has_state(pair, q, r)) return;  // 0 would become NaN where dx is infinite
                const int at = row * Tile::kStride + state_of(pair, q, r);
                S[pair][q][r] = fused(decay, S[pair][q][r], dx[r / 2] * now.B[at]);
                sum[r / 2] = fused(S[pair][q][r], now.C[at], sum[r / 2]);
            });
            KRAIT_UNROLL
            for (int half = 0; half < 2; ++half) {
                sum[half] += shuffle_xor(sum[half], 1);
                sum[half] += shuffle_xor(sum[half], 2);
                if (quad == 0) memory.partial[part][row * kPartialStride + channel_of(2 * half)] = sum[half];
            }
        }
    }

    // y of the chunk at row t, whose parts are there.
    KRAIT_DEVICE void finish(int32_t t, int n) const {
        for (int i = static_cast<int>(threadIdx.x); i < n * kSlab; i += kThreads) {
            const int row = i / kSlab, c = i % kSlab, channel = first_channel + c;
            if (c >= n_channel) continue;
            float* y = op.y.row(t + row) + channel;
            float sum = memory.partial[0][row * kPartialStride + c];
            KRAIT_UNROLL
            for (int other = 1; other < kParts; ++other) sum += memory.partial[other][row * kPartialStride + c];
            if (first_state > 0) sum += *y;  // of the states before
            if (first_state + kWidth >= op.d_state)
                sum = finished(op, channel, head, sum, op.D ? op.x.row(t + row)[channel] : 0.0f,
                               op.z.data ? op.z.row(t + row)[channel] : 0.0f);
            *y = sum;
        }
    }

    KRAIT_DEVICE void walk() {
        int32_t t = first_row, before = first_row;
        int n = chunk_rows(t), n_before = 0, buffer = 0;
        if (n > 0) fetch(memory.tile[0], t, n);
        while (n > 0) {
            const Tile& now = memory.tile[buffer];
            copy_async_wait<0>();
            block_barrier();  // the chunk is there for all, and all are done with the one before but its y
            const int32_t next = t + n;
            const int n_next = chunk_rows(next);
            if (n_next > 0) fetch(memory.tile[buffer ^ 1], next, n_next);
            if (n_before > 0) finish(before, n_before);
            load_x(t, n);
            float product[2][4] = {};
            multiply_states(now, n, product);
            if (static_cast<int>(threadIdx.x) / kWarpSize == kThreads / kWarpSize - 1) prepare(now, n);
            block_barrier();  // the steps are there
            weigh(n, product);
            block_barrier();  // w is there, and y of the chunk before is out
            if (slice * kSlice < n_channel) {
                advance(now, t, n);
                take_snapshots(next - 1);
            }
            before = t, n_before = n;
            t = next, n = n_next, buffer ^= 1;
        }
        block_barrier();
        if (n_before > 0) finish(before, n_before);
    }

    const ScanOperands& op;
    Memory& memory;
    ChunkSteps& steps;
    int32_t head, group, first_channel, n_channel;
    int slice, part, eighth, quad;
    int32_t first_row = 0, end_row = 0, first_state = 0;
    float S[kPairs][2][4];
    float x[kChunk / 8][2][2];
};

template <int kParts>
KRAIT_GLOBAL(ScanChunks<kParts>::kThreads)
ssm_scan_chunks_kernel(const ScanOperands op) {
    KRAIT_DYNAMIC_SHARED(ChunkMemory<kParts>, memory);
    ScanChunks<kParts> work(op, *memory);
    wait_for_earlier_kernels();
    let_next_kernel_start();
    for (int32_t sequence = static_cast<int32_t>(blockIdx.y); sequence < op.sequences.n_seq;
         sequence += static_cast<int32_t>(gridDim.y))
        work.run(sequence);
}

}  // namespace krait::cuda
