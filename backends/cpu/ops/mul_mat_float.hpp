// SPDX-License-Identifier: Apache-2.0
//
// mul_mat with F32 weights, and with F16 and BF16 ones that were not made for it (mul_mat_int16.hpp): widened to f32 and
// multiplied in f32, from the bytes of the file as they stand.
// Lanes run along K. Rows of w are taken kRows at a time, so that one tree of additions finishes four sums.
// The order of additions of an output depends on K alone: spans of kSpan elements; in a span one register accumulates by fma
// from left to right, then its lanes are added as a tree; the spans' sums are added in order; then bias, then residual. So a
// row of y has the same bits whatever T is, whatever rows stand beside it and however many threads there are.
//   few rows of x   weights are widened in registers and multiplied at once: they come from memory once, and that is the bound
//   many rows       a panel of kPanel rows x kSpan is widened to memory of the thread (level 2), where tiles of kTile x kRows
//                   accumulators reuse it for all rows of x
#pragma once

#include "backends/cpu/ops/product_rows.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

struct FloatProblem {
    const std::byte* w;
    int64_t w_stride;  // bytes from row to row
    const float* bias;
    ProductRows* rows;
    int64_t n_out, d_in;  // of one matrix
};

void multiply_float(const FloatProblem& problem, DType weights, Context& context);

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
