// SPDX-License-Identifier: Apache-2.0
//
// Rounds rows of x to signed bytes for products in integers: shaders/rounded_rows.h. The bits are the same on every device: the
// factor 127 / max |x| is rounded as IEEE division does, which GLSL's division is not held to, so that no tie falls differently.
// Dispatch: a lane is a unit of 32 columns of a row.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(constant_id = 2) const uint kLowBits = 8;  // of the packed weights that x is multiplied by
#include "backends/vulkan/shaders/krait.glsl"
#include "backends/vulkan/shaders/rounded_rows.h"
KRAIT_PARAMS(RoundParams);

const uint kUnit = 32u;

// The float32 nearest to 127 / v. v: positive, normal, not infinite, and not so small that the result is none of these.
float inverse_step(float v) {
    const uint bits = floatBitsToUint(v), exponent = bits >> 23, mantissa = (bits & 0x7fffffu) | 0x800000u;
    const bool less = mantissa > 127u << 17;  // 127 / mantissa is below a power of two
    const uint shift = less ? 41u : 40u;      // so that the quotient has 24 bits
    const uint64_t dividend = 127ul << shift;
    uint quotient = uint(dividend / mantissa);
    const uint64_t rest = 2ul * (dividend - uint64_t(quotient) * mantissa);
    if (rest > mantissa || (rest == mantissa && (quotient & 1u) != 0u)) ++quotient;
    return uintBitsToFloat((300u - shift - exponent << 23) + (quotient - 0x800000u));
}

void main() {
    const Rows rows_x = params.x, rows_rounded = params.rounded;
    const uint64_t n_tasks = params.n_tasks;
    const uint n_units = params.n_units;
    const uint64_t task = group_index() * kGroupSize + gl_LocalInvocationID.x;
    if (task >= n_tasks) return;
    const uint64_t row = task / n_units;
    const uint unit = uint(task % n_units);
    const uint64_t x = row_address(rows_x, row / params.n_used) + row % params.n_used * params.x_step + uint64_t(unit) * (kUnit * 4u), to = row_address(rows_rounded, row);

    float v[kUnit];
    uint largest = 0u;  // of |x|, by bits: NaN is above infinity
    float sums[2] = float[2](0.0, 0.0);
    [[unroll]] for (uint i = 0; i < kUnit; ++i) {
        v[i] = F32(x).at[i];
        largest = max(largest, floatBitsToUint(v[i]) & 0x7fffffffu);
        sums[i / 16u] += v[i];
    }
    const bool finite = largest < 0x7f800000u;
    // Below this 127 / largest overflows; such activations are as good as 0.
    const float top = uintBitsToFloat(largest);
    const bool some = finite && top > 1e-36;
    const float inverse = some ? inverse_step(top) : 0.0;

    uint words[KRAIT_DOT_WORDS];
    int whole[2] = int[2](0, 0);
    [[unroll]] for (uint w = 0; w < KRAIT_DOT_WORDS; ++w) {
        words[w] = 0u;
        [[unroll]] for (uint b = 0; b < 4u; ++b) {
            const float value = v[KRAIT_DOT_COLUMN(kLowBits, w, b)];
            precise float scaled = value * inverse;
            const int q = some ? int(roundEven(scaled)) : 0;
            words[w] |= uint(q & 0xff) << b * 8u;
            whole[w / 4u] += q;
        }
    }
    U32x4 quants = U32x4(to + unit * KRAIT_ROUNDED_QUANTS_BYTES);
    quants.at[0] = uvec4(words[0], words[1], words[2], words[3]);
    quants.at[1] = uvec4(words[4], words[5], words[6], words[7]);
    const uint d = finite ? floatBitsToUint(some ? top / 127.0 : 0.0) : 0x7fc00000u;
    U32x4(to + n_units * KRAIT_ROUNDED_QUANTS_BYTES).at[unit] =
        uvec4(d, floatBitsToUint(sums[0]), floatBitsToUint(sums[1]), uint(whole[0] & 0xffff) | uint(whole[1]) << 16);
}
