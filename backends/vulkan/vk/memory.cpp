// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/vk/memory.hpp"

#include <algorithm>

namespace krait::vulkan::vk {

namespace {

constexpr VkMemoryPropertyFlags kMapped = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;

VkBufferCreateInfo buffer_of(const Device& device, uint64_t size) {
    VkBufferCreateInfo buffer{VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO};
    buffer.size = size;
    buffer.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT |
                   VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT;
    if (device.texel_loads()) buffer.usage |= VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT;
    return buffer;
}

// The memory types that such buffers may lie in; the same for each size.
uint32_t types_for_buffers(Device& device) {
    const VkBufferCreateInfo info = buffer_of(device, 65536);
    VkBuffer probe = VK_NULL_HANDLE;
    device.check(device.fn().vkCreateBuffer(device.get(), &info, nullptr, &probe), "creating a buffer");
    VkMemoryRequirements needs{};
    device.fn().vkGetBufferMemoryRequirements(device.get(), probe, &needs);
    device.fn().vkDestroyBuffer(device.get(), probe, nullptr);
    return needs.memoryTypeBits;
}

}  // namespace

struct Memory::Block {
    Block(uint64_t size, uint32_t its_pool) : ranges(size), pool(its_pool) {}
    Suballocator ranges;
    uint32_t pool;
    bool kept = false;  // even while nothing lies in it
    VkDeviceMemory memory = VK_NULL_HANDLE;
    VkBuffer buffer = VK_NULL_HANDLE;
    VkBufferView texels = VK_NULL_HANDLE;
    uint64_t address = 0;
    std::byte* mapped = nullptr;
};

// ---- Memory ---------------------------------------------------------------------------------------------------------

Memory::~Memory() {
    if (allocator_) allocator_->give_back(*this);
}

Memory::Memory(Memory&& other) noexcept { *this = std::move(other); }

Memory& Memory::operator=(Memory&& other) noexcept {
    std::swap(allocator_, other.allocator_);
    std::swap(block_, other.block_);
    std::swap(buffer_, other.buffer_);
    std::swap(texels_, other.texels_);
    std::swap(offset_, other.offset_);
    std::swap(size_, other.size_);
    std::swap(address_, other.address_);
    std::swap(mapped_, other.mapped_);
    std::swap(cached_, other.cached_);
    return *this;
}

// ---- Allocator ------------------------------------------------------------------------------------------------------

Allocator::Allocator(Device& device) : device_(device) { choose_types(); }

Allocator::~Allocator() {
    for (Pool& pool : pools_)
        for (auto& block : pool.blocks) destroy(*block);
}

void Allocator::choose_types() {
    const VkPhysicalDeviceMemoryProperties& memory = device_.physical().memory;
    const uint32_t usable = types_for_buffers(device_);
    uint64_t largest_heap = 0;
    for (uint32_t i = 0; i < memory.memoryTypeCount; ++i)
        if ((usable >> i & 1) && memory.memoryTypes[i].propertyFlags & VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT)
            largest_heap = std::max(largest_heap, memory.memoryHeaps[memory.memoryTypes[i].heapIndex].size);

    const auto choose = [&](Pool& pool, auto&& points_of) {
        int best = 0;
        for (uint32_t i = 0; i < memory.memoryTypeCount; ++i) {
            const VkMemoryPropertyFlags flags = memory.memoryTypes[i].propertyFlags;
            if (!(usable >> i & 1) || flags & (VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT | VK_MEMORY_PROPERTY_PROTECTED_BIT))
                continue;
            const int points = points_of(flags, memory.memoryHeaps[memory.memoryTypes[i].heapIndex].size);
            if (points > best) best = points, pool.type = i, pool.flags = flags;
        }
        if (best == 0) plugin::throw_error(ErrorCode::unsupported, "the device has no memory type that can be used");
    };
    choose(pools_[static_cast<size_t>(MemoryKind::device)], [&](VkMemoryPropertyFlags flags, uint64_t heap) {
        if (heap < largest_heap || !(flags & VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT)) return 0;
        if ((flags & kMapped) != kMapped) return 1;  // what is not coherent is as good as not visible
        return flags & VK_MEMORY_PROPERTY_HOST_CACHED_BIT ? 3 : 2;
    });
    choose(pools_[static_cast<size_t>(MemoryKind::host)], [&](VkMemoryPropertyFlags flags, uint64_t) {
        if ((flags & kMapped) != kMapped) return 0;
        return 1 + (flags & VK_MEMORY_PROPERTY_HOST_CACHED_BIT ? 2 : 0) + (flags & VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT ? 0 : 1);
    });
    for (Pool& pool : pools_) pool.mapped = (pool.flags & kMapped) == kMapped;
    if (device_.staging()) pools_[static_cast<size_t>(MemoryKind::device)].mapped = false;
}

Memory Allocator::take(MemoryKind kind, uint64_t size, std::string_view what) {
    const std::lock_guard lock(mutex_);
    Pool& pool = pools_[static_cast<size_t>(kind)];
    const uint64_t wanted = std::max<uint64_t>(size, 1);
    Memory::Block* block = nullptr;
    std::optional<uint64_t> start;
    for (auto& candidate : pool.blocks) {
        start = candidate->ranges.take(wanted, kAlignment);
        if (!start) continue;
        block = candidate.get();
        break;
    }
    if (!start) {
        // Blocks grow with what is in use: a test with three small buffers takes 4 MiB, a model blocks of 64.
        const bool first = pool.blocks.empty();
        pool.blocks.push_back(make_block(pool, std::max(first ? kFirstBlockBytes : kBlockBytes, wanted), wanted, what));
        block = pool.blocks.back().get();
        block->kept = first && block->ranges.size() <= kFirstBlockBytes;
        start = block->ranges.take(wanted, kAlignment);
    }
    Memory memory;
    memory.allocator_ = this;
    memory.block_ = block;
    memory.buffer_ = block->buffer;
    memory.texels_ = block->texels;
    memory.offset_ = *start;
    memory.size_ = size;
    memory.address_ = block->address + *start;
    memory.mapped_ = block->mapped ? block->mapped + *start : nullptr;
    memory.cached_ = pool.mapped && pool.flags & VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
    return memory;
}

std::unique_ptr<Memory::Block> Allocator::make_block(Pool& pool, uint64_t size, uint64_t wanted, std::string_view what) {
    const uint64_t max_size = device_.physical().max_allocation;
    if (wanted > max_size)
        plugin::throw_error(ErrorCode::out_of_memory, "{} of {} bytes: one allocation of this device has at most {} bytes",
                            what, wanted, max_size);
    // Where there is no room for a block of the usual size there may be for what is wanted.
    for (size = std::min(size, max_size);; size = std::max(wanted, size / 2))
        if (auto block = try_block(pool, size)) return block;
        else if (size == wanted) throw_out_of_memory(wanted, what);
}

std::unique_ptr<Memory::Block> Allocator::try_block(Pool& pool, uint64_t size) {
    const auto pool_index = static_cast<uint32_t>(&pool - pools_.data());
    auto block = std::make_unique<Memory::Block>(size, pool_index);
    try {
        const VkBufferCreateInfo buffer = buffer_of(device_, size);
        VkResult result = device_.fn().vkCreateBuffer(device_.get(), &buffer, nullptr, &block->buffer);
        VkMemoryRequirements needs{};
        if (result == VK_SUCCESS) device_.fn().vkGetBufferMemoryRequirements(device_.get(), block->buffer, &needs);
        VkMemoryAllocateFlagsInfo flags{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO};
        flags.flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT;
        VkMemoryAllocateInfo info{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
        info.pNext = &flags;
        info.allocationSize = needs.size;
        info.memoryTypeIndex = pool.type;
        if (result == VK_SUCCESS) result = device_.fn().vkAllocateMemory(device_.get(), &info, nullptr, &block->memory);
        if (result == VK_ERROR_OUT_OF_DEVICE_MEMORY || result == VK_ERROR_OUT_OF_HOST_MEMORY) {
            destroy(*block);
            return nullptr;
        }
        device_.check(result, "allocating memory");
        device_.check(device_.fn().vkBindBufferMemory(device_.get(), block->buffer, block->memory, 0), "binding memory");
        VkBufferDeviceAddressInfo address{VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO};
        address.buffer = block->buffer;
        block->address = device_.fn().vkGetBufferDeviceAddress(device_.get(), &address);
        const uint64_t texel = 16, n_texels = size / texel;
        if (device_.texel_loads() && n_texels > 0 && block->address % texel == 0 &&
            n_texels <= device_.physical().properties.limits.maxTexelBufferElements) {
            VkBufferViewCreateInfo view{VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO};
            view.buffer = block->buffer;
            view.format = VK_FORMAT_R32G32B32A32_UINT;
            view.range = n_texels * texel;
            device_.check(device_.fn().vkCreateBufferView(device_.get(), &view, nullptr, &block->texels), "creating a view");
        }
        if (pool.mapped) {
            void* mapped = nullptr;
            device_.check(device_.fn().vkMapMemory(device_.get(), block->memory, 0, VK_WHOLE_SIZE, 0, &mapped),
                          "mapping memory");
            block->mapped = static_cast<std::byte*>(mapped);
        }
    } catch (...) {
        destroy(*block);
        throw;
    }
    if (pool_index == static_cast<uint32_t>(MemoryKind::device)) allocated_ += size;
    return block;
}

void Allocator::destroy(Memory::Block& block) noexcept {
    if (block.texels) device_.fn().vkDestroyBufferView(device_.get(), block.texels, nullptr);
    if (block.buffer) device_.fn().vkDestroyBuffer(device_.get(), block.buffer, nullptr);
    if (block.memory) device_.fn().vkFreeMemory(device_.get(), block.memory, nullptr);
}

void Allocator::give_back(const Memory& memory) noexcept {
    const std::lock_guard lock(mutex_);
    Memory::Block& block = *memory.block_;
    block.ranges.give_back(memory.offset_);
    // One small block stays, so that a buffer that comes and goes does not allocate each time.
    if (!block.ranges.empty() || block.kept) return;
    Pool& pool = pools_[block.pool];
    if (block.pool == static_cast<uint32_t>(MemoryKind::device)) allocated_ -= block.ranges.size();
    destroy(block);
    std::erase_if(pool.blocks, [&](const auto& b) { return b.get() == &block; });
}

uint64_t Allocator::free_bytes() const {
    const uint64_t free = device_.memory_free();
    if (device_.physical().memory_budget) return free;
    return free > allocated_ ? free - allocated_ : 0;
}

void Allocator::throw_out_of_memory(uint64_t asked, std::string_view what) const {
    plugin::throw_out_of_memory(asked, free_bytes(), what);
}

}  // namespace krait::vulkan::vk
