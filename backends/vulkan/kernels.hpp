// SPDX-License-Identifier: Apache-2.0
//
// The host sides of all ops, one file an op in ops/.
#pragma once

#include "backends/vulkan/recorder.hpp"
#include "backends/vulkan/shaders.hpp"

namespace krait::vulkan {

#define KRAIT_OP(id, name, Type, params_size) KRAIT_DECLARE_KERNEL(name, Type, Recorder)
#include "core/ops/op_list.def"

// Ops that are written so far.
inline constexpr plugin::OpTable kOpTable = [] {
    plugin::OpTable table{};
    table.kernels[static_cast<size_t>(OpId::get_rows)] = KRAIT_KERNEL(get_rows, GetRows, Recorder);
    table.kernels[static_cast<size_t>(OpId::rms_norm)] = KRAIT_KERNEL(rms_norm, RmsNorm, Recorder);
    table.kernels[static_cast<size_t>(OpId::ssm_conv)] = KRAIT_KERNEL(ssm_conv, SsmConv, Recorder);
    table.kernels[static_cast<size_t>(OpId::add)] = KRAIT_KERNEL(add, Add, Recorder);
    table.kernels[static_cast<size_t>(OpId::mul)] = KRAIT_KERNEL(mul, Mul, Recorder);
    table.kernels[static_cast<size_t>(OpId::mul_mat)] = KRAIT_KERNEL(mul_mat, MulMat, Recorder);
    table.kernels[static_cast<size_t>(OpId::silu_mul)] = KRAIT_KERNEL(silu_mul, SiluMul, Recorder);
    table.kernels[static_cast<size_t>(OpId::scale)] = KRAIT_KERNEL(scale, Scale, Recorder);
    table.kernels[static_cast<size_t>(OpId::copy)] = KRAIT_KERNEL(copy, Copy, Recorder);
    table.kernels[static_cast<size_t>(OpId::argmax)] = KRAIT_KERNEL(argmax, Argmax, Recorder);
    table.kernels[static_cast<size_t>(OpId::softmax)] = KRAIT_KERNEL(softmax, Softmax, Recorder);
    table.kernels[static_cast<size_t>(OpId::top_k)] = KRAIT_KERNEL(top_k, TopK, Recorder);
    return table;
}();

}  // namespace krait::vulkan
