// SPDX-License-Identifier: Apache-2.0
//
// The host sides of all ops, one file an op in ops/: each records what its node does into a program, once (recorder.hpp).
#pragma once

#include <shaders.hpp>  // of the build
#include "backends/vulkan/recorder.hpp"

namespace krait::vulkan {

#define KRAIT_OP(id, name, Type, params_size) KRAIT_DECLARE_KERNEL(name, Type, Recorder)
#include "core/ops/op_list.def"

inline constexpr plugin::OpTable kOpTable{{
#define KRAIT_OP(id, name, Type, params_size) KRAIT_KERNEL(name, Type, Recorder),
#include "core/ops/op_list.def"
}};

}  // namespace krait::vulkan
