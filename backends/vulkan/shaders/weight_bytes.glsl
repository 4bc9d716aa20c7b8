// SPDX-License-Identifier: Apache-2.0
//
// Units of packed weights as signed bytes, four a word, in the order of KRAIT_DOT_COLUMN (rounded_rows.h). Nothing is expanded to one
// number a lane: bytes come out of the words by masks and shifts, four weights at a time.
//     uint words[8];  dot_words(unit, words);  // unit: load_unit of weights.glsl
// A part is the columns that share a scale, 32 or 16 of them: words i * kPartWords .. (i + 1) * kPartWords - 1. Of a part
//     w = scale * (byte - centre) + low        low = scale * centre - least
// The centre (dot_centre) is the byte that stands for 0, or where weights have minima the middle one: so a rounding of x acts on the
// weights' distance from the middle of their range, and the rest multiplies the exact sum of x.
#ifndef KRAIT_WEIGHT_BYTES_GLSL
#define KRAIT_WEIGHT_BYTES_GLSL

#include "backends/vulkan/shaders/rounded_rows.h"
#include "backends/vulkan/shaders/weights.glsl"

#define kParts (kHalfScales ? 2u : 1u)
#define kPartWords (kHalfScales ? KRAIT_DOT_WORDS / 2u : KRAIT_DOT_WORDS)

// A function, since glslang puts specialization constants of such an expression into the wrong order.
int dot_centre() {
    if (kCodebook || kLow == 8u) return 0;
    if (kMinima) return 1 << (kLow + kHigh - 1u);
    return int(KRAIT_PACKING_OFFSET(KRAIT_WEIGHTS_PACKING));
}

// Four fields of up to two bits, at bits 0, 4, 8, 12 of v, to the low bits of four bytes; and four bits at 0, 2, 4, 6.
uint spread_fields(uint v) {
    v = (v | v << 8) & 0x00330033u;
    return (v | v << 4) & 0x03030303u;
}
uint spread_bits(uint v) {
    v = (v | v << 12) & 0x00050005u;
    return (v | v << 6) & 0x01010101u;
}

void dot_words(WeightUnit unit, out uint words[KRAIT_DOT_WORDS]) {
    const uint kOfWord = 8u / kLow;  // words that a word gives
    const uint kMask = kLow == 8u ? 0xffffffffu : (kLow == 4u ? 0x0f0f0f0fu : 0x03030303u);
    [[unroll]] for (uint i = 0; i < KRAIT_DOT_WORDS; ++i) {
        const uint from = i / kOfWord, k = i % kOfWord;
        uint word = unit.low[from / 4u][from & 3u] >> k * kLow & kMask;
        if (kHigh == 1u && kLow == 4u) word |= spread_bits(unit.high.x >> (from * 8u + k) & 0x55u) << 4;
        if (kHigh == 1u && kLow == 2u) word |= spread_fields(unit.high.x >> (from * 16u + k) & 0x1111u) << 2;
        if (kHigh == 2u) word |= spread_fields(unit.high[from / 2u] >> ((from & 1u) * 16u + k * 2u) & 0x3333u) << 4;
        if (kLow == 8u) word ^= 0x80808080u;  // an offset of 128
        if (kCodebook) {
            uint levels = 0u;
            [[unroll]] for (uint b = 0; b < 4u; ++b) {
                const uint index = word >> b * 8u & 15u;
                levels |= (iq4_word(index) >> (index & 3u) * 8u & 0xffu) << b * 8u;
            }
            word = levels;
        }
        words[i] = word;
    }
}

// What multiplies a unit's sums: scales, then `low`, of both halves.
vec4 dot_scales(WeightUnit unit) {
    return vec4(unit.scale, kMinima ? unit.scale * float(dot_centre()) - unit.least : vec2(0.0));
}

#endif
