// SPDX-License-Identifier: Apache-2.0
//
// y[t, i] = KRAIT_ELEMENT(a[t, i], b[t, i]) over rows that may be strided. The includer defines KRAIT_ELEMENT, for float and
// for vec4 alike; or KRAIT_BITS for a copy of 32-bit words, with KRAIT_FROM, the row's address that column i is taken from.
// kVector: 4 where all rows are made of aligned groups of four, else 1.
// Dispatch: work group g covers kSteps * kGroupSize vectors of row g / groups_per_row, from the (g % groups_per_row)-th on.
#include "backends/vulkan/shaders/krait.glsl"
#include "backends/vulkan/ops/elementwise_params.h"

layout(constant_id = 2) const uint kVector = 1;
layout(constant_id = 3) const uint kSteps = 4;
KRAIT_PARAMS(ElementwiseParams);

#if defined(KRAIT_BITS)
#define Scalars U32
#define Vectors U32x4
#define KRAIT_VALUE(Elements) Elements(KRAIT_FROM).at[i]
#else
#define Scalars F32
#define Vectors F32x4
#define KRAIT_VALUE(Elements) KRAIT_ELEMENT(Elements(a).at[i], Elements(b).at[i])
#endif

void main() {
    const uint64_t g = group_index();
    if (g >= params.n_groups) return;
    const uint64_t row = g / params.groups_per_row;
    const uint first = uint(g % params.groups_per_row) * kGroupSize * kSteps + gl_LocalInvocationID.x;
    const uint n = params.n_col / kVector;
    const uint64_t a = row_address(params.a, row), b = row_address(params.b, row), y = row_address(params.y, row);
    for (uint step = 0; step < kSteps; ++step) {
        const uint i = first + step * kGroupSize;
        if (i >= n) break;
        if (kVector == 4) Vectors(y).at[i] = KRAIT_VALUE(Vectors);
        else Scalars(y).at[i] = KRAIT_VALUE(Scalars);
    }
}
