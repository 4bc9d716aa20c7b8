// SPDX-License-Identifier: Apache-2.0
//
// What the plugin's buffers are: a range of device memory, with what the kernels need to know of its contents.
#pragma once

#include <fmt/format.h>

#include "backends/common/graph_check.hpp"
#include "backends/vulkan/vk/memory.hpp"

namespace krait::vulkan {

class MemoryBuffer : public plugin::Buffer {
  public:
    MemoryBuffer(plugin::Device& device, const plugin::BufferSpec& spec, vk::Memory its_memory)
        : Buffer(device, spec), memory_(std::move(its_memory)) {}
    uint64_t allocated() const noexcept override { return memory_.size(); }
    void* map() override;
    const vk::Memory& memory() const { return memory_; }
    uint64_t address() const { return memory_.address(); }

  private:
    vk::Memory memory_;
};

inline MemoryBuffer& memory_buffer(plugin::Buffer& buffer) { return static_cast<MemoryBuffer&>(buffer); }

// Values, device and pinned.
class ValueBuffer final : public MemoryBuffer {
  public:
    ValueBuffer(plugin::Device& device, vk::Allocator& allocator, krait_buffer_kind kind, uint64_t size);
};

// Slots of recurrent state in the canonical layout, each at a multiple of kSlotAlignment.
class StatePool final : public MemoryBuffer {
  public:
    StatePool(plugin::Device& device, vk::Allocator& allocator, const krait_state_desc& desc);
    uint64_t slot_stride() const { return slot_stride_; }  // bytes
    static constexpr uint64_t kSlotAlignment = 64;

  private:
    uint64_t slot_stride_;
};

}  // namespace krait::vulkan
