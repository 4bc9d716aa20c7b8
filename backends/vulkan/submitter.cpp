// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/submitter.hpp"

#include <algorithm>
#include <cstring>

namespace krait::vulkan {

// ---- Reads, EventState ----------------------------------------------------------------------------------------------

void Reads::add(void* dst, vk::Memory staging) { copies_.push_back({dst, std::move(staging)}); }

void Reads::finish() {
    const std::lock_guard lock(mutex_);
    for (const Copy& copy : copies_) std::memcpy(copy.dst, copy.staging.mapped(), copy.staging.size());
    copies_.clear();
}

void EventState::add_reads(uint64_t value, std::shared_ptr<Reads> reads) {
    const std::lock_guard lock(mutex_);
    reads_.emplace_back(value, std::move(reads));
}

void EventState::finish_reads(uint64_t reached) {
    const std::lock_guard lock(mutex_);
    while (!reads_.empty() && reads_.front().first <= reached) {
        reads_.front().second->finish();
        reads_.pop_front();
    }
}

// ---- Lane -----------------------------------------------------------------------------------------------------------

Lane::Lane(Submitter& submitter, vk::Device& device) : submitter_(submitter), finished_(device) {
    const std::lock_guard lock(submitter_.mutex_);
    submitter_.lanes_.push_back(this);
}

Lane::~Lane() {
    const std::lock_guard lock(submitter_.mutex_);
    std::erase(submitter_.lanes_, this);
}

uint64_t Lane::enqueue(Batch batch) {
    const std::lock_guard lock(submitter_.mutex_);
    held_.emplace_back(++last_, std::move(batch));
    submitter_.submit_what_can();
    return last_;
}

bool Lane::done(uint64_t number) {
    if (finished_.value() < number) return false;
    const std::lock_guard lock(submitter_.mutex_);
    retire();
    return true;
}

void Lane::wait(uint64_t number) {
    if (number == 0) return;
    {
        std::unique_lock lock(submitter_.mutex_);
        submitter_.submitted_.wait(lock, [&] { return submitted_ >= number || error_; });
        if (error_) std::rethrow_exception(error_);
    }
    finished_.wait(number, UINT64_MAX);
    const std::lock_guard lock(submitter_.mutex_);
    retire();
}

void Lane::retire() {
    if (running_.empty()) return;
    const uint64_t reached = finished_.value();
    while (!running_.empty() && running_.front().first <= reached) running_.pop_front();
}

// ---- Submitter ------------------------------------------------------------------------------------------------------

void Submitter::submit_what_can() {
    const auto may_go = [](const Batch& batch) {
        return std::all_of(batch.waits.begin(), batch.waits.end(),
                           [](const Batch::Point& wait) { return wait.event->submitted >= wait.value; });
    };
    for (bool progress = true; progress;) {  // a signal may let another lane go
        progress = false;
        for (Lane* lane : lanes_)
            while (!lane->held_.empty() && may_go(lane->held_.front().second)) {
                auto [number, batch] = std::move(lane->held_.front());
                lane->held_.pop_front();
                submit(*lane, number, batch);
                progress = true;
            }
    }
    submitted_.notify_all();
}

void Submitter::submit(Lane& lane, uint64_t number, Batch& batch) {
    std::vector<VkSemaphore> signals;
    std::vector<uint64_t> values;
    for (const Batch::Point& signal : batch.signals) {
        signals.push_back(signal.event->semaphore.get());
        values.push_back(signal.value);
    }
    signals.push_back(lane.finished_.get());
    values.push_back(number);

    VkTimelineSemaphoreSubmitInfo timeline{VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO};
    timeline.signalSemaphoreValueCount = static_cast<uint32_t>(values.size());
    timeline.pSignalSemaphoreValues = values.data();
    VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO};
    info.pNext = &timeline;
    info.commandBufferCount = static_cast<uint32_t>(batch.commands.size());
    info.pCommandBuffers = batch.commands.data();
    info.signalSemaphoreCount = static_cast<uint32_t>(signals.size());
    info.pSignalSemaphores = signals.data();
    try {
        device_.submit(info);
        lane.submitted_ = number;
        for (const Batch::Point& signal : batch.signals)
            signal.event->submitted = std::max(signal.event->submitted, signal.value);
        lane.running_.emplace_back(number, std::move(batch));
    } catch (...) {
        if (!lane.error_) lane.error_ = std::current_exception();
    }
}

}  // namespace krait::vulkan
