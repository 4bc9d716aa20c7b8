// SPDX-License-Identifier: Apache-2.0
//
// The kernels of the example backend: plain loops in float32, one function for each operator that it has.
// The contract of an operator is the head of core/ops/<operator>.hpp: operands, shapes, formula.
#pragma once

#include "backends/common/op_table.hpp"

namespace loops {

using krait::plugin::Tensor;

// The context that kernels get besides their operands, one a queue. A real backend has its threads and scratch memory here.
class Context final : public krait::plugin::KernelContext {};

// The kernels by operator; nullptr where there is none.
extern const krait::plugin::OpTable kKernels;

}  // namespace loops
