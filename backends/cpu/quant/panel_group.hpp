// SPDX-License-Identifier: Apache-2.0
//
// A group: kPanelRows rows of a quantized weight as a panel (panel.hpp), where it lies in memory, how it is made of the file's
// rows and how they come out again.
#pragma once

#include <cstddef>

#include "backends/cpu/quant/panels_256.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

// Sizes of the panels of w [n_out, d_in].
struct PanelLayout {
    int64_t n_out = 0, d_in = 0;
    int64_t n_blocks = 0;      // of a row
    uint64_t quant_bytes = 0;  // of a group
    uint64_t group_bytes = 0;  // quants and scales, a multiple of a cache line

    static PanelLayout of(DType dtype, int64_t n_out, int64_t d_in);
    int64_t n_groups() const { return (n_out + kPanelRows - 1) / kPanelRows; }
    int64_t n_units() const { return d_in / kUnit; }
};

// One group of kPanelRows rows.
template <DType F>
struct Group {
    using P = Panel<F>;
    const uint32_t* quants;
    const typename P::Scales* scales;

    Group(const std::byte* group, const PanelLayout& layout)
        : quants(reinterpret_cast<const uint32_t*>(group)),
          scales(reinterpret_cast<const typename P::Scales*>(group + layout.quant_bytes)) {}
};

// Rows n0 .. n0 + kPanelRows of the file's blocks as the group at `to`; rows beyond the last are zeros.
void pack_group(DType dtype, const PanelLayout& layout, const std::byte* rows, int64_t n0, std::byte* to);

// Row `lane` of a group as the blocks of the file.
void restore_row(DType dtype, const PanelLayout& layout, const std::byte* group, int64_t lane, void* blocks);

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
