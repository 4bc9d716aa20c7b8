// SPDX-License-Identifier: Apache-2.0
//
// attention of prompts over caches of F16, on the warp's matrix unit (Dao 2023, arXiv 2307.08691: a block keeps its queries and
// walks the places). A block has 16 kWarps queries, each a query head of one row, of the heads that share a key head; a warp
// has 16 of them. kKeys places at a time come to shared memory by asynchronous copies, two buffers, one barrier a tile. Scores
// stay in registers and are operands of the second product there.
// Numbers: keys and values are f16 as they are. A query is two f16, high and low, after the power of two that takes its
// largest into [2^14, 2^15); so is a weight, which is at most 1, times 2^14: 22 bits of each remain, where float32 has 24.
// Products are exact and their sums float32. The matrix unit may cut sums off where it should round, so those that it makes
// are short: 16 columns of a key, kKeys places of values; longer ones are joined in float32.
// An infinity in the cache would become a NaN where high and low differ in sign: such scores are computed once more from the
// queries as they are, and so are results, which besides must not see values that have no weight.
// Grid: (tiles of rows, key heads with blocks of heads). A run has at most so many tiles as all of its rows make, and one more
// a sequence; those that see most places come first.
#pragma once

#include "backends/cuda/ops/attention_cache.cuh"
#include "backends/cuda/ops/round_rows.cuh"

namespace krait::cuda {

struct TileShape {
    int32_t heads;   // of a key, in a block
    int32_t chunks;  // blocks of so many that the heads of a key make
    int32_t tokens;  // rows of the run in a block
};

// kDim: columns that keys and values have at most.
template <int kDim, int kWarps, int kKeys>
class AttentionTiles {
  public:
    static constexpr int kThreads = kWarps * kWarpSize, kRows = 16 * kWarps;

    // Rows of q and keys: eight of four words each, 8 apart modulo the 32 banks. Of values: 2 quad rows 4 apart.
    static constexpr int kKeyStride = kDim + 16, kValueStride = kDim + 8;
    struct Memory {
        alignas(16) uint16_t key[2][kKeys * kKeyStride];
        alignas(16) uint16_t value[2][kKeys * kValueStride];
        alignas(16) uint16_t q[2][kRows * kKeyStride];  // high, low
        float unscale[kRows];
    };

    KRAIT_DEVICE AttentionTiles(const AttentionOperands& operands, const TileShape& of, Memory& shared)
        : op(operands), shape(of), memory(shared) {
        const auto y = static_cast<int32_t>(blockIdx.y);
        key_head = y / shape.chunks;
        const int32_t in_key = y % shape.chunks * shape.heads;
        first_head = key_head * op.heads_of_key + in_key;
        n_heads = op.heads_of_key - in_key < shape.heads ? op.heads_of_key - in_key : shape.heads;
        warp = static_cast<int32_t>(threadIdx.x) / kWarpSize;
        lane = static_cast<int32_t>(threadIdx.x) % kWarpSize;
        eighth = lane / 4;
        quad = lane % 4;
    }

    KRAIT_DEVICE void run() {
        if (!find_tile(static_cast<int32_t>(gridDim.x - 1 - blockIdx.x))) return;
        for (int half = 0; half < 2; ++half) {
            const int32_t t = row_of(16 * warp + eighth + 8 * half);
            position[half] = t >= 0 ? op.positions[t] : -1;
            first[half] = first_place(op, position[half]);
        }
        find_places();
        start();
        if (last_seen >= 0) {
            load_q();
            walk();
        }
        finish();
    }

  private:
    // ---- queries ------------------------------------------------------------------------------------------------------------

    // The tile's rows of the run; false where there are fewer tiles.
    KRAIT_DEVICE bool find_tile(int32_t which) {
        for (sequence = 0; sequence < op.n_seq; ++sequence) {
            const int32_t begin = op.seq_start[sequence], end = op.seq_start[sequence + 1];
            const int32_t n = (end - begin + shape.tokens - 1) / shape.tokens;
            if (which < n) {
                first_row = begin + which * shape.tokens;
                n_row = end - first_row < shape.tokens ? end - first_row : shape.tokens;
                return true;
            }
            which -= n;
        }
        return false;
    }
    // The row of the run and the head of query r of the block; -1: there is no such query.
    KRAIT_DEVICE int32_t row_of(int32_t r) const {
        const int32_t t = r / shape.heads;
        return t < n_row && r % shape.heads < n_heads ? first_row + t : -1;
    }
    KRAIT_DEVICE int32_t head_of(int32_t r) const { return first_head + r % shape.heads; }
    KRAIT_DEVICE const float* query(int32_t r) const {
        return op.q.row(row_of(r)) + static_cast<int64_t>(head_of(r)) * op.k_dim;
    }

    // The places that the block's rows see.
    KRAIT_DEVICE void find_places() {
        first_seen = op.table_width * op.rows_per_page;
        last_seen = -1;
        for (int32_t i = lane; i < n_row; i += kWarpSize) {
            const int32_t at = op.positions[first_row + i];
            if (at < 0) continue;
            last_seen = at > last_seen ? at : last_seen;
            first_seen = first_place(op, at) < first_seen ? first_place(op, at) : first_seen;
        }
        last_seen = reduce_warp(last_seen, MaximumOf());
        first_seen = -reduce_warp(-first_seen, MaximumOf());
    }

    // A warp's own queries.
    KRAIT_DEVICE void load_q() {
        for (int32_t i = 0; i < 16; ++i) {
            const int32_t r = 16 * warp + i;
            const bool there = row_of(r) >= 0;
            const float* from = there ? query(r) : nullptr;
            uint32_t largest_bits = 0;
            for (int32_t c = lane; c < op.k_dim; c += kWarpSize)
                if (there) largest_bits = MaximumOf()(largest_bits, float_bits(from[c]) & 0x7fffffffu);
            const RowFactor by = factor_of(reduce_warp(largest_bits, MaximumOf()));
            if (lane == 0) memory.unscale[r] = by.unscale;
            for (int32_t c = lane; c < op.k_dim; c += kWarpSize) {
                const float value = there ? from[c] * by.factor : 0.0f;
                const uint16_t high = float_to_half(value);
                memory.q[0][r * kKeyStride + c] = high;
                memory.q[1][r * kKeyStride + c] = low_bits<false>(value, high);
            }
        }
    }

    // ---- places -------------------------------------------------------------------------------------------------------------

    KRAIT_DEVICE void walk() {
        int32_t place = first_seen / kKeys * kKeys;  // so a row's tiles do not depend on the other rows
        fetch(0, place);
        for (int buffer = 0; place <= last_seen; place += kKeys, buffer ^= 1) {
            copy_async_wait<0>();
            block_barrier();  // the tile is there for all, and all are done with the other buffer
            if (place + kKeys <= last_seen) fetch(buffer ^ 1, place + kKeys);
            float weight[kKeys / 8][4], factor[2];
            find_scores(buffer, place, weight);
            find_weights(weight, factor);
            add_values(buffer, weight, factor);
        }
    }

    // Threads in groups that have a place each: what lies behind the last one becomes 0.
    KRAIT_DEVICE void fetch(int buffer, int32_t place) {
        constexpr int kThreadsOfKey = kThreads / kKeys;
        const int32_t own = static_cast<int32_t>(threadIdx.x) / kThreadsOfKey,
                      piece = static_cast<int32_t>(threadIdx.x) % kThreadsOfKey;
        if (own < kKeys) {
            const bool there = place + own <= last_seen;
            const char* row = cache_row(op, sequence, there ? place + own : last_seen);
            const uint32_t bytes = there ? 16 : 0;
            for (int32_t c = 8 * piece; c < op.k_dim; c += 8 * kThreadsOfKey)
                copy_async<16>(&memory.key[buffer][own * kKeyStride + c], row + key_head * op.key_bytes + 2 * c, bytes);
            for (int32_t c = 8 * piece; c < op.v_dim; c += 8 * kThreadsOfKey)
                copy_async<16>(&memory.value[buffer][own * kValueStride + c],
                               row + op.first_value + key_head * op.value_bytes + 2 * c, bytes);
        }
        copy_async_commit();
    }

    // ---- scores and weights: number r of a tile of eight is place 2 quad + r % 2 of query eighth + 8 (r / 2)
    // ------------------

    KRAIT_DEVICE static void load_a(const uint16_t* rows, int32_t row, int32_t c, uint32_t (&a)[4]) {
        const auto upper = load_vector<uint2>(rows + row * kKeyStride + c),
                   lower = load_vector<uint2>(rows + (row + 8) * kKeyStride + c);
        a[0] = upper.x, a[1] = lower.x, a[2] = upper.y, a[3] = lower.y;
    }

    KRAIT_DEVICE void find_scores(int buffer, int32_t place, float (&score)[kKeys / 8][4]) const {
        KRAIT_UNROLL
        for (int tile = 0; tile < kKeys / 8; ++tile) KRAIT_UNROLL
        for (int r = 0; r < 4; ++r) score[tile][r] = 0;
        const int32_t own = 16 * warp + eighth;
        for (int32_t c = 4 * quad; c < op.k_dim; c += 16) {  // a lane takes four columns of sixteen
            uint32_t high[4], low[4];
            load_a(memory.q[0], own, c, high);
            load_a(memory.q[1], own, c, low);
            KRAIT_UNROLL
            for (int tile = 0; tile < kKeys / 8; ++tile) {
                const auto key = load_vector<uint2>(&memory.key[buffer][(8 * tile + eighth) * kKeyStride + c]);
                const uint32_t b[2] = {key.x, key.y};
                float product[4] = {};
                multiply_f16(product, high, b);
                multiply_f16(product, low, b);
                KRAIT_UNROLL
                for (int r = 0; r < 4; ++r) score[tile][r] += product[r];
            }
        }
        const float unscale[2] = {memory.unscale[own], memory.unscale[own + 8]};
        KRAIT_UNROLL
        for (int tile = 0; tile < kKeys / 8; ++tile) KRAIT_UNROLL
        for (int r = 0; r < 4; ++r) {
            const int32_t at = place + 8 * tile + 2 * quad + r % 2, half = r / 2;
            float& own_score = score[tile][r];
            if (at < first[half] || at > position[half]) own_score = -bits_float(0x7f800000u);
            else if (own_score != own_score) own_score = plain_score(own + 8 * half, at);
            else own_score = capped_score(op, own_score * unscale[half]);
        }
    }

    KRAIT_DEVICE void find_weights(float (&weight)[kKeys / 8][4], float (&factor)[2]) {
        KRAIT_UNROLL
        for (int half = 0; half < 2; ++half) {
            float tile_largest = largest[half];
            KRAIT_UNROLL
            for (int tile = 0; tile < kKeys / 8; ++tile) KRAIT_UNROLL
            for (int i = 0; i < 2; ++i) tile_largest = LargestOf()(tile_largest, weight[tile][2 * half + i]);
            tile_largest = LargestOf()(tile_largest, shuffle_xor(tile_largest, 1));
            tile_largest = LargestOf()(tile_largest, shuffle_xor(tile_largest, 2));
            const float base = score_base(tile_largest);
            float tile_sum = 0;
            KRAIT_UNROLL
            for (int tile = 0; tile < kKeys / 8; ++tile) KRAIT_UNROLL
            for (int i = 0; i < 2; ++i) {
                float& own = weight[tile][2 * half + i];
                own = exp_accurate(own - base);
                tile_sum += own;
            }
            factor[half] = exp_accurate(largest[half] - base);
            largest[half] = tile_largest;
            sum[half] = fused(sum[half], factor[half], tile_sum);  // of the lane's own places
        }
    }

    // ---- values: number r of tile i of group g is column 32 g + 4 (2 quad + r % 2) + i of query eighth + 8 (r / 2)
    // -------------

    static constexpr int kGroups = kDim / 32, kSteps = kKeys / 16;
    static constexpr float kWeightScale = 16384;  // 2^14

    KRAIT_DEVICE void add_values(int buffer, const float (&weight)[kKeys / 8][4], const float (&factor)[2]) {
        uint32_t high[kSteps][4], low[kSteps][4];
        KRAIT_UNROLL
        for (int step = 0; step < kSteps; ++step) KRAIT_UNROLL
        for (int k = 0; k < 4; ++k) {  // of a: row 8 (k % 2) + eighth, places 8 (k / 2) + 2 quad and the next
            const float* pair = &weight[2 * step + k / 2][k % 2 * 2];
            const float scaled[2] = {pair[0] * kWeightScale, pair[1] * kWeightScale};
            high[step][k] = pack_halves(scaled[0], scaled[1]);
            low[step][k] = pack_halves(scaled[0] - half_to_float(static_cast<uint16_t>(high[step][k])),
                                       scaled[1] - half_to_float(static_cast<uint16_t>(high[step][k] >> 16)));
        }
        KRAIT_UNROLL
        for (int group = 0; group < kGroups; ++group) {
            if (32 * group >= op.v_dim) break;
            float product[4][4] = {};
            KRAIT_UNROLL
            for (int step = 0; step < kSteps; ++step) {
                const uint16_t* from = &memory.value[buffer][(16 * step + 2 * quad) * kValueStride + 32 * group + 4 * eighth];
                const auto first_key = load_vector<uint2>(from), second_key = load_vector<uint2>(from + kValueStride),
                           ninth_key = load_vector<uint2>(from + 8 * kValueStride),
                           tenth_key = load_vector<uint2>(from + 9 * kValueStride);
                KRAIT_UNROLL
                for (int i = 0; i < 4; ++i) {  // a column of two places in one number
                    const uint32_t halves = i % 2 == 0 ? 0x5410u : 0x7632u;
                    const uint32_t b[2] = {
                        pick_bytes(i < 2 ? first_key.x : first_key.y, i < 2 ? second_key.x : second_key.y, halves),
                        pick_bytes(i < 2 ? ninth_key.x : ninth_key.y, i < 2 ? tenth_key.x : tenth_key.y, halves)};
                    multiply_f16(product[i], high[step], b);
                    multiply_f16(product[i], low[step], b);
                }
            }
            KRAIT_UNROLL
            for (int i = 0; i < 4; ++i) KRAIT_UNROLL
            for (int r = 0; r < 4; ++r) values[group][i][r] = fused(values[group][i][r], factor[r / 2], product[i][r]);
        }
    }

    KRAIT_DEVICE void start() {
        KRAIT_UNROLL
        for (int half = 0; half < 2; ++half) largest[half] = -bits_float(0x7f800000u), sum[half] = 0;
        KRAIT_UNROLL
        for (int group = 0; group < kGroups; ++group) KRAIT_UNROLL
        for (int i = 0; i < 4; ++i) KRAIT_UNROLL
        for (int r = 0; r < 4; ++r) values[group][i][r] = 0;
    }

    KRAIT_DEVICE void finish() {
        KRAIT_UNROLL
        for (int half = 0; half < 2; ++half) {
            const int32_t own = 16 * warp + eighth + 8 * half, t = row_of(own);
            float total = sum[half] + shuffle_xor(sum[half], 1);
            total += shuffle_xor(total, 2);
            if (t < 0) continue;
            float* y = op.y.row(t) + static_cast<int64_t>(head_of(own)) * op.v_dim;
            KRAIT_UNROLL
            for (int group = 0; group < kGroups; ++group) KRAIT_UNROLL
            for (int pair = 0; pair < 2; ++pair) KRAIT_UNROLL
            for (int i = 0; i < 4; ++i) {
                const int32_t c = 32 * group + 4 * (2 * quad + pair) + i;
                if (c >= op.v_dim) break;
                const float value = values[group][i][2 * half + pair];
                if (position[half] < 0) y[c] = 0.0f;
                else if (is_finite(value) || total != total) y[c] = divide(value, total * kWeightScale);
                else y[c] = divide(plain_value(own, c, score_base(largest[half])), total);
            }
        }
    }

    // ---- once more, from numbers as they are
    // ----------------------------------------------------------------------------------

    KRAIT_DEVICE float plain_score(int32_t r, int32_t place) const {
        const CacheHead key{cache_row(op, sequence, place) + key_head * op.key_bytes, op.k_dim};
        const float* q = query(r);
        float product = 0;
        for (int32_t c = 0; c < op.k_dim; ++c) product = fused(q[c], CacheColumns<BlockF16>::one(key, c), product);
        return capped_score(op, product);
    }
    KRAIT_DEVICE float plain_value(int32_t r, int32_t c, float base) const {
        const int32_t at = op.positions[row_of(r)];
        float values_sum = 0;
        for (int32_t place = first_place(op, at); place <= at; ++place) {
            const CacheHead value{cache_row(op, sequence, place) + op.first_value + key_head * op.value_bytes, op.v_dim};
            values_sum =
                add_weighted(exp_accurate(plain_score(r, place) - base), CacheColumns<BlockF16>::one(value, c), values_sum);
        }
        return values_sum;
    }

    const AttentionOperands& op;
    const TileShape& shape;
    Memory& memory;
    int32_t key_head, first_head, n_heads;
    int32_t warp, lane, eighth, quad;
    int32_t sequence, first_row, n_row;
    int32_t first_seen, last_seen;
    // Of the lane's queries, eighth and eighth + 8 of the warp's.
    int32_t position[2], first[2];
    float largest[2], sum[2];
    float values[kGroups][4][4];
};

template <int kDim, int kWarps, int kKeys>
KRAIT_GLOBAL(kWarps* kWarpSize)
attention_tiles_kernel(const AttentionOperands op, const TileShape shape) {
    using Work = AttentionTiles<kDim, kWarps, kKeys>;
    using Memory = typename Work::Memory;
    KRAIT_DYNAMIC_SHARED(Memory, memory);
    wait_for_earlier_kernels();
    let_next_kernel_start();
    Work(op, shape, *memory).run();
}

}  // namespace krait::cuda
