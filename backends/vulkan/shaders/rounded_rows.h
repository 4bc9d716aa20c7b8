// SPDX-License-Identifier: Apache-2.0
//
// Rows of x as signed bytes with a scale for each unit of 32: made once a node by ops/round_activations.comp, read by
// ops/mul_mat_dot.comp and ops/mul_mat_dot_tiled.comp. Read by C++ and GLSL.
//   x[k] ~ d * q[k],   d = max |x| / 127 over the unit, q = round(x * (127 / max |x|)), ties to even
// A row is two planes:
//   quants  [unit][8 words]   four q a word, in the order in which quants of packed weights come out of their words
//   facts   [unit][4 words]   d; the sum of x over columns 0..15 and 16..31, which is exact; the sums of q over these, 16 bits
//           each
// A unit that holds NaN or an infinity has d = NaN: all that depends on it is NaN, and nothing else.
#ifndef KRAIT_VULKAN_ROUNDED_ROWS_H
#define KRAIT_VULKAN_ROUNDED_ROWS_H

#include "backends/vulkan/shaders/interface.h"

#define KRAIT_DOT_WORDS 8u
#define KRAIT_ROUNDED_QUANTS_BYTES 32u  // a unit
#define KRAIT_ROUNDED_BYTES 48u         // a unit, both planes

// The column, 0..31, of byte `byte` of word `word` of a unit, for packed weights with `low` bits in their plane of lower bits
// (2, 4, 8): a word of 32 / low columns gives 8 / low words of four, whose columns are 8 / low apart.
#define KRAIT_DOT_COLUMN(low, word, byte) \
    ((word) / (8u / (low)) * (32u / (low)) + (word) % (8u / (low)) + (byte) * (8u / (low)))

KRAIT_SHARED_BEGIN

struct RoundParams {
    Rows x, rounded;  // the rows of x have n_used rows of the product, x_step apart
    uint64_t x_step;
    uint64_t n_tasks;  // units of all rows
    uint32_t n_units;  // of a row
    uint32_t n_used;
};

KRAIT_SHARED_END

#endif
