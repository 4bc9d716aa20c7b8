// SPDX-License-Identifier: Apache-2.0
//
// The plugin's buffers: a range of device memory, with what the kernels need to know of its contents.
#pragma once

#include <fmt/format.h>

#include "backends/common/graph_check.hpp"
#include "backends/vulkan/vk/memory.hpp"

namespace krait::vulkan {

class MemoryBuffer : public plugin::Buffer {
  public:
    MemoryBuffer(plugin::Device& device, plugin::BufferSpec spec, vk::Memory its_memory)
        : Buffer(device, std::move(spec)), memory_(std::move(its_memory)) {}
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

// Memories of sequences, in the canonical layout: slots, each at a multiple of kSlotAlignment; pages without gaps.
class MemoryPool final : public MemoryBuffer {
  public:
    MemoryPool(plugin::Device& device, vk::Allocator& allocator, const krait_memory_desc& desc);
    uint64_t unit_stride() const { return unit_stride_; }  // bytes
    static constexpr uint64_t kSlotAlignment = 64;

  private:
    uint64_t unit_stride_;
};

}  // namespace krait::vulkan
