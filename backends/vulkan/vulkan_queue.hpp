// SPDX-License-Identifier: Apache-2.0
//
// A queue and an event. Copies are recorded into the open batch and go to the device together with the next run, signal, wait
// or sync, so that the small writes of a decode step cost no submission of their own. Where the queue is idle and the host sees
// the memory, writes and reads are plain memory copies.
#pragma once

#include <atomic>

#include "backends/vulkan/submitter.hpp"
#include "backends/vulkan/vulkan_buffer.hpp"

namespace krait::vulkan {

class VulkanDevice;

class VulkanEvent final : public plugin::Event {
  public:
    explicit VulkanEvent(VulkanDevice& device);
    uint64_t value() noexcept override;
    bool wait(uint64_t value, uint64_t timeout_ns) override;
    const std::shared_ptr<EventState>& state() const { return state_; }

  private:
    std::shared_ptr<EventState> state_;
    std::atomic<uint64_t> seen_{0};
};

class VulkanQueue final : public plugin::Queue {
  public:
    explicit VulkanQueue(VulkanDevice& device);
    ~VulkanQueue() override;

    void write(plugin::Buffer& dst, uint64_t dst_offset, const void* src, uint64_t size) override;
    void read(void* dst, plugin::Buffer& src, uint64_t src_offset, uint64_t size) override;
    void copy(plugin::Buffer& dst, uint64_t dst_offset, plugin::Buffer& src, uint64_t src_offset, uint64_t size) override;
    void run(plugin::Program& program, const plugin::DimSizes& sizes) override;
    void export_memory(plugin::Buffer& memory, int64_t unit, void* dst, uint64_t size) override;
    void import_memory(plugin::Buffer& memory, int64_t unit, const void* src, uint64_t size) override;
    void copy_memory(plugin::Buffer& memory, int64_t src_unit, int64_t dst_unit) override;
    void signal(plugin::Event& event, uint64_t value) override;
    void wait(plugin::Event& event, uint64_t value) override;
    void sync() override;

  private:
    // A read of memory that the host sees: taken at the sync, unless other work comes first, which might change the memory.
    struct LateRead {
        void* dst;
        const std::byte* src;
        const vk::Memory* memory;
        uint64_t offset, size;
    };
    bool idle();
    vk::Commands& transfers();
    void stage_read(void* dst, const vk::Memory& src, uint64_t offset, uint64_t size);
    void stage_late_reads();
    void finish_signalled_reads();
    uint64_t flush();
    void write_bytes(const vk::Memory& dst, uint64_t offset, const void* src, uint64_t size);
    void read_bytes(void* dst, const vk::Memory& src, uint64_t offset, uint64_t size);
    void copy_bytes(const vk::Memory& dst, uint64_t dst_offset, const vk::Memory& src, uint64_t src_offset, uint64_t size);

    VulkanDevice& device_;
    std::shared_ptr<SubmissionLane> lane_;
    Batch open_;
    uint64_t staged_bytes_ = 0;
    std::shared_ptr<Reads> reads_;  // since the last signal
    // Before it, since the last sync, with the number of the batch that signals: the events share them.
    std::deque<std::pair<uint64_t, std::shared_ptr<Reads>>> signalled_reads_;
    std::deque<LateRead> late_reads_;
};

}  // namespace krait::vulkan
