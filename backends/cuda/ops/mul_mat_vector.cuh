// SPDX-License-Identifier: Apache-2.0
//
// mul_mat for few rows of x, where reading the weights is the work. A warp takes kVectorRows rows of w; x goes through shared
// memory in pieces of 1024 columns, in an order in which lanes read without bank conflicts. Quantized weights: a lane takes a
// unit of 32, multiplies its quants as numbers, and scales the sums of its halves once. Others: a lane takes 16 bytes at a
// time. Where a norm is wanted, every block computes the roots of x's rows for itself, which are in L2 for all but the first: a
// launch less, and the same bits as rms_norm.cuh's.
// A block that starts before x is there asks for the weights of its first piece of columns: a kilobyte or two a row, as much as
// memory gives in the microseconds that there are, and little beside L2 for all blocks that a device holds.
// Sums are float32. kTok: rows of x that are computed together; the rest of x's rows are masked.
// Grid: (rows of w).
#pragma once

#include "backends/cuda/ops/mul_mat_operands.cuh"
#include "backends/cuda/ops/rms_norm.cuh"

namespace krait::cuda {

KRAIT_CONSTANT int kVectorBlock = 128;
KRAIT_CONSTANT int kVectorRows = 2;  // of a warp: two loads of 16 bytes in flight, and x is read half as often
KRAIT_CONSTANT int kVectorRowsOfBlock = kVectorBlock / kWarpSize * kVectorRows;
KRAIT_CONSTANT int kPiece = kWarpSize * kUnit;  // columns in shared memory

// Column k of a piece: quarter k / 4 % 8 of unit k / 32. Quarters of one number lie beside each other, lane after lane; a row
// of 33 of them spreads the stores over the banks as well.
KRAIT_CONSTANT int kQuarterStride = 4 * (kWarpSize + 1);
KRAIT_CONSTANT int kPieceFloats = 8 * kQuarterStride;
KRAIT_DEVICE int piece_at(int k) { return k % kUnit / 4 * kQuarterStride + k / kUnit * 4 + k % 4; }

template <class Block, int kTok>
class VectorProduct {
  public:
    KRAIT_DEVICE VectorProduct(const MulMatOperands& operands, float* piece, NormRoot* norm_roots)
        : op(operands), x(piece), roots(norm_roots) {
        lane = threadIdx.x % kWarpSize;
        first = (static_cast<int64_t>(blockIdx.x) * (kVectorBlock / kWarpSize) + threadIdx.x / kWarpSize) * kVectorRows;
        KRAIT_UNROLL
        for (int r = 0; r < kVectorRows; ++r) {
            // Rows behind the last are the last once more, and are not stored.
            row[r] = first + r < op.n_out ? first + r : op.n_out - 1;
            KRAIT_UNROLL
            for (int t = 0; t < kTok; ++t) sum[r][t] = 0;
        }
    }

    KRAIT_DEVICE void run() {
        if (op.norm.wanted) find_roots();
        for (int64_t from = 0; from < op.n_in; from += kPiece) {
            const int n = op.n_in - from < kPiece ? static_cast<int>(op.n_in - from) : kPiece;
            if (from > 0) block_barrier();  // all are done with the piece before
            stage(from, n);
            block_barrier();
            if constexpr (kIsQuantized<Block>) add_units(from, n);
            else add_plain(from, n);
        }
        finish();
    }

  private:
    KRAIT_DEVICE void find_roots() const {
        KRAIT_SHARED(float, partial, kNormBlock / kWarpSize);
        static_assert(kNormBlock == kVectorBlock);
        for (int64_t t = 0; t < op.n_tok; ++t) {
            const NormRoot root = norm_root(op.x.row(t), op.n_in, static_cast<float>(op.n_in), op.norm.eps, partial);
            if (threadIdx.x == 0) roots[t] = root;
        }
        block_barrier();
    }
    KRAIT_DEVICE float input(int64_t t, int64_t k) const {
        const float value = op.x.row(t)[k];
        if (!op.norm.wanted) return value;
        const float normed = norm_value(value, roots[t], op.norm.weight, k);
        if (blockIdx.x == 0) op.norm.normed.row(t)[k] = normed;
        return normed;
    }

    // What lies behind the row's end becomes 0, up to a whole unit.
    KRAIT_DEVICE void stage(int64_t from, int n) const {
        const int whole = (n + kUnit - 1) / kUnit * kUnit;
        KRAIT_UNROLL
        for (int t = 0; t < kTok; ++t) {
            if (t >= op.n_tok) break;
            for (int k = static_cast<int>(threadIdx.x); k < whole; k += kVectorBlock)
                x[t * kPieceFloats + piece_at(k)] = k < n ? input(t, from + k) : 0.0f;
        }
    }

    KRAIT_DEVICE void add_units(int64_t from, int n) {
        using Format = PlanesOf<Block>;
        if (static_cast<int>(lane) * kUnit >= n) return;
        const int64_t unit = from / kUnit + lane;
        PackedUnit<Block> packed[kVectorRows];
        UnitScales scales[kVectorRows];
        KRAIT_UNROLL
        for (int r = 0; r < kVectorRows; ++r) {
            packed[r].load(op.w.low + row[r] * op.w.low_stride, op.w.high + row[r] * op.w.high_stride, unit);
            scales[r] = unit_scales<Block>(op.w, row[r], unit);
        }
        KRAIT_UNROLL
        for (int t = 0; t < kTok; ++t) {
            if (t >= op.n_tok) break;
            KRAIT_UNROLL
            for (int half = 0; half < 2; ++half) {
                float products[kVectorRows] = {}, total = 0;
                KRAIT_UNROLL
                for (int i = 16 * half; i < 16 * half + 16; i += 4) {
                    const auto four = load_vector<float4>(&x[t * kPieceFloats + i / 4 * kQuarterStride + lane * 4]);
                    if constexpr (Format::kMinima) total += (four.x + four.y) + (four.z + four.w);
                    KRAIT_UNROLL
                    for (int r = 0; r < kVectorRows; ++r) {
                        const uint32_t q = packed[r].bytes(i);
                        products[r] = fused(PackedUnit<Block>::level(q, 0), four.x, products[r]);
                        products[r] = fused(PackedUnit<Block>::level(q, 1), four.y, products[r]);
                        products[r] = fused(PackedUnit<Block>::level(q, 2), four.z, products[r]);
                        products[r] = fused(PackedUnit<Block>::level(q, 3), four.w, products[r]);
                    }
                }
                KRAIT_UNROLL
                for (int r = 0; r < kVectorRows; ++r) {
                    sum[r][t] = fused(scales[r].scale[half], products[r], sum[r][t]);
                    if constexpr (Format::kMinima) sum[r][t] = fused(-scales[r].minimum[half], total, sum[r][t]);
                }
            }
        }
    }

    KRAIT_DEVICE void add_plain(int64_t from, int n) {
        constexpr int kVector = 16 / static_cast<int>(sizeof(Block));  // weights of a load; rows are padded to whole ones
        for (int k = static_cast<int>(lane) * kVector; k < n; k += kWarpSize * kVector) {
            uint4 packed[kVectorRows];
            KRAIT_UNROLL
            for (int r = 0; r < kVectorRows; ++r)
                packed[r] = load_streaming<uint4>(op.w.low + row[r] * op.w.low_stride +
                                                  (from + k) * static_cast<int64_t>(sizeof(Block)));
            KRAIT_UNROLL
            for (int t = 0; t < kTok; ++t) {
                if (t >= op.n_tok) break;
                KRAIT_UNROLL
                for (int i = 0; i < kVector; i += 4) {
                    const auto four = load_vector<float4>(&x[t * kPieceFloats + piece_at(k + i)]);
                    KRAIT_UNROLL
                    for (int r = 0; r < kVectorRows; ++r) {
                        sum[r][t] = fused(element(packed[r], i), four.x, sum[r][t]);
                        sum[r][t] = fused(element(packed[r], i + 1), four.y, sum[r][t]);
                        sum[r][t] = fused(element(packed[r], i + 2), four.z, sum[r][t]);
                        sum[r][t] = fused(element(packed[r], i + 3), four.w, sum[r][t]);
                    }
                }
            }
        }
    }

    KRAIT_DEVICE static uint32_t word(const uint4& v, int i) { return i == 0 ? v.x : i == 1 ? v.y : i == 2 ? v.z : v.w; }
    KRAIT_DEVICE static float element(const uint4& v, int i) {
        if constexpr (sizeof(Block) == 4) {
            return bits_float(word(v, i));
        } else {
            const auto bits = static_cast<uint16_t>(word(v, i / 2) >> (i % 2 * 16));
            return std::is_same_v<Block, BlockBF16> ? bits_float(static_cast<uint32_t>(bits) << 16) : half_to_float(bits);
        }
    }

    KRAIT_DEVICE void finish() {
        KRAIT_UNROLL
        for (int r = 0; r < kVectorRows; ++r) KRAIT_UNROLL
        for (int t = 0; t < kTok; ++t) {
            if (t >= op.n_tok) break;
            const float whole = reduce_warp(sum[r][t], SumOf());
            if (lane == 0 && first + r < op.n_out) store_result(op, t, first + r, whole);
        }
    }

    const MulMatOperands& op;
    float* x;
    NormRoot* roots;
    uint32_t lane;
    int64_t first;
    int64_t row[kVectorRows];
    float sum[kVectorRows][kTok];
};

template <class Block, int kTok>
KRAIT_GLOBAL(kVectorBlock)
mul_mat_vector_kernel(const MulMatOperands op) {
    KRAIT_SHARED(float, piece, kTok* kPieceFloats);
    KRAIT_SHARED(NormRoot, roots, kTok);
    VectorProduct<Block, kTok> product(op, piece, roots);
    if (op.early) {
        const int64_t first = static_cast<int64_t>(blockIdx.x) * kVectorRowsOfBlock, left = op.n_out - first;
        prefetch_rows<Block>(op.w, first, left < kVectorRowsOfBlock ? left : kVectorRowsOfBlock,
                             op.n_in < kPiece ? op.n_in : kPiece);
    }
    wait_for_earlier_kernels();
    let_next_kernel_start();
    product.run();
}

}  // namespace krait::cuda
