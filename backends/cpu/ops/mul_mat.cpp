// SPDX-License-Identifier: Apache-2.0
//
// mul_mat (contract: core/ops/mul_mat.hpp): F32 weights by float32 (mul_mat_float.hpp), F16 and BF16 by integers of 13 bits
// (mul_mat_int16.hpp), quantized ones by int8 (mul_mat_int8.hpp).
#include "core/ops/mul_mat.hpp"
#include "backends/cpu/ops/mul_mat_float.hpp"
#include "backends/cpu/ops/mul_mat_int16.hpp"
#include "backends/cpu/ops/mul_mat_int8.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

void mul_mat(const ops::MulMat::In<Tensor>& in, const ops::MulMat::Params&, const ops::MulMat::Out<Tensor>& out,
             Context& context) {
    const int64_t n_tok = in.x.extent(0), n_out = in.w.extent(0), d_in = in.w.extent(1);
    if (n_tok == 0 || n_out == 0) return;
    const DType dtype = in.w.dtype();
    const float* bias = in.bias ? in.bias.elements<const float>() : nullptr;
    const auto* w = in.w.elements<const std::byte>();
    if (const auto* panels = dynamic_cast<const Int16Constant*>(in.w.buffer)) {
        multiply_int16({.w = panels,
                        .bias = bias,
                        .x = &in.x,
                        .residual = &in.residual,
                        .y = &out.y,
                        .n_tok = n_tok,
                        .n_out = n_out,
                        .d_in = d_in},
                       context);
        return;
    }
    if (!is_quantized(dtype)) {
        multiply_float({.w = w,
                        .w_stride = row_bytes(dtype, d_in),
                        .bias = bias,
                        .x = &in.x,
                        .residual = &in.residual,
                        .y = &out.y,
                        .n_tok = n_tok,
                        .n_out = n_out,
                        .d_in = d_in},
                       dtype, context);
        return;
    }
    const auto* packed = dynamic_cast<const PackedConstant*>(in.w.buffer);
    multiply_int8({.packed = packed,
                   .rows = w,
                   .dtype = dtype,
                   .layout = packed ? packed->layout() : PanelLayout::of(dtype, n_out, d_in),
                   .bias = bias,
                   .x = &in.x,
                   .residual = &in.residual,
                   .y = &out.y,
                   .n_tok = n_tok},
                  context);
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
