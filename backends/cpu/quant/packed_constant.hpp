// SPDX-License-Identifier: Apache-2.0
//
// A quantized weight that mul_mat reads, as panels (panel.hpp). Made by all threads of the device while it is uploaded; the
// bytes of the file are not needed afterwards, and get_rows takes its rows from the panels too.
#pragma once

#include "backends/common/host_device.hpp"
#include "backends/cpu/quant/panels_256.hpp"
#include "backends/cpu/thread_pool.hpp"

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

class PackedConstant final : public plugin::host::Constant {
  public:
    PackedConstant(plugin::Device& device, const plugin::ConstantUpload& upload, ThreadPool& pool);
    const PanelLayout& layout() const noexcept { return layout_; }
    const std::byte* group(int64_t index) const noexcept {
        return memory().data() + static_cast<uint64_t>(index) * layout_.group_bytes;
    }
    // Row n as the blocks of the file; row_bytes() of them.
    void restore_row(int64_t n, void* blocks) const {
        KRAIT_CPU_VARIANT::restore_row(dtype_of(desc()), layout_, group(n / kPanelRows), n % kPanelRows, blocks);
    }

  private:
    PanelLayout layout_;
};

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
