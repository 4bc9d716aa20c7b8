// SPDX-License-Identifier: Apache-2.0
//
// The functions of one number that operators apply.
#pragma once

#include <cstdint>

namespace krait::ops {

enum class Activation : int32_t {
    none = 0,          // v
    silu = 1,          // v / (1 + exp(-v))
    relu_squared = 2,  // max(v, 0)^2; beyond 1.8e19 infinite in float32
    gelu = 3,          // v * (1 + erf(v / sqrt 2)) / 2
    gelu_tanh = 4,     // v * (1 + tanh(sqrt(2 / pi) * (v + 0.044715 v^3))) / 2
    sigmoid = 5,       // 1 / (1 + exp(-v))
};
inline constexpr int32_t kActivations = 6;

}  // namespace krait::ops
