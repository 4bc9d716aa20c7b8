// SPDX-License-Identifier: Apache-2.0
//
// The table of the oracle's kernels.
#include "backends/cpu/reference/kernels.hpp"

#include "backends/common/bind_kernels.hpp"

namespace krait::reference {

#define KRAIT_OP(id, name, Type, params_size, revision) KRAIT_DECLARE_KERNEL(name, Type, Context)
#include "core/ops/op_list.def"

const plugin::OpTable kOpTable{{
#define KRAIT_OP(id, name, Type, params_size, revision) KRAIT_KERNEL(name, Type, Context),
#include "core/ops/op_list.def"
}};

}  // namespace krait::reference
