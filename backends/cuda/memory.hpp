// SPDX-License-Identifier: Apache-2.0
//
// Buffers of the device: values (device or pinned memory), weights, and what sequences remember.
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

// Memories of sequences, in the canonical layout: slots, each from a multiple of kAlignment on; pages without gaps, so that
// rows count through all of them.
class MemoryPool final : public plugin::Buffer {
  public:
    MemoryPool(plugin::Device& device, Gpu& gpu, const krait_memory_desc& desc);
    uint64_t allocated() const noexcept override { return memory_.size(); }
    std::byte* data() const noexcept { return memory_.data(); }
    std::byte* unit(int64_t index) const noexcept { return memory_.data() + static_cast<uint64_t>(index) * unit_stride_; }
    uint64_t unit_bytes() const noexcept { return unit_bytes_; }
    int64_t slot_stride() const noexcept { return static_cast<int64_t>(unit_stride_); }

  private:
    uint64_t unit_bytes_;
    uint64_t unit_stride_;
    Memory memory_;
};

// Operands of kernels.
inline const WeightPlanes& planes_of(const plugin::Tensor& weight) {
    const auto& constant = static_cast<const Constant&>(*weight.buffer);
    if (!constant.has_planes())
        plugin::throw_error(ErrorCode::invalid_argument, "a weight is multiplied or looked up that was not uploaded for it");
    return constant.planes();
}
inline const MemoryPool& pool_of(const plugin::Tensor& memory) { return static_cast<const MemoryPool&>(*memory.buffer); }

}  // namespace krait::cuda
