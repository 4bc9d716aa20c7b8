// SPDX-License-Identifier: Apache-2.0
//
// Memory of a device: ranges of large blocks, each block one VkDeviceMemory bound to one VkBuffer that covers it, mapped for
// its whole life where the host can see it. A range has a device address, which is all that shaders get.
//
// Kinds:
//   device  device-local. Where all device-local memory is host-visible and coherent too (a processor, an integrated GPU, a
//           card with a large BAR), that type is taken, and the range is mapped.
//   host    host memory that the device reads and writes across the bus; host-coherent, cached where there is such a type.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "backends/vulkan/vk/device.hpp"
#include "backends/vulkan/vk/suballocator.hpp"

namespace krait::vulkan::vk {

enum class MemoryKind : uint8_t { device, host };

class Allocator;

class Memory {
  public:
    Memory() = default;
    ~Memory();
    Memory(Memory&& other) noexcept;
    Memory& operator=(Memory&& other) noexcept;

    explicit operator bool() const { return allocator_ != nullptr; }
    VkBuffer buffer() const { return buffer_; }
    uint64_t offset() const { return offset_; }  // in buffer()
    uint64_t size() const { return size_; }
    uint64_t address() const { return address_; }
    // The whole block as texels of 16 bytes, where the device wants such loads (Device::texel_loads) and the block is not too
    // large.
    VkBufferView texels() const { return texels_; }
    uint64_t block_address() const { return address_ - offset_; }
    std::byte* mapped() const { return mapped_; }  // nullptr: the host cannot see it
    bool host_reads_fast() const { return mapped_ && cached_; }

  private:
    friend class Allocator;
    struct Block;
    Allocator* allocator_ = nullptr;
    Block* block_ = nullptr;
    VkBuffer buffer_ = VK_NULL_HANDLE;
    VkBufferView texels_ = VK_NULL_HANDLE;
    uint64_t offset_ = 0, size_ = 0, address_ = 0;
    std::byte* mapped_ = nullptr;
    bool cached_ = false;
};

// Threads: any.
class Allocator {
  public:
    explicit Allocator(Device& device);
    ~Allocator();
    Allocator(const Allocator&) = delete;
    Allocator& operator=(const Allocator&) = delete;

    // At a multiple of kAlignment. Throws OUT_OF_MEMORY that names size and what is free. what: "a weight".
    Memory take(MemoryKind kind, uint64_t size, std::string_view what);
    uint64_t free_bytes() const;  // of device memory
    bool maps_device_memory() const { return pools_[static_cast<size_t>(MemoryKind::device)].mapped; }

    // As wide as any vector load, and as minStorageBufferOffsetAlignment may be at most.
    static constexpr uint64_t kAlignment = 256;
    // Enough for all values of a run of a small model; a larger request gets a block of its own.
    static constexpr uint64_t kBlockBytes = uint64_t{64} << 20;
    static constexpr uint64_t kFirstBlockBytes = uint64_t{4} << 20;

  private:
    friend class Memory;
    struct Pool {
        uint32_t type = 0;
        VkMemoryPropertyFlags flags = 0;
        bool mapped = false;
        std::vector<std::unique_ptr<Memory::Block>> blocks;
    };
    void choose_types();
    // Memory of size bytes, or fewer where memory is short, but at least `wanted`.
    std::unique_ptr<Memory::Block> make_block(Pool& pool, uint64_t size, uint64_t wanted, std::string_view what);
    std::unique_ptr<Memory::Block> try_block(Pool& pool, uint64_t size);  // nullptr: there is no room
    void destroy(Memory::Block& block) noexcept;
    void give_back(const Memory& memory) noexcept;
    [[noreturn]] void throw_out_of_memory(uint64_t asked, std::string_view what) const;

    Device& device_;
    mutable std::mutex mutex_;
    std::array<Pool, 2> pools_;  // by kind
    uint64_t allocated_ = 0;     // bytes of all blocks in device memory
};

}  // namespace krait::vulkan::vk
