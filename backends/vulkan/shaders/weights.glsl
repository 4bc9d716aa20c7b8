// SPDX-License-Identifier: Apache-2.0
//
// Reads packed weights (packed_weights.h). The includer defines KRAIT_WEIGHTS_PACKING, a specialization constant, so that all that
// the format decides is decided when the pipeline is made.
//     const uint64_t panel = weight_panel(params.w, row);           // of the panel that holds the row
//     const WeightUnit unit = load_unit(params.w, panel, row, u);   // integers: the bits of columns 32 u .. 32 u + 31
//     float w = weight_at(unit, i)                                  // column 32 u + i
// or, for all codes, 8 columns at a time: load_octet(params.w, panel, row, u, octet, unit, w).
// KRAIT_WEIGHTS_EXACT: every operation rounds by itself and a NaN keeps its bits: those of core/quant.
#ifndef KRAIT_WEIGHTS_GLSL
#define KRAIT_WEIGHTS_GLSL

#include "backends/vulkan/shaders/halves.glsl"
#include "backends/vulkan/shaders/packed_weights.h"

#define kCode KRAIT_PACKING_CODE(KRAIT_WEIGHTS_PACKING)
#define kLow KRAIT_PACKING_LOW(KRAIT_WEIGHTS_PACKING)
#define kHigh KRAIT_PACKING_HIGH(KRAIT_WEIGHTS_PACKING)
#define kHalfScales (KRAIT_PACKING_HALVES(KRAIT_WEIGHTS_PACKING) != 0u)
#define kSupers (KRAIT_PACKING_SUPERS(KRAIT_WEIGHTS_PACKING) != 0u)
#define kMinima (KRAIT_PACKING_MINIMA(KRAIT_WEIGHTS_PACKING) != 0u)
#define kCodebook (KRAIT_PACKING_CODEBOOK(KRAIT_WEIGHTS_PACKING) != 0u)

#if defined(KRAIT_WEIGHTS_EXACT)
#define KRAIT_ROUNDED precise
#else
#define KRAIT_ROUNDED
#endif

layout(buffer_reference, std430, buffer_reference_align = 4) readonly buffer WeightWord { uint at[]; };
layout(buffer_reference, std430, buffer_reference_align = 8) readonly buffer WeightWords2 { uvec2 at[]; };
layout(buffer_reference, std430, buffer_reference_align = 16) readonly buffer WeightWords4 { uvec4 at[]; };

// Aligned loads from a panel. KRAIT_TEXELS: from a texel buffer over the block of memory that begins at weight_texels_origin, which the
// includer sets. A processor that plays GPU fetches a texel in straight code, and any other load in a loop over its lanes.
#if defined(KRAIT_TEXELS)
layout(set = 0, binding = 0) uniform usamplerBuffer weight_texels;
uint64_t weight_texels_origin;
uvec4 weight_words4(uint64_t panel, uint i) {
    return texelFetch(weight_texels, int(uint((panel - weight_texels_origin) >> 4) + i));
}
uvec2 weight_words2(uint64_t panel, uint i) {
    const uvec4 both = weight_words4(panel, i / 2u);
    return (i & 1u) != 0u ? both.zw : both.xy;
}
#else
uvec4 weight_words4(uint64_t panel, uint i) { return WeightWords4(panel).at[i]; }
uvec2 weight_words2(uint64_t panel, uint i) { return WeightWords2(panel).at[i]; }
#endif

// The bits of a row's 32 weights.
struct WeightUnit {
    uvec4 low[2];  // words 0..3, 4..7
    uvec2 high;
    vec2 scale;  // of both halves
    vec2 least;  // what is taken from the product, of both halves
};

uint64_t weight_panel(PackedWeights w, uint row) {
    return w.address + uint64_t(min(row / KRAIT_PANEL_ROWS, w.n_panels - 1u)) * w.panel_bytes;
}

float signed_byte(uint word, int at) { return float(bitfieldExtract(int(word), at, 8)); }
float part(uint word, int at, int bits) { return float(bitfieldExtract(word, at, bits)); }

// Scales as core/quant computes them: products of d with integers, each rounded.
void load_scales(PackedWeights w, uint64_t panel, uint row, uint unit, inout WeightUnit to) {
    to.least = vec2(0.0);
    if (!kSupers && kMinima) {
        const uint word = WeightWord(panel + w.scales_at).at[unit * KRAIT_PANEL_ROWS + row];
        to.scale = vec2(half_value(word & 0xffffu));
        to.least = vec2(-half_value(word >> 16));
        return;
    }
    const uint pair = WeightWord(panel + w.scales_at).at[unit / 2u * KRAIT_PANEL_ROWS + row];
    const uint scales = (unit & 1u) != 0u ? pair >> 16 : pair & 0xffffu;
    if (!kSupers) {
        to.scale = vec2(half_value(scales));
        return;
    }
    const uint supers = WeightWord(panel + w.supers_at).at[unit / 8u * KRAIT_PANEL_ROWS + row];
    const float d = half_value(supers & 0xffffu);
    if (!kMinima) {
        to.scale.x = d * signed_byte(scales, 0);
        to.scale.y = kHalfScales ? d * signed_byte(scales, 8) : to.scale.x;
        return;
    }
    const float dmin = half_value(supers >> 16);
    KRAIT_ROUNDED vec2 least;  // must not become one operation with the difference that it goes into
    if (kHalfScales) {
        to.scale = vec2(d * part(scales, 0, 4), d * part(scales, 4, 4));
        least = dmin * vec2(part(scales, 8, 4), part(scales, 12, 4));
    } else {
        to.scale = vec2(d * part(scales, 0, 8));
        least = vec2(dmin * part(scales, 8, 8));
    }
    to.least = least;
}

// For packings of integers. row: within the panel.
WeightUnit load_unit(PackedWeights w, uint64_t panel, uint row, uint unit) {
    WeightUnit to;
    to.low[0] = to.low[1] = uvec4(0u);
    to.high = uvec2(0u);
    if (kLow == 8u) {
        to.low[0] = weight_words4(panel, unit * 2u * KRAIT_PANEL_ROWS + row);
        to.low[1] = weight_words4(panel, (unit * 2u + 1u) * KRAIT_PANEL_ROWS + row);
    } else if (kLow == 4u) {
        to.low[0] = weight_words4(panel, unit * KRAIT_PANEL_ROWS + row);
    } else {
        to.low[0].xy = weight_words2(panel, unit * KRAIT_PANEL_ROWS + row);
    }
    if (kHigh == 1u) to.high.x = WeightWord(panel + w.high_at).at[unit * KRAIT_PANEL_ROWS + row];
    if (kHigh == 2u) to.high = weight_words2(panel + w.high_at, unit * KRAIT_PANEL_ROWS + row);
    load_scales(w, panel, row, unit, to);
    return to;
}

// The word that holds a level of IQ4's codebook (core/quant/iq4_nl.hpp): signed bytes, that of index in byte index % 4.
uint iq4_word(uint index) {
    const uint low = (index & 4u) != 0u ? 0xf6eaddcfu : 0xbfad9881u;    // -49 -35 -22 -10 · -127 -104 -83 -65
    const uint high = (index & 4u) != 0u ? 0x71594535u : 0x26190d01u;  // 53 69 89 113 · 1 13 25 38
    return (index & 8u) != 0u ? high : low;
}
float iq4_level(uint index) { return signed_byte(iq4_word(index), int(index & 3u) * 8); }

// Column i, 0..31, of a unit of integers. Cheap where i is known when the pipeline is made.
float weight_at(WeightUnit unit, uint i) {
    const uint word = i * kLow / 32u;
    uint q = bitfieldExtract(unit.low[word / 4u][word & 3u], int(i * kLow & 31u), int(kLow));
    if (kHigh == 1u) q |= bitfieldExtract(unit.high.x, int(i), 1) << kLow;
    if (kHigh == 2u) q |= bitfieldExtract(i < 16u ? unit.high.x : unit.high.y, int(i * 2u & 31u), 2) << kLow;
    const float value = kCodebook ? iq4_level(q) : float(int(q) - int(KRAIT_PACKING_OFFSET(KRAIT_WEIGHTS_PACKING)));
    const bool second = kHalfScales && i >= 16u;
    KRAIT_ROUNDED float result = (second ? unit.scale.y : unit.scale.x) * value;
    if (kMinima) result = result - (second ? unit.least.y : unit.least.x);
    return result;
}

// For packings of floats: columns 8 octet .. 8 octet + 7 of a unit.
void load_floats(uint64_t panel, uint row, uint unit, uint octet, out float w[8]) {
    if (kCode == KRAIT_FLOATS) {
        const uint at = (unit * 8u + octet * 2u) * KRAIT_PANEL_ROWS + row;
        const uvec4 a = weight_words4(panel, at), b = weight_words4(panel, at + KRAIT_PANEL_ROWS);
        for (uint i = 0; i < 4u; ++i) w[i] = uintBitsToFloat(a[i]), w[i + 4u] = uintBitsToFloat(b[i]);
        return;
    }
    const uvec4 words = weight_words4(panel, (unit * 4u + octet) * KRAIT_PANEL_ROWS + row);
    for (uint i = 0; i < 4u; ++i) {
        if (kCode == KRAIT_BFLOATS) {
            w[2u * i] = uintBitsToFloat(words[i] << 16);
            w[2u * i + 1u] = uintBitsToFloat(words[i] & 0xffff0000u);
        } else {
            const vec2 both = half_values(words[i]);
            w[2u * i] = both.x;
            w[2u * i + 1u] = both.y;
        }
    }
}

#endif
