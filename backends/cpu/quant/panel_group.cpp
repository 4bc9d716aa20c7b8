// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/quant/panel_group.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

namespace {

template <DType F>
void pack(const PanelLayout& layout, const std::byte* rows, int64_t n0, std::byte* to) {
    using P = Panel<F>;
    using Block = typename P::Block;
    auto* cells = reinterpret_cast<typename P::Cell*>(to);
    static constexpr Block kZero{};  // in the place of rows and blocks beyond the last
    // All rows of a cell at a time: kPanelRows streams from the file, one to memory.
    for (int64_t block = 0; block < layout.n_cells * P::kBlocks; ++block) {
        BlockRows of;
        for (int64_t lane = 0; lane < kPanelRows; ++lane)
            of.row[lane] = n0 + lane < layout.n_out && block < layout.n_blocks
                               ? rows + ((n0 + lane) * layout.n_blocks + block) * static_cast<int64_t>(sizeof(Block))
                               : reinterpret_cast<const std::byte*>(&kZero);
        P::set(of, static_cast<int>(block % P::kBlocks), cells[block / P::kBlocks]);
    }
}

}  // namespace

PanelLayout PanelLayout::of(DType dtype, int64_t n_out, int64_t d_in) {
    PanelLayout layout{.n_out = n_out, .d_in = d_in};
    with_quantized(dtype, [&]<DType F>() {
        layout.n_blocks = d_in / dtype_info(F).block_elems;
        layout.n_cells = (layout.n_blocks + Panel<F>::kBlocks - 1) / Panel<F>::kBlocks;
        layout.n_units = layout.n_cells * kUnitsOfCell<F>;
        layout.group_bytes = static_cast<uint64_t>(layout.n_cells) * sizeof(typename Panel<F>::Cell);
    });
    return layout;
}

void pack_group(DType dtype, const PanelLayout& layout, const std::byte* rows, int64_t n0, std::byte* to) {
    with_quantized(dtype, [&]<DType F>() { pack<F>(layout, rows, n0, to); });
}

void restore_row(DType dtype, const PanelLayout& layout, const std::byte* group, int64_t lane, void* blocks) {
    with_quantized(dtype, [&]<DType F>() {
        using P = Panel<F>;
        auto* to = static_cast<std::byte*>(blocks);
        for (int64_t block = 0; block < layout.n_blocks; ++block, to += sizeof(typename P::Block)) {
            const auto& cell = cells_of<F>(group)[block / P::kBlocks];
            const auto b = P::get(static_cast<int>(block % P::kBlocks), static_cast<int>(lane), cell);
            std::memcpy(to, &b, sizeof b);
        }
    });
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
