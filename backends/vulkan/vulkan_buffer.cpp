// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/vulkan_buffer.hpp"

namespace krait::vulkan {
namespace {

plugin::BufferSpec values_spec(uint64_t size) {
    plugin::BufferSpec spec;
    spec.range = size;
    return spec;
}

plugin::BufferSpec state_spec(const krait_state_desc& desc) {
    plugin::BufferSpec spec;
    spec.content = plugin::BufferSpec::Content::state;
    spec.state = desc;
    return spec;
}

uint64_t slot_stride_of(const krait_state_desc& desc) {
    return (plugin::state_slot_bytes(desc) + StatePool::kSlotAlignment - 1) / StatePool::kSlotAlignment *
           StatePool::kSlotAlignment;
}

uint64_t pool_bytes(const krait_state_desc& desc) {
    uint64_t bytes = 0;
    if (__builtin_mul_overflow(static_cast<uint64_t>(desc.n_slots), slot_stride_of(desc), &bytes))
        plugin::throw_error(ErrorCode::out_of_memory, "{} slots of {} bytes are more than can be addressed", desc.n_slots,
                            slot_stride_of(desc));
    return bytes;
}

}  // namespace

void* MemoryBuffer::map() {
    if (!memory_.mapped())
        plugin::throw_error(ErrorCode::unsupported, "this buffer lies in memory of the device that the host cannot see");
    return memory_.mapped();
}

ValueBuffer::ValueBuffer(plugin::Device& device, vk::Allocator& allocator, krait_buffer_kind kind, uint64_t size)
    : MemoryBuffer(
          device, values_spec(size),
          allocator.take(kind == KRAIT_BUFFER_PINNED ? vk::MemoryKind::host : vk::MemoryKind::device, size, "a buffer")) {}

StatePool::StatePool(plugin::Device& device, vk::Allocator& allocator, const krait_state_desc& desc)
    : MemoryBuffer(device, state_spec(desc), allocator.take(vk::MemoryKind::device, pool_bytes(desc), "a pool of state")),
      slot_stride_(slot_stride_of(desc)) {}

}  // namespace krait::vulkan
