// SPDX-License-Identifier: Apache-2.0
//
// mul_mat for many rows of x on the warp's matrix unit: rows of w are A, rows of x (round_rows.cuh) are B. A block makes 64
// rows of w times 8 kTiles rows of x, a warp 16 of the former. 128 columns at a time come to shared memory by asynchronous
// copies, two buffers, one barrier a step; w as it lies in its planes, a quarter of the bytes that f16 would be.
// Quants become f16 by putting them behind the bits of 1024 and taking 1024 and their offset off: exact, whatever the scale. A
// unit's products are summed in the matrix unit as integers times x, and scaled in float32 on their way into the sum: no weight
// is rounded, only x; and x not where it is given as two numbers (kSplit), which doubles the products and is free where reading
// w is the bound. Which column meets which is free as long as A and B agree: lane t of four takes columns 4 t to 4 t + 3 of
// each half of a unit, which lie together in the planes.
// Grid: (rows of x, rows of w).
#pragma once

#include "backends/cuda/ops/mul_mat_operands.cuh"
#include "backends/cuda/ops/round_rows.cuh"

namespace krait::cuda {

KRAIT_CONSTANT int kMmaBlock = 128;
KRAIT_CONSTANT int kMmaOut = 64;
KRAIT_CONSTANT int kStepUnits = kStepColumns / kUnit;

// What of a row of w a step reads, in bytes. Rows in shared memory lie further apart by what keeps eight of them, four words
// each, on different banks.
template <class Block>
struct MmaWeights {
    using Format = PlanesOf<Block>;
    static constexpr int kLow = kStepUnits * Format::kLowBytes, kHigh = kStepUnits * Format::kHighBytes;
    static constexpr int kLowStride = kLow + 16, kHighStride = kHigh > 0 ? kHigh + 16 : 0;
    static constexpr int kScales = 2 * kStepUnits, kScaleStride = kScales + 1;  // a scale for each half of a unit
};
template <class Block>
requires(!kIsQuantized<Block>) struct MmaWeights<Block> {
    static constexpr int kLow = kStepColumns * 2, kHigh = 0;
    static constexpr int kLowStride = kLow + 32, kHighStride = 0;
    static constexpr int kScales = 0, kScaleStride = 0;
};

template <class Block, int kTiles, bool kSplit>
struct MmaStep {
    using Weights = MmaWeights<Block>;
    static constexpr int kTok = 8 * kTiles, kXRows = kSplit ? 2 * kTok : kTok;
    static constexpr int kXStride = kStepColumns + 16;  // halves
    alignas(16) uint16_t x[kXRows * kXStride];
    alignas(16) uint8_t low[kMmaOut * Weights::kLowStride];
    alignas(16) uint8_t high[Weights::kHighStride > 0 ? kMmaOut* Weights::kHighStride : 16];
    float scale[Weights::kScales > 0 ? kMmaOut* Weights::kScaleStride : 1];
    float minimum[Weights::kScales > 0 ? kMmaOut* Weights::kScaleStride : 1];
    float sums[kTok * (2 * kStepUnits + 1)];
};

template <class Block, int kTiles, bool kSplit, class Operands = MulMatOperands>
class MmaProduct {
  public:
    using Step = MmaStep<Block, kTiles, kSplit>;
    using Weights = typename Step::Weights;

    // The block's results: rows of x from `tok` on, rows of w from `out` on.
    KRAIT_DEVICE MmaProduct(const Operands& operands, const RoundedRows& rows, Step* steps, int64_t tok, int64_t out)
        : op(operands), rounded(rows), step(steps), first_tok(tok), first_out(out) {
        const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
        own_row = static_cast<int>(threadIdx.x) / kWarpSize * 16 + lane / 4;
        group = lane / 4;
        quad = lane % 4;
        for (int tile = 0; tile < kTiles; ++tile)
            for (int i = 0; i < 4; ++i) sum[tile][i] = 0;
    }

    KRAIT_DEVICE void run() {
        const int64_t n_steps = rounded.padded / kStepColumns;
        if (n_steps > 0) fetch(step[0], 0);
        for (int64_t s = 0; s < n_steps; ++s) {
            copy_async_wait<0>();
            block_barrier();  // the step is there for all, and all are done with the other buffer
            if (s + 1 < n_steps) fetch(step[(s + 1) % 2], s + 1);
            multiply(step[s % 2]);
        }
        store_fragments(op, rounded.unscale, first_out + own_row, first_tok + 2 * quad, sum);
    }

  private:
    // 16 bytes of a row that has `row_bytes`: what lies behind its end becomes 0.
    KRAIT_DEVICE static void fetch_16(void* to, const uint8_t* row, int64_t at, int64_t row_bytes, bool there) {
        const int64_t left = there ? row_bytes - at : 0;
        copy_async<16>(to, left > 0 ? row + at : row, left >= 16 ? 16u : left > 0 ? static_cast<uint32_t>(left) : 0u);
    }

    KRAIT_DEVICE void fetch(Step& to, int64_t s) const {
        const auto self = static_cast<int>(threadIdx.x);
        constexpr int kXPieces = kStepColumns / 8;  // of 16 bytes, in a row
        for (int i = self; i < Step::kXRows * kXPieces; i += kMmaBlock) {
            const int row = i / kXPieces, piece = i % kXPieces;
            const int64_t t = first_tok + row % Step::kTok;
            const int64_t source = t < op.n_tok ? source_row(op.x, t) : 0;
            const int64_t which = source + (row >= Step::kTok ? rounded.n_row : 0);  // low halves lie behind all high ones
            const auto* from = reinterpret_cast<const uint8_t*>(rounded.values + which * rounded.padded);
            fetch_16(&to.x[row * Step::kXStride + piece * 8], from, s * kStepColumns * 2 + piece * 16, rounded.padded * 2,
                     t < op.n_tok);
        }
        fetch_plane<Weights::kLow, Weights::kLowStride>(to.low, op.w.low, op.w.low_stride, s);
        if constexpr (Weights::kHigh > 0)
            fetch_plane<Weights::kHigh, Weights::kHighStride>(to.high, op.w.high, op.w.high_stride, s);
        copy_async_commit();
        if constexpr (kIsQuantized<Block>) {
            for (int i = self; i < kMmaOut * kStepUnits; i += kMmaBlock) {
                const int row = i / kStepUnits, u = i % kStepUnits;
                const int64_t n = first_out + row, unit = s * kStepUnits + u;
                const bool there = n < op.n_out && unit * kUnit < op.n_in;
                const UnitScales scales = there ? unit_scales<Block>(op.w, n, unit) : UnitScales{};
                for (int half = 0; half < 2; ++half) {
                    to.scale[row * Weights::kScaleStride + 2 * u + half] = scales.scale[half];
                    if constexpr (PlanesOf<Block>::kMinima)
                        to.minimum[row * Weights::kScaleStride + 2 * u + half] = scales.minimum[half];
                }
            }
            if constexpr (PlanesOf<Block>::kMinima) {
                constexpr int kSums = 2 * kStepUnits;
                for (int i = self; i < Step::kTok * kSums; i += kMmaBlock) {
                    const int64_t t = first_tok + i / kSums;
                    const int64_t source = t < op.n_tok ? source_row(op.x, t) : 0;
                    const float* from = rounded.sums + (source * rounded.padded + s * kStepColumns) / kSumColumns;
                    to.sums[i / kSums * (kSums + 1) + i % kSums] = t < op.n_tok ? from[i % kSums] : 0.0f;
                }
            }
        }
    }

    template <int kBytes, int kStride>
    KRAIT_DEVICE void fetch_plane(uint8_t* to, const uint8_t* plane, int64_t row_bytes, int64_t s) const {
        constexpr int kPieces = kBytes / 16;
        for (int i = static_cast<int>(threadIdx.x); i < kMmaOut * kPieces; i += kMmaBlock) {
            const int row = i / kPieces, piece = i % kPieces;
            const bool there = first_out + row < op.n_out;
            fetch_16(to + row * kStride + piece * 16, plane + (there ? first_out + row : 0) * row_bytes,
                     s * kBytes + piece * 16, row_bytes, there);
        }
    }

    // Four quants in bytes as four f16, two in each word.
    KRAIT_DEVICE static void to_halves(uint32_t quants, uint32_t& first, uint32_t& second) {
        using Format = PlanesOf<Block>;
        constexpr bool kSigned = Format::kCodebook || Format::kLowBits == 8;  // in excess of 128 they are unsigned
        if constexpr (Format::kCodebook) quants = PackedUnit<Block>::codebook_bytes(quants);
        if constexpr (kSigned) quants ^= 0x80808080u;
        constexpr uint32_t kBias = kSigned ? 1024 + 128 : 1024 - Format::level(0);  // f16 has its 1024 to 2047 as integers
        constexpr uint32_t kHalf = 0x6400u + (kBias - 1024u), kHalves = kHalf << 16 | kHalf;
        first = subtract_halves(pick_bytes(quants, 0x64646464u, 0x4140u), kHalves);
        second = subtract_halves(pick_bytes(quants, 0x64646464u, 0x4342u), kHalves);
    }

    KRAIT_DEVICE static uint32_t quants_of(const Step& now, int row, int unit, int i) {
        using Format = PlanesOf<Block>;
        const uint8_t* low = now.low + row * Weights::kLowStride + unit * Format::kLowBytes;
        const auto word = [](const uint8_t* bytes, int index) { return load_vector<uint32_t>(bytes + 4 * index); };
        uint32_t q = 0;
        if constexpr (Format::kLowBits == 8) q = word(low, i / 4);
        if constexpr (Format::kLowBits == 4) q = word(low, i % 16 / 4) >> (i / 16 * 4) & 0x0f0f0f0fu;
        if constexpr (Format::kLowBits == 2) q = word(low, i % 8 / 4) >> (i / 8 * 2) & 0x03030303u;
        if constexpr (Format::kHighBits > 0) {
            const uint8_t* high = now.high + row * Weights::kHighStride + unit * Format::kHighBytes;
            if constexpr (Format::kHighBits == 2) q |= (word(high, i % 8 / 4) >> (i / 8 * 2) & 0x03030303u) << Format::kLowBits;
            if constexpr (Format::kHighBits == 1) q |= PackedUnit<Block>::spread_bits(word(high, 0) >> i);
        }
        return q;
    }

    KRAIT_DEVICE void load_x(const Step& now, int row, int column, uint32_t (&b)[2]) const {
        const auto pair = load_vector<uint2>(&now.x[row * Step::kXStride + column]);
        b[0] = pair.x;
        b[1] = pair.y;
    }

    KRAIT_DEVICE void multiply(const Step& now) {
        if constexpr (kIsQuantized<Block>) {
            KRAIT_UNROLL
            for (int unit = 0; unit < kStepUnits; ++unit) KRAIT_UNROLL
            for (int half = 0; half < 2; ++half) multiply_half(now, unit, half);
        } else {
            KRAIT_UNROLL
            for (int k = 0; k < kStepColumns; k += 16) multiply_plain(now, k);
        }
    }

    KRAIT_DEVICE void multiply_half(const Step& now, int unit, int half) {
        uint32_t a[4];
        to_halves(quants_of(now, own_row, unit, 16 * half + 4 * quad), a[0], a[2]);
        to_halves(quants_of(now, own_row + 8, unit, 16 * half + 4 * quad), a[1], a[3]);
        const int at = own_row * Weights::kScaleStride + 2 * unit + half;
        const float scale[2] = {now.scale[at], now.scale[at + 8 * Weights::kScaleStride]};
        float minimum[2] = {};
        if constexpr (PlanesOf<Block>::kMinima)
            minimum[0] = now.minimum[at], minimum[1] = now.minimum[at + 8 * Weights::kScaleStride];
        KRAIT_UNROLL
        for (int tile = 0; tile < kTiles; ++tile) {
            uint32_t b[2];
            load_x(now, 8 * tile + group, unit * kUnit + 16 * half + 4 * quad, b);
            float product[4] = {};
            multiply_f16(product, a, b);
            if constexpr (kSplit) {
                load_x(now, Step::kTok + 8 * tile + group, unit * kUnit + 16 * half + 4 * quad, b);
                multiply_f16(product, a, b);
            }
            KRAIT_UNROLL
            for (int i = 0; i < 4; ++i) {
                sum[tile][i] = fused(scale[i / 2], product[i], sum[tile][i]);
                if constexpr (PlanesOf<Block>::kMinima) {
                    const float total = now.sums[(8 * tile + 2 * quad + i % 2) * (2 * kStepUnits + 1) + 2 * unit + half];
                    sum[tile][i] = fused(-minimum[i / 2], total, sum[tile][i]);
                }
            }
        }
    }

    KRAIT_DEVICE static void multiply_pair(float (&to)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
        if constexpr (std::is_same_v<Block, BlockBF16>) multiply_bf16(to, a, b);
        else multiply_f16(to, a, b);
    }

    // The same choice of columns: lane t of four has columns k + 4 t to k + 4 t + 3.
    KRAIT_DEVICE void multiply_plain(const Step& now, int k) {
        const auto upper = load_vector<uint2>(now.low + own_row * Weights::kLowStride + 2 * (k + 4 * quad));
        const auto lower = load_vector<uint2>(now.low + (own_row + 8) * Weights::kLowStride + 2 * (k + 4 * quad));
        const uint32_t a[4] = {upper.x, lower.x, upper.y, lower.y};
        KRAIT_UNROLL
        for (int tile = 0; tile < kTiles; ++tile) {
            uint32_t b[2];
            load_x(now, 8 * tile + group, k + 4 * quad, b);
            multiply_pair(sum[tile], a, b);
            if constexpr (kSplit) {
                load_x(now, Step::kTok + 8 * tile + group, k + 4 * quad, b);
                multiply_pair(sum[tile], a, b);
            }
        }
    }

    const Operands& op;
    const RoundedRows& rounded;
    Step* step;
    int64_t first_tok, first_out;
    int own_row, group, quad;
    float sum[kTiles][4];
};

template <class Block, int kTiles, bool kSplit>
KRAIT_GLOBAL(kMmaBlock)
mul_mat_mma_kernel(const MulMatOperands op, const RoundedRows rounded) {
    using Product = MmaProduct<Block, kTiles, kSplit>;
    using Step = typename Product::Step;
    KRAIT_DYNAMIC_SHARED(Step, steps);
    Product product(op, rounded, steps, static_cast<int64_t>(blockIdx.x) * Step::kTok,
                    static_cast<int64_t>(blockIdx.y) * kMmaOut);
    wait_for_earlier_kernels();
    let_next_kernel_start();
    product.run();
}

}  // namespace krait::cuda
