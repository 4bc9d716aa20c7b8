// SPDX-License-Identifier: Apache-2.0
//
// Shared by the paths of mul_mat_int8.hpp: a group's unpacked memory, the step that adds a unit to a sum, and what a sum
// becomes in the end. The step is in one place because all paths must round alike.
#pragma once

#include "backends/cpu/ops/mul_mat_int8.hpp"
#include "backends/cpu/ops/mul_mat_result.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

// A group of kPanelRows rows of w unpacked: [units][kUnitGroups][kPanelRows] words of four quants, then
// [units][halves][kPanelRows] scales, then as many minima (what multiplies the sums of x, Panel::low() with the centre in it).
struct Unpacked {
    uint32_t* quants;
    float *scale, *low;

    static int64_t words(int64_t n_units, int halves) { return n_units * kPanelRows * (kUnitGroups + 2 * halves); }
    Unpacked(float* memory, int64_t n_units, int halves)
        : quants(reinterpret_cast<uint32_t*>(memory)),
          scale(memory + n_units * kPanelRows * kUnitGroups),
          low(scale + n_units * kPanelRows * halves) {}
};

// Quants as Panel::quants() has them as signed bytes, the centre taken off.
template <PanelFacts kFacts>
inline IVec signed_quants(IVec q) {
    const IVec top = bytes_of(0x80);
    if constexpr (kFacts.max > 127) {
        static_assert(kFacts.centre() == 128);
        return q ^ top;
    } else {
        return ((q | top) - bytes_of(kFacts.centre())) ^ top;  // no byte borrows from its neighbour
    }
}

// Adds a unit, or a half of one, to the sum of a row of x: total = the dot product in integers, step and low_x = that row's.
template <PanelFacts kFacts>
[[gnu::always_inline]] inline Vec add_unit(Vec sum, IVec total, Vec scale, Vec step, Vec low, Vec low_x) {
    sum = fma(to_float(total), scale * step, sum);
    if constexpr (kFacts.low) sum = fma(low, low_x, sum);
    return sum;
}

// Sums of kLanes outputs from n on become a piece of a row of y.
inline void finish(const Int8Problem& p, int64_t place, int64_t n, Vec sum) {
    finish_row(*p.rows, p.bias, p.layout.n_out, place, n, sum);
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
