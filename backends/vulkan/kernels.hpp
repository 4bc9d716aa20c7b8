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
    table.kernels[static_cast<size_t>(OpId::add)] = KRAIT_KERNEL(add, Add, Recorder);
    table.kernels[static_cast<size_t>(OpId::mul)] = KRAIT_KERNEL(mul, Mul, Recorder);
    return table;
}();

}  // namespace krait::vulkan
