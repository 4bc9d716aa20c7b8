// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/vulkan_queue.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cstring>

#include "backends/vulkan/vulkan_device.hpp"
#include "backends/vulkan/vulkan_program.hpp"

namespace krait::vulkan {
namespace {

// Staging that may wait for the device before a write waits too.
constexpr uint64_t kMaxStaged = uint64_t{64} << 20;

const MemoryPool& pool_of(plugin::Buffer& memory) { return static_cast<const MemoryPool&>(memory); }
uint64_t unit_offset(const MemoryPool& pool, int64_t unit) { return static_cast<uint64_t>(unit) * pool.unit_stride(); }

}  // namespace

// ---- VulkanEvent ----------------------------------------------------------------------------------------------------

VulkanEvent::VulkanEvent(VulkanDevice& device) : Event(device), state_(std::make_shared<EventState>(device.vk())) {}

uint64_t VulkanEvent::value() noexcept {
    try {
        const uint64_t reached = state_->semaphore.value();
        state_->finish_reads(reached);
        seen_ = std::max(seen_.load(), reached);
        return reached;
    } catch (...) {  // the device is lost: the value stays where it was
        static_cast<VulkanDevice&>(device()).submitter().tell_of_loss();
        return seen_;
    }
}

bool VulkanEvent::wait(uint64_t value, uint64_t timeout_ns) {
    return static_cast<VulkanDevice&>(device()).submitter().wait(*state_, value, timeout_ns);
}

// ---- VulkanQueue ----------------------------------------------------------------------------------------------------

VulkanQueue::VulkanQueue(VulkanDevice& device)
    : Queue(device), device_(device), lane_(std::make_shared<SubmissionLane>(device.submitter(), device.vk())) {}

VulkanQueue::~VulkanQueue() {
    try {
        sync();
    } catch (...) {  // nobody is left to hear of it; what is lost is lost
    }
}

bool VulkanQueue::idle() {
    return open_.commands.empty() && !open_.transfers && open_.waits.empty() && lane_->done(lane_->last());
}

vk::Commands& VulkanQueue::transfers() {
    if (!open_.transfers) open_.transfers = std::make_unique<vk::Commands>(device_.vk(), false);
    return *open_.transfers;
}

void VulkanQueue::stage_read(void* dst, const vk::Memory& src, uint64_t offset, uint64_t size) {
    if (!reads_) reads_ = std::make_shared<Reads>();
    vk::Memory staging = device_.allocator().take(vk::MemoryKind::host, size, "staging");
    transfers().copy(src, offset, staging, 0, size);
    reads_->add(dst, std::move(staging));
}

void VulkanQueue::stage_late_reads() {
    for (; !late_reads_.empty(); late_reads_.pop_front()) {  // what cannot be staged now stays
        const LateRead& read = late_reads_.front();
        stage_read(read.dst, *read.memory, read.offset, read.size);
    }
}

void VulkanQueue::finish_signalled_reads() {
    if (signalled_reads_.empty()) return;
    const uint64_t reached = lane_->reached();
    for (; !signalled_reads_.empty() && signalled_reads_.front().first <= reached; signalled_reads_.pop_front())
        signalled_reads_.front().second->finish();
}

uint64_t VulkanQueue::flush() {
    Batch batch = std::exchange(open_, {});
    staged_bytes_ = 0;
    batch.reads = reads_;
    try {
        if (batch.transfers) {
            batch.commands.insert(batch.commands.begin(), batch.transfers->get());
            batch.transfers->end();
        }
    } catch (...) {
        batch.lost = std::current_exception();
    }
    return lane_->enqueue(std::move(batch));
}

void VulkanQueue::write_bytes(const vk::Memory& dst, uint64_t offset, const void* src, uint64_t size) {
    device_.vk().ensure_healthy();
    if (size == 0) return;
    if (dst.mapped() && idle() && late_reads_.empty()) {
        std::memcpy(dst.mapped() + offset, src, size);
        return;
    }
    stage_late_reads();
    if (staged_bytes_ > kMaxStaged) {
        flush();
        lane_->wait_for_device();  // not for an event that perhaps this thread will signal
    }
    vk::Memory staging = device_.allocator().take(vk::MemoryKind::host, size, "staging");
    std::memcpy(staging.mapped(), src, size);
    transfers().copy(staging, 0, dst, offset, size);
    open_.staging.push_back(std::move(staging));
    staged_bytes_ += size;
}

void VulkanQueue::read_bytes(void* dst, const vk::Memory& src, uint64_t offset, uint64_t size) {
    device_.vk().ensure_healthy();
    if (size == 0) return;
    if (src.host_reads_fast()) {
        if (idle()) std::memcpy(dst, src.mapped() + offset, size);
        else late_reads_.push_back({dst, src.mapped() + offset, &src, offset, size});
        return;
    }
    stage_late_reads();
    stage_read(dst, src, offset, size);
}

void VulkanQueue::copy_bytes(const vk::Memory& dst, uint64_t dst_offset, const vk::Memory& src, uint64_t src_offset,
                             uint64_t size) {
    device_.vk().ensure_healthy();
    stage_late_reads();
    if (size > 0) transfers().copy(src, src_offset, dst, dst_offset, size);
}

void VulkanQueue::write(plugin::Buffer& dst, uint64_t dst_offset, const void* src, uint64_t size) {
    write_bytes(memory_buffer(dst).memory(), dst_offset, src, size);
}

void VulkanQueue::read(void* dst, plugin::Buffer& src, uint64_t src_offset, uint64_t size) {
    read_bytes(dst, memory_buffer(src).memory(), src_offset, size);
}

void VulkanQueue::copy(plugin::Buffer& dst, uint64_t dst_offset, plugin::Buffer& src, uint64_t src_offset, uint64_t size) {
    copy_bytes(memory_buffer(dst).memory(), dst_offset, memory_buffer(src).memory(), src_offset, size);
}

void VulkanQueue::run(plugin::Program& program, const plugin::DimSizes&) {  // all rows: what was recorded has one size
    device_.vk().ensure_healthy();
    stage_late_reads();
    auto& recorded = static_cast<VulkanProgram&>(program);
    open_.commands.push_back(recorded.commands());
    recorded.ran_in(lane_, flush());
}

void VulkanQueue::export_memory(plugin::Buffer& memory, int64_t unit, void* dst, uint64_t size) {
    const MemoryPool& pool = pool_of(memory);
    read_bytes(dst, pool.memory(), unit_offset(pool, unit), size);
}

void VulkanQueue::import_memory(plugin::Buffer& memory, int64_t unit, const void* src, uint64_t size) {
    const MemoryPool& pool = pool_of(memory);
    write_bytes(pool.memory(), unit_offset(pool, unit), src, size);
}

void VulkanQueue::copy_memory(plugin::Buffer& memory, int64_t src_unit, int64_t dst_unit) {
    const MemoryPool& pool = pool_of(memory);
    if (src_unit == dst_unit) return;
    copy_bytes(pool.memory(), unit_offset(pool, dst_unit), pool.memory(), unit_offset(pool, src_unit),
               plugin::memory_unit_bytes(pool.spec().memory));
}

void VulkanQueue::signal(plugin::Event& event, uint64_t value) {
    device_.vk().ensure_healthy();
    const auto& state = static_cast<VulkanEvent&>(event).state();
    device_.submitter().check_signal(*state, value);
    stage_late_reads();
    finish_signalled_reads();
    open_.signals.push_back({state, value});
    const uint64_t number = flush();
    if (reads_) signalled_reads_.emplace_back(number, std::exchange(reads_, nullptr));
}

void VulkanQueue::wait(plugin::Event& event, uint64_t value) {
    device_.vk().ensure_healthy();
    stage_late_reads();
    if (!open_.commands.empty() || open_.transfers) flush();  // work before must not wait
    const auto& state = static_cast<VulkanEvent&>(event).state();
    for (Batch::Point& known : open_.waits)
        if (known.event == state) return void(known.value = std::max(known.value, value));
    open_.waits.push_back({state, value});
}

void VulkanQueue::sync() {
    // The device may be using what the caller will free next: first all work is brought to its end, then errors are told.
    if (open_.transfers || !open_.commands.empty() || !open_.waits.empty()) flush();
    const auto late_reads = std::exchange(late_reads_, {});
    const auto signalled_reads = std::exchange(signalled_reads_, {});
    const auto reads = std::exchange(reads_, nullptr);
    try {
        lane_->wait(lane_->last());
    } catch (...) {
        for (const auto& [number, signalled] : signalled_reads) signalled->drop();
        lane_->take_error();  // the same
        throw;
    }
    for (const LateRead& read : late_reads) std::memcpy(read.dst, read.src, read.size);
    for (const auto& [number, signalled] : signalled_reads) signalled->finish();
    if (reads) reads->finish();
    if (const std::exception_ptr error = lane_->take_error()) std::rethrow_exception(error);
    device_.vk().ensure_healthy();
}

}  // namespace krait::vulkan
