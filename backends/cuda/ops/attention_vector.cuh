// SPDX-License-Identifier: Apache-2.0
//
// attention where reading the cache is the work: a block takes one row of the run, up to kHeads query heads that share a key
// head, and places in tiles. Keys and values are read once for all of these heads, and converted in registers; sums are
// float32 throughout. A tile is three steps:
//   scores   eight lanes share kKeys keys, each takes eight columns at a time; their sums are exchanged together
//   weights  a warp a head: the tile's largest score, and what it does to the sums so far
//   values   a thread has two columns, or four, of all heads; where there are more threads than columns they share the places
// A row's places are cut into parts of part_places, which different blocks may take and attention_merge_kernel joins: the
// result is the same whoever takes them. Grid: (rows, key heads with blocks of heads and of columns, parts).
#pragma once

#include "backends/cuda/ops/attention_cache.cuh"

namespace krait::cuda {

KRAIT_CONSTANT int kAttentionBlock = 128;
KRAIT_CONSTANT int kLanesOfKey = 8;       // each takes a piece of kPieceColumns at a time
KRAIT_CONSTANT int kColumnsOfThread = 2;  // of values

struct VectorShape {
    int32_t chunks;          // blocks of kHeads that the heads of a key make
    int32_t slabs;           // blocks of columns that a head's values make
    int32_t column_threads;  // that have columns of values; a power of two from 16 to kAttentionBlock
    bool key_vectors, value_pairs;
};

// Sums of eight lanes, of which each gets kCount / 8: lane i those from i * kCount / 8 on.
template <int kCount>
KRAIT_DEVICE void scatter_sums(float (&sum)[kCount], uint32_t lane) {
    KRAIT_UNROLL
    for (int step = kLanesOfKey / 2, n = kCount / 2; step > 0; step /= 2, n /= 2) {
        const bool upper = (lane & static_cast<uint32_t>(step)) != 0;
        KRAIT_UNROLL
        for (int i = 0; i < kCount / 2; ++i) {
            if (i >= n) break;
            const float own = upper ? sum[i + n] : sum[i], other = upper ? sum[i] : sum[i + n];
            sum[i] = own + shuffle_xor(other, static_cast<uint32_t>(step));
        }
    }
}

// kSlices: pairs of columns that a thread has.
template <class Block, int kHeads, int kSlices>
class AttentionVector {
  public:
    static constexpr int kWarps = kAttentionBlock / kWarpSize;
    static constexpr int kKeys = kHeads == 1 ? 8 : 4;  // enough sums for eight lanes
    static constexpr int kTile = kAttentionBlock / kLanesOfKey * kKeys;
    static constexpr int kStride = kHeads == 8 ? 12 : kHeads;  // of weights: rows of vectors that spread over the banks
    static constexpr int kSlab = kAttentionBlock * kColumnsOfThread * kSlices;

    struct Memory {
        alignas(16) float weight[kTile * kStride];  // of a tile, first its scores
        alignas(16) float factor[kHeads];           // what the sums so far are multiplied with
        float largest[kHeads], sum[kHeads];         // of a part, in the end
        const char* row[kTile];
        float values[kAttentionBlock * kColumnsOfThread * kHeads];  // to add up what threads have of the same columns
    };
    // Behind it q, kHeads rows of whole pieces.
    static constexpr size_t bytes(int32_t k_dim) {
        return sizeof(Memory) +
               static_cast<size_t>(kHeads * ((k_dim + kPieceColumns - 1) / kPieceColumns * kPieceColumns)) * sizeof(float);
    }

    KRAIT_DEVICE AttentionVector(const AttentionOperands& operands, const VectorShape& of, Memory& shared)
        : op(operands), shape(of), memory(shared), q(reinterpret_cast<float*>(&shared + 1)) {
        q_stride = (op.k_dim + kPieceColumns - 1) / kPieceColumns * kPieceColumns;
        t = static_cast<int32_t>(blockIdx.x);
        const auto y = static_cast<int32_t>(blockIdx.y);
        first_column = y % shape.slabs * kSlab;
        const int32_t in_key = y / shape.slabs % shape.chunks * kHeads;
        key_head = y / shape.slabs / shape.chunks;
        first_head = key_head * op.heads_of_key + in_key;
        n_heads = op.heads_of_key - in_key < kHeads ? op.heads_of_key - in_key : kHeads;
        warp = static_cast<int32_t>(threadIdx.x) / kWarpSize;
        lane = threadIdx.x % kWarpSize;
        own_column = first_column + static_cast<int32_t>(threadIdx.x) % shape.column_threads * kColumnsOfThread;
        own_share = static_cast<int32_t>(threadIdx.x) / shape.column_threads;
        n_shares = kAttentionBlock / shape.column_threads;
    }

    KRAIT_DEVICE void run() {
        const int32_t position = op.positions[t];
        if (position < 0) return store_nothing();
        sequence = sequence_of(op, t);
        const int32_t first = first_place(op, position), first_part = first / op.part_places;
        const int32_t n_part = position / op.part_places - first_part + 1;
        if (static_cast<int32_t>(blockIdx.z) >= n_part) return;
        load_q();
        for (auto part = static_cast<int32_t>(blockIdx.z); part < n_part; part += static_cast<int32_t>(gridDim.z)) {
            const int64_t begin = static_cast<int64_t>(first_part + part) * op.part_places, end = begin + op.part_places;
            start();
            const auto part_end = static_cast<int32_t>(end <= position ? end : position + 1);
            for (auto place = static_cast<int32_t>(begin > first ? begin : first); place < part_end; place += kTile)
                add_tile(place, part_end - place < kTile ? part_end - place : kTile);
            finish(part);
        }
    }

  private:
    static constexpr int kSums = kKeys * kHeads;
    static constexpr int kHeadsOfWarp = (kHeads + kWarps - 1) / kWarps;

    // Where column c of q lies in its row: the two halves of pieces apart, so that eight lanes read eight times 16 bytes that
    // follow each other.
    KRAIT_DEVICE int32_t q_at(int32_t c) const {
        return c % kPieceColumns / 4 * (q_stride / 2) + c / kPieceColumns * 4 + c % 4;
    }
    KRAIT_DEVICE void load_q() {
        const float* from = op.q.row(t) + static_cast<int64_t>(first_head) * op.k_dim;
        for (auto i = static_cast<int32_t>(threadIdx.x); i < kHeads * q_stride; i += kAttentionBlock) {
            const int32_t head = i / q_stride, c = i % q_stride;
            const bool there = head < n_heads && c < op.k_dim;
            q[head * q_stride + q_at(c)] = there ? from[head * op.k_dim + c] : 0.0f;
        }
    }

    KRAIT_DEVICE void start() {
        KRAIT_UNROLL
        for (int i = 0; i < kHeadsOfWarp; ++i) largest[i] = -bits_float(0x7f800000u), sum[i] = 0;
        KRAIT_UNROLL
        for (int slice = 0; slice < kSlices; ++slice) KRAIT_UNROLL
        for (int head = 0; head < kHeads; ++head) values[slice][head] = {0.0f, 0.0f};
    }

    // Places from `place` on, `n` of them.
    KRAIT_DEVICE void add_tile(int32_t place, int32_t n) {
        // Rows behind the last are the last once more, and get no weight.
        for (auto i = static_cast<int32_t>(threadIdx.x); i < kTile; i += kAttentionBlock)
            memory.row[i] = cache_row(op, sequence, place + (i < n ? i : n - 1));
        block_barrier();  // q is there too, and all are done with the weights before
        find_scores();
        block_barrier();
        find_weights(n);
        block_barrier();
        add_values(n);
        block_barrier();
    }

    KRAIT_DEVICE void find_scores() {
        const uint32_t in_key = lane % kLanesOfKey;
        const int32_t first_key = (warp * (kWarpSize / kLanesOfKey) + static_cast<int32_t>(lane) / kLanesOfKey) * kKeys;
        CacheHead key[kKeys];
        KRAIT_UNROLL
        for (int k = 0; k < kKeys; ++k) key[k] = {memory.row[first_key + k] + key_head * op.key_bytes, op.k_dim};
        float score[kSums] = {};
        for (int32_t c = static_cast<int32_t>(in_key) * kPieceColumns; c < op.k_dim; c += kLanesOfKey * kPieceColumns) {
            float piece[kKeys][kPieceColumns];
            KRAIT_UNROLL
            for (int k = 0; k < kKeys; ++k) CacheColumns<Block>::piece(key[k], c, shape.key_vectors, piece[k]);
            KRAIT_UNROLL
            for (int head = 0; head < kHeads; ++head) KRAIT_UNROLL
            for (int half = 0; half < 2; ++half) {
                const auto four = load_vector<float4>(&q[head * q_stride + q_at(c + 4 * half)]);
                KRAIT_UNROLL
                for (int k = 0; k < kKeys; ++k) {
                    float& to = score[k * kHeads + head];
                    to = fused(four.x, piece[k][4 * half], to);
                    to = fused(four.y, piece[k][4 * half + 1], to);
                    to = fused(four.z, piece[k][4 * half + 2], to);
                    to = fused(four.w, piece[k][4 * half + 3], to);
                }
            }
        }
        scatter_sums(score, lane);
        KRAIT_UNROLL
        for (int i = 0; i < kSums / kLanesOfKey; ++i) {
            const int which = static_cast<int>(in_key) * (kSums / kLanesOfKey) + i;
            memory.weight[(first_key + which / kHeads) * kStride + which % kHeads] = capped_score(op, score[i]);
        }
    }

    KRAIT_DEVICE void find_weights(int32_t n) {
        const float lowest = -bits_float(0x7f800000u);
        KRAIT_UNROLL
        for (int i = 0; i < kHeadsOfWarp; ++i) {
            const int head = warp + i * kWarps;
            if (head >= kHeads) break;
            float tile_largest = lowest;
            KRAIT_UNROLL
            for (int j = 0; j < kTile; j += kWarpSize) {
                const int key = j + static_cast<int>(lane);
                if (key < n) tile_largest = LargestOf()(tile_largest, memory.weight[key * kStride + head]);
            }
            tile_largest = LargestOf()(largest[i], reduce_warp(tile_largest, LargestOf()));
            const float base = score_base(tile_largest);
            float tile_sum = 0;
            KRAIT_UNROLL
            for (int j = 0; j < kTile; j += kWarpSize) {
                const int key = j + static_cast<int>(lane);
                float& at = memory.weight[key * kStride + head];
                at = key < n ? exp_accurate(at - base) : 0.0f;
                tile_sum += at;
            }
            tile_sum = reduce_warp(tile_sum, SumOf());
            const float factor = exp_accurate(largest[i] - base);
            largest[i] = tile_largest;
            sum[i] = fused(sum[i], factor, tile_sum);
            if (lane == 0) memory.factor[head] = factor;
        }
    }

    // kHeads numbers that follow each other.
    KRAIT_DEVICE static void load_heads(const float* from, float (&to)[kHeads]) {
        if constexpr (kHeads % 4 == 0) {
            KRAIT_UNROLL
            for (int i = 0; i < kHeads; i += 4) {
                const auto four = load_vector<float4>(from + i);
                to[i] = four.x, to[i + 1] = four.y, to[i + 2] = four.z, to[i + 3] = four.w;
            }
        } else {
            KRAIT_UNROLL
            for (int i = 0; i < kHeads; ++i) to[i] = from[i];
        }
    }

    KRAIT_DEVICE void add_values(int32_t n) {
        float factor[kHeads];
        load_heads(memory.factor, factor);
        KRAIT_UNROLL
        for (int slice = 0; slice < kSlices; ++slice) KRAIT_UNROLL
        for (int head = 0; head < kHeads; ++head) values[slice][head].x *= factor[head], values[slice][head].y *= factor[head];
        constexpr int kAhead = 4;  // places whose values are on their way together
        for (int32_t first = own_share; first < n; first += kAhead * n_shares) {
            float2 value[kAhead][kSlices];
            KRAIT_UNROLL
            for (int i = 0; i < kAhead; ++i) {
                const int32_t key = first + i * n_shares;
                if (key >= n) break;
                const CacheHead head{memory.row[key] + op.first_value + key_head * op.value_bytes, op.v_dim};
                KRAIT_UNROLL
                for (int slice = 0; slice < kSlices; ++slice)
                    value[i][slice] = CacheColumns<Block>::two(head, column_of(slice), shape.value_pairs);
            }
            KRAIT_UNROLL
            for (int i = 0; i < kAhead; ++i) {
                const int32_t key = first + i * n_shares;
                if (key >= n) break;
                float weight[kHeads];
                load_heads(&memory.weight[key * kStride], weight);
                KRAIT_UNROLL
                for (int slice = 0; slice < kSlices; ++slice) add_value(value[i][slice], weight, values[slice]);
            }
        }
    }
    // Two columns of a place, to the sums of all heads.
    KRAIT_DEVICE static void add_value(const float2& value, const float (&weight)[kHeads], float2 (&to)[kHeads]) {
        const bool plain = is_finite(value.x) && is_finite(value.y);
        KRAIT_UNROLL
        for (int head = 0; head < kHeads; ++head) {
            if (plain) {
                to[head].x = fused(weight[head], value.x, to[head].x);
                to[head].y = fused(weight[head], value.y, to[head].y);
            } else {
                to[head].x = add_weighted(weight[head], value.x, to[head].x);
                to[head].y = add_weighted(weight[head], value.y, to[head].y);
            }
        }
    }
    KRAIT_DEVICE int32_t column_of(int slice) const { return own_column + slice * kAttentionBlock * kColumnsOfThread; }

    KRAIT_DEVICE void finish(int32_t part) {
        if (lane == 0) {
            KRAIT_UNROLL
            for (int i = 0; i < kHeadsOfWarp; ++i) {
                const int head = warp + i * kWarps;
                if (head < kHeads) memory.largest[head] = largest[i], memory.sum[head] = sum[i];
            }
        }
        if (n_shares > 1) {  // then there is one slice
            KRAIT_UNROLL
            for (int head = 0; head < kHeads; ++head) {
                memory.values[shared_at(own_share, head)] = values[0][head].x;
                memory.values[shared_at(own_share, head) + 1] = values[0][head].y;
            }
        }
        block_barrier();
        if (own_share == 0) {
            for (int32_t share = 1; share < n_shares; ++share) KRAIT_UNROLL
            for (int head = 0; head < kHeads; ++head) {
                values[0][head].x += memory.values[shared_at(share, head)];
                values[0][head].y += memory.values[shared_at(share, head) + 1];
            }
            KRAIT_UNROLL
            for (int head = 0; head < kHeads; ++head)
                if (head < n_heads) store(part, head);
        }
        block_barrier();  // the next part may write what is read here
    }
    KRAIT_DEVICE int32_t shared_at(int32_t share, int32_t head) const {
        const int32_t column = static_cast<int32_t>(threadIdx.x) % shape.column_threads;
        return ((head * n_shares + share) * shape.column_threads + column) * kColumnsOfThread;
    }

    KRAIT_DEVICE void store(int32_t part, int head) {
        const bool whole = op.n_part == 1;
        const int64_t at = part_index(op, t, first_head + head, part);
        float* to = whole ? op.y.row(t) + static_cast<int64_t>(first_head + head) * op.v_dim : op.part_values + at * op.v_dim;
        const float total = memory.sum[head];
        KRAIT_UNROLL
        for (int slice = 0; slice < kSlices; ++slice) {
            const int32_t c = column_of(slice);
            const float2 value = values[slice][head];
            if (c < op.v_dim) to[c] = whole ? divide(value.x, total) : value.x;
            if (c + 1 < op.v_dim) to[c + 1] = whole ? divide(value.y, total) : value.y;
        }
        if (!whole && threadIdx.x == 0 && first_column == 0) {
            op.part_largest[at] = memory.largest[head];
            op.part_sum[at] = total;
        }
    }

    // Of padding. Where there are parts the merge does it.
    KRAIT_DEVICE void store_nothing() {
        if (op.n_part > 1) return;
        float* y = op.y.row(t) + static_cast<int64_t>(first_head) * op.v_dim;
        const int32_t n = op.v_dim - first_column < kSlab ? op.v_dim - first_column : kSlab;
        for (auto i = static_cast<int32_t>(threadIdx.x); i < n_heads * n; i += kAttentionBlock)
            y[i / n * op.v_dim + first_column + i % n] = 0.0f;
    }

    const AttentionOperands& op;
    const VectorShape& shape;
    Memory& memory;
    float* q;
    int32_t q_stride;
    int32_t t, sequence, key_head, first_head, n_heads;
    int32_t first_column, own_column, own_share, n_shares;
    int32_t warp;
    uint32_t lane;
    float largest[kHeadsOfWarp], sum[kHeadsOfWarp];  // of the warp's heads
    float2 values[kSlices][kHeads];
};

template <class Block, int kHeads, int kSlices>
KRAIT_GLOBAL(kAttentionBlock)
attention_vector_kernel(const AttentionOperands op, const VectorShape shape) {
    using Work = AttentionVector<Block, kHeads, kSlices>;
    using Memory = typename Work::Memory;
    KRAIT_DYNAMIC_SHARED(Memory, memory);
    wait_for_earlier_kernels();
    let_next_kernel_start();
    Work(op, shape, *memory).run();
}

}  // namespace krait::cuda
