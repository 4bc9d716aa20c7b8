// SPDX-License-Identifier: Apache-2.0
#version 460
#extension GL_GOOGLE_include_directive : require
// Dispatch: groups_per_row work groups a row; a lane writes 32 columns, a unit of packed weights.
#include "backends/vulkan/ops/get_rows_params.h"
#include "backends/vulkan/shaders/krait.glsl"

layout(constant_id = 2) const bool kIsPacked = true;
layout(constant_id = 3) const uint kPacking = 0;
#define KRAIT_WEIGHTS_PACKING kPacking
#define KRAIT_WEIGHTS_EXACT
#include "backends/vulkan/shaders/weights.glsl"
KRAIT_PARAMS(GetRowsParams);

void main() {
    const uint64_t g = group_index();
    if (g >= params.n_groups) return;
    const uint t = uint(g / params.groups_per_row);
    const uint unit = uint(g % params.groups_per_row) * kGroupSize + gl_LocalInvocationID.x;
    const uint first = unit * KRAIT_UNIT;
    if (first >= params.n_col) return;
    const uint n = min(KRAIT_UNIT, params.n_col - first);
    const uint row = U32(params.ids).at[t];
    const uint64_t y = row_address(params.y, t) + uint64_t(first) * 4;
    if (!kIsPacked) {
        const uint64_t from = row_address(params.values, row) + uint64_t(first) * 4;
        for (uint i = 0; i < n; ++i) U32(y).at[i] = U32(from).at[i];
        return;
    }
    const uint64_t panel = weight_panel(params.packed, row);
    const uint in_panel = row % KRAIT_PANEL_ROWS;
    if (kCode == KRAIT_INTEGERS) {  // rows of such formats are whole units
        const WeightUnit bits = load_unit(params.packed, panel, in_panel, unit);
        for (uint i = 0; i < KRAIT_UNIT; ++i) F32(y).at[i] = weight_at(bits, i);
        return;
    }
    for (uint octet = 0; octet < 4; ++octet) {
        float w[8];
        load_floats(panel, in_panel, unit, octet, w);
        for (uint i = 0; i < 8; ++i)
            if (octet * 8 + i < n) F32(y).at[octet * 8 + i] = w[i];
    }
}
