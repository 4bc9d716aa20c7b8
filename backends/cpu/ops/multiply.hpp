// SPDX-License-Identifier: Apache-2.0
//
// Products with weights, whatever their format: F32 by float32 (mul_mat_float.hpp), F16 and BF16 by integers of 13 bits
// (mul_mat_int16.hpp), quantized ones by int8 (mul_mat_int8.hpp). The one product behind mul_mat and mul_mat_experts, so that a
// row has the same bits in both.
#pragma once

#include "backends/cpu/ops/product_rows.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

// w [N, K], or [E, N, K] where the rows say which of the E matrices each of them has. bias: [N], or nullptr.
void multiply(const Tensor& w, const float* bias, ProductRows& rows, Context& context);

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
