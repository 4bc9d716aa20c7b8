// SPDX-License-Identifier: Apache-2.0
//
// Buffers of the device: values (device or pinned memory), weights, and state.
#pragma once

#include "backends/common/op_table.hpp"
#include "backends/cuda/quant/planes.hpp"
#include "backends/cuda/runtime.hpp"

namespace krait::cuda {

class ValueBuffer final : public plugin::Buffer {
  public:
    ValueBuffer(plugin::Device& device, Gpu& gpu, krait_buffer_kind kind, uint64_t size);
    uint64_t allocated() const noexcept override { return memory_.size(); }
    void* map() override;
    std::byte* data() const noexcept { return memory_.data(); }

  private:
    krait_buffer_kind kind_;
    Memory memory_;
};

// A weight. What mul_mat multiplies with and get_rows looks up is taken apart into planes (quant/planes.hpp); everything else
// keeps the bytes of the file. A weight that is used in both ways is kept in both.
class Constant final : public plugin::Buffer {
  public:
    Constant(plugin::Device& device, Gpu& gpu, Stream& stream, const plugin::ConstantUpload& upload);
    uint64_t allocated() const noexcept override { return raw_.size() + planes_memory_.size(); }
    std::byte* raw() const noexcept { return raw_.data(); }
    bool has_planes() const noexcept { return planes_memory_.data() != nullptr; }
    const WeightPlanes& planes() const noexcept { return planes_; }

  private:
    Memory raw_;
    Memory planes_memory_;
    WeightPlanes planes_{};
};

// Slots in the canonical layout, each from a multiple of kAlignment on.
class StatePool final : public plugin::Buffer {
  public:
    StatePool(plugin::Device& device, Gpu& gpu, const krait_state_desc& desc);
    uint64_t allocated() const noexcept override { return memory_.size(); }
    std::byte* data() const noexcept { return memory_.data(); }
    std::byte* slot(int64_t index) const noexcept { return memory_.data() + static_cast<uint64_t>(index) * slot_stride_; }
    uint64_t slot_bytes() const noexcept { return slot_bytes_; }
    int64_t slot_stride() const noexcept { return static_cast<int64_t>(slot_stride_); }

  private:
    uint64_t slot_bytes_;
    uint64_t slot_stride_;
    Memory memory_;
};

// Operands of kernels.
inline const WeightPlanes& planes_of(const plugin::Tensor& weight) {
    const auto& constant = static_cast<const Constant&>(*weight.buffer);
    if (!constant.has_planes())
        plugin::throw_error(ErrorCode::invalid_argument, "a weight is multiplied or looked up that was not uploaded for it");
    return constant.planes();
}
inline const StatePool& pool_of(const plugin::Tensor& state) { return static_cast<const StatePool&>(*state.buffer); }

}  // namespace krait::cuda
