// SPDX-License-Identifier: Apache-2.0
//
// Products of weights as bytes (weight_bytes.glsl) with units of x that are rounded to bytes (rounded_rows.h).
//     int sums = dot_of_bytes(words[i], x_word, sums)  // exact
// Of a part
//     y = scale * d * (dot - centre * sum of q) + low * sum of x
#ifndef KRAIT_INTEGER_DOT_GLSL
#define KRAIT_INTEGER_DOT_GLSL

#extension GL_EXT_spirv_intrinsics : require
#include "backends/vulkan/shaders/weight_bytes.glsl"

// OpSDotKHR, whose operands are words of four signed bytes (PackedVectorFormat4x8Bit = 0), with the capabilities DotProductKHR and
// DotProductInput4x8BitPackedKHR.
spirv_instruction(extensions = ["SPV_KHR_integer_dot_product"], capabilities = [6019, 6018], id = 4450)
int packed_dot(int a, int b, spirv_literal int packed_format);

int dot_of_bytes(uint a, uint b, int sum) { return packed_dot(int(a), int(b), 0) + sum; }

// A part's share of y. facts: of the unit of x.
float dot_part(uint part, int dots, vec4 scales, uvec4 facts) {
    const int both = int(facts.w), first = bitfieldExtract(both, 0, 16), second = both >> 16;
    const int sum_q = kHalfScales ? (part == 0u ? first : second) : first + second;
    float y = scales[part] * float(dots - dot_centre() * sum_q) * uintBitsToFloat(facts.x);
    if (kMinima) {
        const float a = uintBitsToFloat(facts.y), b = uintBitsToFloat(facts.z);
        y = fma(scales[2u + part], kHalfScales ? (part == 0u ? a : b) : a + b, y);
    }
    return y;
}

#endif
