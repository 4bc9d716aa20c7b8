// SPDX-License-Identifier: Apache-2.0
//
// The table of the ops' host sides.
#include "backends/vulkan/kernels.hpp"

#include "backends/common/bind_kernels.hpp"

namespace krait::vulkan {

#define KRAIT_OP(id, name, Type, params_size, revision) KRAIT_DECLARE_KERNEL(name, Type, Recorder)
#include "core/ops/op_list.def"

const plugin::OpTable kOpTable{{
#define KRAIT_OP(id, name, Type, params_size, revision) KRAIT_KERNEL(name, Type, Recorder),
#include "core/ops/op_list.def"
}};

}  // namespace krait::vulkan
