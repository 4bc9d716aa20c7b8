// SPDX-License-Identifier: Apache-2.0
//
// mul_mat with F16 and BF16 weights: exact dot products of integers of 13 bits, one float32 scaling a unit of kInt16Unit
// elements (quant/int16_panel.hpp).
//   y[t, n] = sum over units u of (d[t, u] * scale[n, u]) * dot(u), from left to right
// The order depends on K alone, as with int8 (mul_mat_int8.hpp): the same bits for any number of rows and threads.
#pragma once

#include "backends/cpu/ops/product_rows.hpp"
#include "backends/cpu/quant/int16_constant.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

struct Int16Problem {
    const Int16Constant* w;
    const float* bias;
    ProductRows* rows;
    int64_t n_out, d_in;  // of one matrix
};

void multiply_int16(const Int16Problem& problem, Context& context);

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
