// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/ops/multiply.hpp"
#include "backends/cpu/ops/mul_mat_float.hpp"
#include "backends/cpu/ops/mul_mat_int16.hpp"
#include "backends/cpu/ops/mul_mat_int8.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

void multiply(const Tensor& w, const float* bias, ProductRows& rows, Context& context) {
    const int64_t n_out = w.extent(w.desc.rank - 2), d_in = last_extent(w.desc);
    if (rows.n_rows() == 0 || n_out == 0) return;
    const DType dtype = w.dtype();
    const auto* bytes = w.elements<const std::byte>();
    if (const auto* panels = dynamic_cast<const Int16Constant*>(w.buffer)) {
        multiply_int16({.w = panels, .bias = bias, .rows = &rows, .n_out = n_out, .d_in = d_in}, context);
        return;
    }
    if (!is_quantized(dtype)) {
        multiply_float(
            {.w = bytes, .w_stride = row_bytes(dtype, d_in), .bias = bias, .rows = &rows, .n_out = n_out, .d_in = d_in}, dtype,
            context);
        return;
    }
    const auto* packed = dynamic_cast<const PackedConstant*>(w.buffer);
    multiply_int8({.packed = packed,
                   .w = bytes,
                   .dtype = dtype,
                   .layout = packed ? packed->layout() : PanelLayout::of(dtype, n_out, d_in),
                   .bias = bias,
                   .rows = &rows},
                  context);
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
