// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/vulkan_buffer.hpp"

namespace krait::vulkan {
namespace {

// Pages have no gaps, so that rows count through all of them.
uint64_t unit_stride_of(const krait_memory_desc& desc) {
    const uint64_t bytes = plugin::memory_unit_bytes(desc);
    if (desc.layout == KRAIT_MEMORY_PAGES) return bytes;
    return (bytes + MemoryPool::kSlotAlignment - 1) / MemoryPool::kSlotAlignment * MemoryPool::kSlotAlignment;
}

}  // namespace

void* MemoryBuffer::map() {
    if (!memory_.mapped())
        plugin::throw_error(ErrorCode::unsupported, "this buffer lies in memory of the device that the host cannot see");
    return memory_.mapped();
}

ValueBuffer::ValueBuffer(plugin::Device& device, vk::Allocator& allocator, krait_buffer_kind kind, uint64_t size)
    : MemoryBuffer(
          device, plugin::BufferSpec::of_values(size),
          allocator.take(kind == KRAIT_BUFFER_PINNED ? vk::MemoryKind::host : vk::MemoryKind::device, size, "a buffer")) {}

MemoryPool::MemoryPool(plugin::Device& device, vk::Allocator& allocator, const krait_memory_desc& desc)
    : MemoryBuffer(device, plugin::BufferSpec::of_memory(desc),
                   allocator.take(vk::MemoryKind::device, plugin::memory_bytes(desc, unit_stride_of(desc)),
                                  desc.layout == KRAIT_MEMORY_PAGES ? "a memory of pages" : "a memory of slots")),
      unit_stride_(unit_stride_of(desc)) {}

}  // namespace krait::vulkan
