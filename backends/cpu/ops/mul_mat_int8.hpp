// SPDX-License-Identifier: Apache-2.0
//
// mul_mat with quantized weights: integer dot products of panels (quant/panel.hpp) with activations rounded to int8
// (quant/activations.hpp), one float32 scaling a unit of 32 elements.
//   y[t, n] = sum over units u of (d[t, u] * scale[n, u]) * dot(u) - low[n, u] * (sum of x[t, u]), from left to right
// That order is the whole numerics: it depends on K alone, so a row of y has the same bits whatever T is, whatever rows stand
// beside it, and however many threads there are.
//   few rows of x   quants are unpacked in registers and multiplied at once: they come from memory once, and that is the bound
//   more rows       a group of kPanelRows rows of w is unpacked to bytes and floats in memory of the thread (level 2), and
//                   tiles of kRowsOfTile rows of x pass over it; many rows go by AMX tiles where there are any
//                   (mul_mat_int8_tiles.hpp)
#pragma once

#include <algorithm>

#include "backends/cpu/ops/product_rows.hpp"
#include "backends/cpu/quant/activations.hpp"
#include "backends/cpu/quant/packed_constant.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

// The operands of a product.
struct Int8Problem {
    const PackedConstant* packed;  // or nullptr: rows of the file, packed group by group on the way
    const std::byte* w;
    DType dtype;
    PanelLayout layout;  // of one matrix
    const float* bias;
    ProductRows* rows;
};

void multiply_int8(const Int8Problem& problem, Context& context);

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
