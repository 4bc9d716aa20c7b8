// SPDX-License-Identifier: Apache-2.0
//
// A quantized weight that is multiplied with, as panels (panel.hpp); of several matrices, [E, N, K], one after the other, so
// that no panel has rows of two. Made by all threads of the device while it is uploaded; the bytes of the file are not needed
// afterwards, and get_rows takes its rows from the panels too.
#pragma once

#include "backends/common/host_device.hpp"
#include "backends/cpu/quant/panel_group.hpp"
#include "backends/cpu/thread_pool.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

class PackedConstant final : public plugin::host::Constant {
  public:
    PackedConstant(plugin::Device& device, const plugin::ConstantUpload& upload, ThreadPool& pool);
    const PanelLayout& layout() const noexcept { return layout_; }  // of one matrix
    // Counted through all matrices.
    const std::byte* group(int64_t index) const noexcept {
        return memory().data() + static_cast<uint64_t>(index) * layout_.group_bytes;
    }
    // Row n of the only matrix as the blocks of the file; row_bytes() of them.
    void restore_row(int64_t n, void* blocks) const {
        KRAIT_CPU_VARIANT::restore_row(dtype_of(desc()), layout_, group(n / kPanelRows), n % kPanelRows, blocks);
    }

  private:
    PanelLayout layout_;
};

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
