// SPDX-License-Identifier: Apache-2.0
//
// Records activate.comp: activate and silu_mul.
#pragma once

#include "backends/vulkan/ops/elementwise.hpp"
#include "core/ops/activation.hpp"

namespace krait::vulkan {

// b may be absent.
inline void record_activate(ops::Activation function, const Tensor& a, const Tensor& b, const Tensor& y, Recorder& recorder) {
    record_elementwise(shaders::activate, a, b ? b : a, y, recorder,
                       {.constants = {static_cast<uint32_t>(function), b ? 1u : 0u}});
}

}  // namespace krait::vulkan
