// SPDX-License-Identifier: Apache-2.0
//
// How matrices of weights lie on the device (packed_weights.hpp writes them, weights.glsl reads them). Read by C++ and GLSL.
//
// Eight rows are a panel, 32 columns a unit; rows and columns that are missing at the edges are zeros. A panel is contiguous,
// its planes follow one another, and in every plane the eight rows lie side by side: neighbouring lanes, which have
// neighbouring rows, read neighbouring words.
//   low     [unit][chunk][8 rows][up to 4 words]: of each weight the lower bits (2, 4, 8), or all of it (16, 32), lowest first
//   high    [unit][8 rows][words]: one or two upper bits of each weight, lowest first
//   scales  [unit / 2][8 rows]: a half word a unit, the even one below; a whole word where the unit has d and m (f16, f16)
//   supers  [unit / 8][8 rows]: d and dmin (f16, f16) of 256 columns
// The value is that of core/quant, the same operations in the same order:
//   no supers             d * q          d: f16, the half word
//   no supers, minima     d * q + m
//   supers                (d * s) * q    s: signed byte of each half (16 columns) of the unit, or of the whole unit
//   supers, minima        (d * s) * q - dmin * m     s, m: bytes of the unit, or nibbles s0 s1 m0 m1 of its halves
// with q = the stored bits less an offset, or a level of IQ4's codebook.
#ifndef KRAIT_VULKAN_PACKED_WEIGHTS_H
#define KRAIT_VULKAN_PACKED_WEIGHTS_H

#include "backends/vulkan/shaders/interface.h"

#define KRAIT_PANEL_ROWS 8u
#define KRAIT_UNIT 32u

// A packing is one word, a specialization constant of the kernels that read weights: pipelines are as many as there are
// packings, and shaders know no names of formats.
#define KRAIT_INTEGERS 0u
#define KRAIT_FLOATS 1u
#define KRAIT_HALVES 2u
#define KRAIT_BFLOATS 3u
#define KRAIT_PACKING(code, low, high, offset, codebook, halves, supers, minima)                                     \
    ((code) | (low) << 2u | (high) << 8u | (offset) << 10u | (codebook) << 18u | (halves) << 19u | (supers) << 20u | \
     (minima) << 21u)
#define KRAIT_PACKING_CODE(p) ((p)&3u)
#define KRAIT_PACKING_LOW(p) (((p) >> 2u) & 63u)  // bits of a weight in `low`, which is also its words in a unit
#define KRAIT_PACKING_HIGH(p) (((p) >> 8u) & 3u)  // the same in `high`
#define KRAIT_PACKING_OFFSET(p) (((p) >> 10u) & 255u)
#define KRAIT_PACKING_CODEBOOK(p) (((p) >> 18u) & 1u)
#define KRAIT_PACKING_HALVES(p) (((p) >> 19u) & 1u)  // scales belong to 16 columns
#define KRAIT_PACKING_SUPERS(p) (((p) >> 20u) & 1u)
#define KRAIT_PACKING_MINIMA(p) (((p) >> 21u) & 1u)

KRAIT_SHARED_BEGIN

struct PackedWeights {
    uint64_t address;
    uint64_t panel_bytes;
    uint32_t n_panels;
    uint32_t n_units;
    uint32_t high_at, scales_at, supers_at;  // bytes from the start of a panel
    uint32_t unused;
};

KRAIT_SHARED_END

#endif
