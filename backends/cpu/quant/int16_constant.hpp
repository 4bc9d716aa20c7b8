// SPDX-License-Identifier: Apache-2.0
//
// An F16 or BF16 weight that is multiplied with, as panels of integers (int16_panel.hpp), made while it is uploaded; of several
// matrices, [E, N, K], no panel has rows of two. The bytes of
// the file stay too where get_rows reads the same weight: it must give them exactly.
#pragma once

#include "backends/common/host_device.hpp"
#include "backends/cpu/quant/int16_panel.hpp"
#include "backends/cpu/thread_pool.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

class Int16Constant final : public plugin::host::Constant {
  public:
    Int16Constant(plugin::Device& device, const plugin::ConstantUpload& upload, ThreadPool& pool);

    // False where a weight is NaN or infinite: no scale stands for that, and the weight is better kept as it is.
    bool finite() const noexcept { return finite_; }
    // Counted through all matrices.
    const Int16Cell* group(int64_t index) const noexcept {
        return reinterpret_cast<const Int16Cell*>(memory().data() + index * group_bytes_);
    }

  private:
    int64_t group_bytes_;
    bool finite_;
};

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
