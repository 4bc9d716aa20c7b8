// SPDX-License-Identifier: Apache-2.0
//
// A group: kPanelRows rows of a quantized weight as a panel (panel.hpp), how large it is, how it is made of the file's rows and
// how they come out again.
#pragma once

#include <cstddef>

#include "backends/cpu/quant/panels_256.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

template <DType F>
inline constexpr int kUnitsOfCell = Panel<F>::kBlocks* dtype_info(F).block_elems / kUnit;

// Sizes of the panels of w [n_out, d_in].
struct PanelLayout {
    int64_t n_out = 0, d_in = 0;
    int64_t n_blocks = 0;  // of a row
    int64_t n_cells = 0;   // of a group; blocks beyond a row's last are zeros
    int64_t n_units = 0;   // of all cells
    uint64_t group_bytes = 0;

    static PanelLayout of(DType dtype, int64_t n_out, int64_t d_in);
    int64_t n_groups() const { return (n_out + kPanelRows - 1) / kPanelRows; }
};

template <DType F>
inline const typename Panel<F>::Cell* cells_of(const std::byte* group) {
    return reinterpret_cast<const typename Panel<F>::Cell*>(group);
}

// Rows n0 .. n0 + kPanelRows of the file's blocks as the group at `to` (aligned to a cache line); rows beyond the last are
// zeros.
void pack_group(DType dtype, const PanelLayout& layout, const std::byte* rows, int64_t n0, std::byte* to);

// Row `lane` of a group as the blocks of the file.
void restore_row(DType dtype, const PanelLayout& layout, const std::byte* group, int64_t lane, void* blocks);

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
