// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/quant/panel_group.hpp"

#include <algorithm>

namespace krait::cpu::KRAIT_CPU_VARIANT {

namespace {

constexpr uint64_t kCacheLine = 64;

template <DType F>
void pack(const PanelLayout& layout, const std::byte* rows, int64_t n0, std::byte* to) {
    using P = Panel<F>;
    using Block = typename P::Block;
    auto* quants = reinterpret_cast<uint32_t*>(to);
    auto* scales = reinterpret_cast<typename P::Scales*>(to + layout.quant_bytes);
    const int64_t n_rows = std::min<int64_t>(kPanelRows, layout.n_out - n0);
    if (n_rows < kPanelRows) std::memset(to, 0, layout.group_bytes);
    for (int64_t block = 0; block < layout.n_blocks; ++block)
        for (int64_t lane = 0; lane < n_rows; ++lane) {
            Block b;
            const int64_t index = (n0 + lane) * layout.n_blocks + block;
            std::memcpy(&b, rows + index * static_cast<int64_t>(sizeof b), sizeof b);
            P::set(b, static_cast<int>(lane), quants + block * P::kFacts.words * kPanelRows, scales[block]);
        }
}

}  // namespace

PanelLayout PanelLayout::of(DType dtype, int64_t n_out, int64_t d_in) {
    PanelLayout layout{.n_out = n_out, .d_in = d_in};
    with_quantized(dtype, [&]<DType F>() {
        using P = Panel<F>;
        layout.n_blocks = d_in / dtype_info(F).block_elems;
        const auto n_blocks = static_cast<uint64_t>(layout.n_blocks);
        layout.quant_bytes = n_blocks * P::kFacts.words * kPanelRows * sizeof(uint32_t);
        const uint64_t bytes = layout.quant_bytes + n_blocks * sizeof(typename P::Scales);
        layout.group_bytes = (bytes + kCacheLine - 1) / kCacheLine * kCacheLine;
    });
    return layout;
}

void pack_group(DType dtype, const PanelLayout& layout, const std::byte* rows, int64_t n0, std::byte* to) {
    with_quantized(dtype, [&]<DType F>() { pack<F>(layout, rows, n0, to); });
}

void restore_row(DType dtype, const PanelLayout& layout, const std::byte* group, int64_t lane, void* blocks) {
    with_quantized(dtype, [&]<DType F>() {
        using P = Panel<F>;
        const Group<F> panel(group, layout);
        auto* to = static_cast<std::byte*>(blocks);
        for (int64_t block = 0; block < layout.n_blocks; ++block, to += sizeof(typename P::Block)) {
            const auto b =
                P::get(static_cast<int>(lane), panel.quants + block * P::kFacts.words * kPanelRows, panel.scales[block]);
            std::memcpy(to, &b, sizeof b);
        }
    });
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
