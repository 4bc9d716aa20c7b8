// SPDX-License-Identifier: Apache-2.0
//
// mul_mat for many rows of x on sm_90a's warpgroups: rows of w are A in registers, rows of x (round_rows.cuh) are B in shared
// memory. A block makes 128 rows of w times 8 kTiles rows of x, each of two warpgroups 64 of the former. x comes by
// asynchronous copies, 128 columns a step, several steps ahead, one barrier a step. w comes from its planes into registers a
// step ahead, and becomes f16 there: never in shared memory, and no lane decodes what another does.
// Which column meets which is free as long as A and B agree. So lane t of four takes run t of four that lie beside each other,
// of kRun columns: a whole unit of quants with its scales, or 16 bytes of numbers; round_rows.cuh puts x's columns in that
// order. A weight is rounded once, to f16: scale * level - minimum in float32 times the power of two that takes the tensor's
// largest into [2^14, 2^15), so what is rounded relatively worse is less than 2^-28 of the largest. F16 is what it is; BF16
// meets x as two bf16, low rows beside high ones in the same product.
// Grid: (rows of x, rows of w).
#pragma once

#include "backends/cuda/kernels/warpgroup.cuh"
#include "backends/cuda/ops/mul_mat_operands.cuh"
#include "backends/cuda/ops/round_rows.cuh"

namespace krait::cuda {

KRAIT_CONSTANT int kWgmmaBlock = 256;
KRAIT_CONSTANT int kWgmmaOut = 128;
KRAIT_CONSTANT int kWgmmaStages = 4;  // steps of x in shared memory: one is read, one is read out, two are on their way
KRAIT_CONSTANT int kWgmmaPatternBytes = 1024;  // the swizzle's pattern starts at a multiple
KRAIT_CONSTANT int kStepProducts = kStepColumns / 16;

// ---- a lane's weights of a step, two rows ---------------------------------------------------------------------------------

template <class Block>
class StepWeights {
  public:
    static constexpr int kRun = kUnit;

    KRAIT_DEVICE void start(const MulMatOperands& op, int64_t upper, int64_t lower, int quad, float factor) {
        units_ = static_cast<int>(op.n_in / kUnit);
        quad_ = quad;
        factor_ = factor;
        const int64_t row[2] = {upper, lower};
        KRAIT_UNROLL
        for (int r = 0; r < 2; ++r) {
            low_[r] = op.w.low + row[r] * op.w.low_stride;
            high_[r] = op.w.high + row[r] * op.w.high_stride;
            meta_[r] = reinterpret_cast<const typename Format::Meta*>(op.w.meta + row[r] * op.w.meta_stride);
        }
    }
    KRAIT_DEVICE void load(int step) {
        const int wanted = step * (kStepColumns / kUnit) + quad_;
        const bool there = wanted < units_;
        const int unit = there ? wanted : units_ - 1;  // behind the last it is the last once more, times 0
        KRAIT_UNROLL
        for (int r = 0; r < 2; ++r) {
            packed_[r].template load<false>(low_[r], high_[r], unit);
            const UnitScales scales = meta_[r][unit / kUnitsPerBlock<Block>].scales(unit % kUnitsPerBlock<Block>);
            const float factor = there ? factor_ : 0.0f;
            KRAIT_UNROLL
            for (int half = 0; half < 2; ++half) {
                scale_[r][half] = scales.scale[half] * factor;
                addend_[r][half] = fused(-scale_[r][half], kExcess, -scales.minimum[half] * factor);
            }
        }
    }
    // A of product j of kStepProducts.
    KRAIT_DEVICE void fragment(int j, uint32_t (&a)[4]) const {
        KRAIT_UNROLL
        for (int r = 0; r < 2; ++r) {
            uint32_t quants = packed_[r].bytes(4 * j);
            if constexpr (Format::kCodebook) quants = PackedUnit<Block>::codebook_bytes(quants);
            if constexpr (!kBehind128) quants ^= 0x80808080u;  // signed levels in excess of 128
            const float scale = scale_[r][j / 4], addend = addend_[r][j / 4];
            a[r] = pack_halves(weight(quants, 0, scale, addend), weight(quants, 1, scale, addend));
            a[r + 2] = pack_halves(weight(quants, 2, scale, addend), weight(quants, 3, scale, addend));
        }
    }

  private:
    using Format = PlanesOf<Block>;
    // Up to seven bits behind those of 128 are a float32 of 128 more, whose product takes off what is too much with the
    // minimum. In that sum a rounding is at most 2^-24 of 128 scales and more, little beside that of f16.
    static constexpr bool kBehind128 = !Format::kCodebook && Format::kLowBits + Format::kHighBits < 8;
    static constexpr float kExcess = kBehind128 ? 128.0f - static_cast<float>(Format::level(0)) : 0.0f;

    KRAIT_DEVICE static float weight(uint32_t quants, uint32_t byte, float scale, float addend) {
        if constexpr (kBehind128)
            return fused(scale, bits_float(pick_bytes(quants, 0x43000000u, 0x7044u + (byte << 8))), addend);
        // Behind the bits of 2^23; the difference is exact.
        else return scale * (bits_float(pick_bytes(quants, 0x4b000000u, 0x7440u + byte)) - (8388608.0f + 128.0f));
    }

    const uint8_t* low_[2];
    const uint8_t* high_[2];
    const typename Format::Meta* meta_[2];
    int units_, quad_;
    float factor_;
    PackedUnit<Block> packed_[2];
    float scale_[2][2];
    float addend_[2][2];
};

template <class Block>
requires(!kIsQuantized<Block>) class StepWeights<Block> {
  public:
    static constexpr int kRun = 8;

    KRAIT_DEVICE void start(const MulMatOperands& op, int64_t upper, int64_t lower, int quad, float) {
        row_[0] = op.w.low + upper * op.w.low_stride;
        row_[1] = op.w.low + lower * op.w.low_stride;
        n_in_ = static_cast<int>(op.n_in);
        first_ = quad * kRun;
    }
    KRAIT_DEVICE void load(int step) {
        KRAIT_UNROLL
        for (int i = 0; i < kRuns; ++i) {
            const int column = step * kStepColumns + i * 4 * kRun + first_;
            const bool there = column < n_in_;  // rows are filled up with zeros to whole 16 bytes
            KRAIT_UNROLL
            for (int r = 0; r < 2; ++r) {
                packed_[r][i] = load_vector<uint4>(row_[r] + static_cast<int64_t>(there ? column : 0) * 2);
                if (!there) packed_[r][i] = uint4{0, 0, 0, 0};
            }
        }
    }
    KRAIT_DEVICE void fragment(int j, uint32_t (&a)[4]) const {
        KRAIT_UNROLL
        for (int r = 0; r < 2; ++r) {
            const uint4& run = packed_[r][j / 2];
            a[r] = j % 2 == 0 ? run.x : run.z;
            a[r + 2] = j % 2 == 0 ? run.y : run.w;
        }
    }

  private:
    static constexpr int kRuns = kStepColumns / (4 * kRun);
    const uint8_t* row_[2];
    int n_in_, first_;
    uint4 packed_[2][kRuns];
};

// ---- a block -----------------------------------------------------------------------------------------------------------

template <int kTiles>
KRAIT_CONSTANT int kWgmmaStepBytes = 8 * kTiles* kStepColumns * 2;
template <int kTiles>
KRAIT_CONSTANT int kWgmmaShared = kWgmmaStages* kWgmmaStepBytes<kTiles> + kWgmmaPatternBytes;

// x on its way to shared memory: a thread copies one piece of 16 bytes of every kRowsApart-th row.
template <int kTiles, bool kSplit>
class WgmmaRows {
  public:
    static constexpr int kRows = 8 * kTiles, kTok = kSplit ? kRows / 2 : kRows;
    static constexpr uint32_t kHalfBytes = kRows * 128;  // 64 columns of all rows: a row of the swizzle's pattern is 128 bytes

    KRAIT_DEVICE WgmmaRows(const RoundedRows& rounded, int64_t n_tok, int64_t first_tok, uint8_t* start) {
        const int piece = static_cast<int>(threadIdx.x) % kPieces, row = static_cast<int>(threadIdx.x) / kPieces;
        to_ = start + piece / 8 * kHalfBytes + swizzled_128(static_cast<uint32_t>(row), static_cast<uint32_t>(piece % 8));
        from_ = rounded.values + (first_tok + row) * rounded.padded + piece * 8;
        apart_ = kRowsApart * rounded.padded;
        low_apart_ = (n_tok - kTok) * rounded.padded;  // low rows lie behind all high ones
        left_ = static_cast<int>(n_tok - first_tok < kTok ? n_tok - first_tok : kTok) - row;
    }
    // The next step's columns, to stage `stage`.
    KRAIT_DEVICE void fetch(int stage) {
        uint8_t* to = to_ + stage * kWgmmaStepBytes<kTiles>;
        KRAIT_UNROLL
        for (int i = 0; i < kRows / kRowsApart; ++i) {
            const bool low = i * kRowsApart >= kTok;
            const bool there = i * kRowsApart % kTok < left_;
            // Nothing is read of rows that are not there.
            copy_async<16>(to + i * kRowsApart * 128, from_ + i * apart_ + (low ? low_apart_ : 0), there ? 16u : 0u);
        }
        from_ += kStepColumns;
    }

  private:
    static constexpr int kPieces = kStepColumns / 8, kRowsApart = kWgmmaBlock / kPieces;
    static_assert(kRowsApart % 8 == 0 && kTok % kRowsApart == 0);  // whole patterns, so each piece keeps its place in them

    uint8_t* to_;
    const uint16_t* from_;
    int64_t apart_, low_apart_;
    int left_;  // rows from this thread's first on
};

template <class Block, int kTiles, bool kSplit>
class WgmmaProduct {
  public:
    using XRows = WgmmaRows<kTiles, kSplit>;
    static constexpr int kTok = XRows::kTok;

    KRAIT_DEVICE WgmmaProduct(const MulMatOperands& operands, const RoundedRows& rows, uint8_t* memory)
        : op(operands),
          rounded(rows),
          pattern_start(to_pattern(memory)),
          first_tok(static_cast<int64_t>(blockIdx.x) * kTok),
          x(rows, operands.n_tok, first_tok, memory + pattern_start - shared_address(memory)) {
        const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
        quad = lane % 4;
        first_out = static_cast<int64_t>(blockIdx.y) * kWgmmaOut + static_cast<int>(threadIdx.x) / kWarpSize * 16 + lane / 4;
        KRAIT_UNROLL
        for (int tile = 0; tile < kTiles; ++tile) KRAIT_UNROLL
        for (int i = 0; i < 4; ++i) sum[tile][i] = 0;
    }

    KRAIT_DEVICE void run(float factor) {
        const auto n_steps = static_cast<int>(rounded.padded / kStepColumns);
        StepWeights<Block> weights, next;
        // Rows behind the last are the last once more, and are not stored.
        weights.start(op, first_out < op.n_out ? first_out : op.n_out - 1,
                      first_out + 8 < op.n_out ? first_out + 8 : op.n_out - 1, quad, factor);
        weights.load(0);
        wait_for_earlier_kernels();
        let_next_kernel_start();
        KRAIT_UNROLL
        for (int s = 0; s < kAhead; ++s) fetch(s, n_steps);
        warpgroup_fence(sum);
        uint32_t a[2][2][4];
        for (int s = 0; s < n_steps; ++s) {
            copy_async_wait<kAhead - 1>();
            async_proxy_fence();
            // The step is there for all, and all have waited for all but the last products of the step before: the stage of the
            // one before that is free.
            block_barrier();
            fetch(s + kAhead, n_steps);
            next = weights;
            next.load(s + 1);
            const uint32_t stage = pattern_start + static_cast<uint32_t>(s % kWgmmaStages) * kWgmmaStepBytes<kTiles>;
            KRAIT_UNROLL
            for (int pair = 0; pair < kStepProducts / 2; ++pair) {
                uint32_t(&own)[2][4] = a[pair % 2];
                weights.fragment(2 * pair, own[0]);
                weights.fragment(2 * pair + 1, own[1]);
                warpgroup_fence(own[0], own[1]);
                warpgroup_multiply<kBf16>(sum, own[0], descriptor(stage, 2 * pair));
                warpgroup_multiply<kBf16>(sum, own[1], descriptor(stage, 2 * pair + 1));
                warpgroup_commit();
                warpgroup_wait<1>();  // the other pair of fragments is free
            }
            weights = next;
        }
        warpgroup_finish(sum);
    }

    KRAIT_DEVICE void finish(float inverse_factor) const {
        constexpr int kOwn = kTok / 8;
        float whole[kOwn][4];
        KRAIT_UNROLL
        for (int tile = 0; tile < kOwn; ++tile) KRAIT_UNROLL
        for (int i = 0; i < 4; ++i) {
            float value = sum[tile][i];
            if constexpr (kSplit) value += sum[kOwn + tile][i];
            whole[tile][i] = value * inverse_factor;
        }
        store_fragments(op, rounded.unscale, first_out, first_tok + 2 * quad, whole);
    }

  private:
    static constexpr bool kBf16 = std::is_same_v<Block, BlockBF16>;
    static constexpr int kAhead = kWgmmaStages - 2;

    KRAIT_DEVICE static uint32_t to_pattern(const uint8_t* memory) {
        return (shared_address(memory) + kWgmmaPatternBytes - 1) / kWgmmaPatternBytes * kWgmmaPatternBytes;
    }
    KRAIT_DEVICE static uint64_t descriptor(uint32_t stage, int product) {
        const auto j = static_cast<uint32_t>(product);
        return matrix_descriptor(stage + j / 4 * XRows::kHalfBytes + j % 4 * 32, kWgmmaPatternBytes, Swizzle::bytes_128);
    }
    // Behind the last step a group of nothing, so that groups are counted alike.
    KRAIT_DEVICE void fetch(int s, int n_steps) {
        if (s < n_steps) x.fetch(s % kWgmmaStages);
        copy_async_commit();
    }

    const MulMatOperands& op;
    const RoundedRows& rounded;
    uint32_t pattern_start;
    int64_t first_tok, first_out;
    XRows x;
    int quad;
    float sum[kTiles][4];
};

// factor: the power of two that weights are multiplied with before they are rounded; inverse_factor its inverse.
template <class Block, int kTiles, bool kSplit>
KRAIT_GLOBAL(kWgmmaBlock)
mul_mat_wgmma_kernel(const MulMatOperands op, const RoundedRows rounded, float factor, float inverse_factor) {
    if constexpr (kHasWgmma) {
        KRAIT_DYNAMIC_SHARED(uint8_t, memory);
        WgmmaProduct<Block, kTiles, kSplit> product(op, rounded, memory);
        product.run(factor);
        product.finish(inverse_factor);
    }
}

}  // namespace krait::cuda
