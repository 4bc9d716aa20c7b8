// SPDX-License-Identifier: Apache-2.0
//
// Shared by the two dispatches of attention: which places a row sees, and where the results of parts lie.
#ifndef KRAIT_ATTENTION_GLSL
#define KRAIT_ATTENTION_GLSL

#include "backends/vulkan/ops/attention_params.h"
#include "backends/vulkan/shaders/exponential.glsl"
#include "backends/vulkan/shaders/krait.glsl"
KRAIT_PARAMS(AttentionParams);

#define kMinusInfinity uintBitsToFloat(0xff800000u)
#define kNaN uintBitsToFloat(0x7fc00000u)

// The first place that a row at place `last` sees.
int first_place(int last) { return params.window > 0u ? max(0, last + 1 - int(params.window)) : 0; }

uint64_t partial_address(uint token, uint head, uint part) {
    const uint64_t index = (uint64_t(token - params.first_tok) * params.n_head + head) * params.n_part + part;
    return params.partial + index * (params.v_dim + 2u) * 4u;
}

// What scores are taken from before exp. Where there is none but -infinity all weights are 0, not NaN, until the end.
float reference_of(float largest) { return largest == kMinusInfinity ? 0.0 : largest; }

// The result, from the sum of weighted values and that of the weights.
float weighted_mean(float sum, float total) { return total == 0.0 ? kNaN : sum / total; }

#endif
