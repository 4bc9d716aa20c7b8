// SPDX-License-Identifier: Apache-2.0
//
// mul_mat for many rows of x: a block makes a tile of kTileTok x kTileOut results, 32 columns of x and w at a time through
// shared memory, w as exact float32. A thread has 8 x 4 sums in registers: 12 numbers read for 32 multiplications.
// Grid: (rows of x, rows of w).
#pragma once

#include "backends/cuda/ops/mul_mat_operands.cuh"

namespace krait::cuda {

KRAIT_CONSTANT int kTileBlock = 128;
KRAIT_CONSTANT int kTileTok = 64;
KRAIT_CONSTANT int kTileOut = 64;
KRAIT_CONSTANT int kTilePad = 4;  // vectors stay aligned, columns spread over the banks

// Sixteen weights of a row, from column 16 * half of `unit` on; behind the row's end 0.
template <class Block, class Operands>
KRAIT_DEVICE void weights_of_half(const Operands& op, int64_t row, int64_t unit, int half, float (&to)[16]) {
    if constexpr (kIsQuantized<Block>) {
        PackedUnit<Block> packed;
        packed.load(op.w.low + row * op.w.low_stride, op.w.high + row * op.w.high_stride, unit);
        const UnitScales scales = unit_scales<Block>(op.w, row, unit);
        const float scale = half == 0 ? scales.scale[0] : scales.scale[1];
        const float minimum = half == 0 ? scales.minimum[0] : scales.minimum[1];
        KRAIT_UNROLL
        for (int i = 0; i < 16; i += 4) {
            const uint32_t q = half == 0 ? packed.bytes(i) : packed.bytes(16 + i);
            KRAIT_UNROLL
            for (int b = 0; b < 4; ++b) to[i + b] = fused(scale, PackedUnit<Block>::level(q, b), -minimum);
        }
    } else {
        const auto* from = reinterpret_cast<const Block*>(op.w.low + row * op.w.low_stride);
        KRAIT_UNROLL
        for (int i = 0; i < 16; ++i) {
            const int64_t k = unit * kUnit + 16 * half + i;
            to[i] = k < op.n_in ? value_at(from[k], 0) : 0.0f;
        }
    }
}

// A block's tile.
template <class Block, class Operands>
KRAIT_DEVICE void multiply_tile(const Operands& op, int64_t first_tok, int64_t first_out) {
    constexpr int kTok = kTileTok + kTilePad, kOut = kTileOut + kTilePad;
    KRAIT_SHARED(float, x_tile, kUnit* kTok);  // [column][row]
    KRAIT_SHARED(float, w_tile, kUnit* kOut);
    const auto self = static_cast<int>(threadIdx.x);
    const int own_tok = self / 16 * 8, own_out = self % 16 * 4;
    float sum[8][4] = {};
    for (int64_t unit = 0; unit * kUnit < op.n_in; ++unit) {
        if (unit > 0) block_barrier();
        // x: neighbours read neighbouring columns.
        for (int i = self; i < kTileTok * kUnit; i += kTileBlock) {
            const int t = i / kUnit, k = i % kUnit;
            const bool there = first_tok + t < op.n_tok && unit * kUnit + k < op.n_in;
            x_tile[k * kTok + t] = there ? op.x.row(first_tok + t)[unit * kUnit + k] : 0.0f;
        }
        float weights[16] = {};
        const int n = self % kTileOut, half = self / kTileOut;
        if (first_out + n < op.n_out) weights_of_half<Block>(op, first_out + n, unit, half, weights);
        KRAIT_UNROLL
        for (int i = 0; i < 16; ++i) w_tile[(16 * half + i) * kOut + n] = weights[i];
        block_barrier();
        for (int k = 0; k < kUnit; ++k) {
            alignas(16) float x[8], w[4];
            store_vector(x, load_vector<float4>(&x_tile[k * kTok + own_tok]));
            store_vector(x + 4, load_vector<float4>(&x_tile[k * kTok + own_tok + 4]));
            store_vector(w, load_vector<float4>(&w_tile[k * kOut + own_out]));
            KRAIT_UNROLL
            for (int i = 0; i < 8; ++i) KRAIT_UNROLL
            for (int j = 0; j < 4; ++j) sum[i][j] = fused(x[i], w[j], sum[i][j]);
        }
    }
    for (int i = 0; i < 8; ++i)
        for (int j = 0; j < 4; ++j) {
            const int64_t t = first_tok + own_tok + i, n = first_out + own_out + j;
            if (t < op.n_tok && n < op.n_out) store_result(op, t, n, sum[i][j]);
        }
}

template <class Block>
KRAIT_GLOBAL(kTileBlock)
mul_mat_tiles_kernel(const MulMatOperands op) {
    wait_for_earlier_kernels();
    let_next_kernel_start();
    multiply_tile<Block>(op, static_cast<int64_t>(blockIdx.x) * kTileTok, static_cast<int64_t>(blockIdx.y) * kTileOut);
}

}  // namespace krait::cuda
