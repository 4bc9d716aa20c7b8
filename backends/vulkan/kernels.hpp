// SPDX-License-Identifier: Apache-2.0
//
// The host sides of all ops, one file an op in ops/: each records what its node does into a program, once (recorder.hpp).
#pragma once

#include <shaders.hpp>  // of the build
#include "backends/vulkan/recorder.hpp"

namespace krait::vulkan {

extern const plugin::OpTable kOpTable;

}  // namespace krait::vulkan
