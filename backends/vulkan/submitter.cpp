// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/submitter.hpp"

#include <algorithm>
#include <chrono>

namespace krait::vulkan {

// ---- Lane -----------------------------------------------------------------------------------------------------------

SubmissionLane::SubmissionLane(Submitter& submitter, vk::Device& device) : submitter_(submitter), finished_(device) {
    const std::lock_guard lock(submitter_.mutex_);
    submitter_.lanes_.push_back(this);
}

SubmissionLane::~SubmissionLane() {
    {
        const std::lock_guard lock(submitter_.mutex_);
        std::erase(submitter_.lanes_, this);
    }
    try {
        finished_.wait(submitted_, UINT64_MAX);
    } catch (...) {  // the device is lost, and with it what it was doing
    }
}

uint64_t SubmissionLane::enqueue(Batch batch) {
    const std::lock_guard lock(submitter_.mutex_);
    retire();
    held_.emplace_back(last_ + 1, std::move(batch));
    ++last_;
    submitter_.submit_what_can();
    return last_;
}

bool SubmissionLane::done(uint64_t number) {
    const std::lock_guard lock(submitter_.mutex_);
    retire();
    return !failure_ && settled_ >= number && (running_.empty() || running_.front().first > number);
}

uint64_t SubmissionLane::reached() {
    const std::lock_guard lock(submitter_.mutex_);
    retire();
    return running_.empty() ? settled_ : running_.front().first - 1;
}

void SubmissionLane::wait(uint64_t number) {
    uint64_t until = 0;
    {
        std::unique_lock lock(submitter_.mutex_);
        submitter_.settled_.wait(lock, [&] { return settled_ >= number; });
        for (const Numbered& batch : running_)  // not a number that has failed: nothing signals it
            if (batch.first <= number) until = batch.first;
    }
    wait_for_device(until);
}

void SubmissionLane::wait_for_device() {
    uint64_t until = 0;
    {
        const std::lock_guard lock(submitter_.mutex_);
        until = submitted_;
    }
    wait_for_device(until);
}

void SubmissionLane::wait_for_device(uint64_t number) {
    try {
        if (number > 0) finished_.wait(number, UINT64_MAX);
    } catch (...) {
        submitter_.tell_of_loss();
        throw;
    }
    const std::lock_guard lock(submitter_.mutex_);
    retire();
}

std::exception_ptr SubmissionLane::take_error() {
    const std::lock_guard lock(submitter_.mutex_);
    failure_ = nullptr;
    return std::exchange(error_, nullptr);
}

void SubmissionLane::retire() noexcept {
    if (running_.empty()) return;
    uint64_t reached = 0;
    try {
        reached = finished_.value();
    } catch (...) {  // the device is lost
        submitter_.submit_what_can();
    }
    while (!running_.empty() && running_.front().first <= reached) running_.pop_front();
}

// ---- Submitter ------------------------------------------------------------------------------------------------------

void Submitter::check_signal(const EventState& event, uint64_t value) {
    const std::lock_guard lock(mutex_);
    if (value <= event.submitted)
        plugin::throw_error(ErrorCode::invalid_argument, "the event stands at {}; a signal must be larger, {} is not",
                            event.submitted, value);
}

bool Submitter::wait(EventState& event, uint64_t value, uint64_t timeout_ns) {
    using Clock = std::chrono::steady_clock;
    // A timeout beyond what the clock can add up to is none.
    constexpr uint64_t kForever = uint64_t{1} << 60;
    const bool forever = timeout_ns >= kForever;
    const Clock::time_point end = Clock::now() + std::chrono::nanoseconds(forever ? 0 : timeout_ns);
    {
        std::unique_lock lock(mutex_);
        const auto decided = [&] { return event.submitted >= value || event.will_not_reach(value) || device_.lost(); };
        if (forever) settled_.wait(lock, decided);
        else if (!settled_.wait_until(lock, end, decided)) return false;
        if (event.will_not_reach(value)) std::rethrow_exception(event.error);
    }
    if (device_.lost()) device_.ensure_healthy();
    const auto left = std::max<int64_t>(0, std::chrono::nanoseconds(end - Clock::now()).count());
    try {
        if (!event.semaphore.wait(value, forever ? UINT64_MAX : static_cast<uint64_t>(left))) return false;
    } catch (...) {
        tell_of_loss();
        throw;
    }
    event.finish_reads(value);
    return true;
}

void Submitter::tell_of_loss() {
    const std::lock_guard lock(mutex_);
    submit_what_can();
}

void Submitter::submit_what_can() {
    for (bool progress = true; progress;) {  // a signal may let another lane go
        progress = false;
        for (SubmissionLane* lane : lanes_)
            while (!lane->held_.empty() && advance(*lane)) progress = true;
    }
    settled_.notify_all();
}

bool Submitter::advance(SubmissionLane& lane) {
    const Batch& next = lane.held_.front().second;
    std::exception_ptr why = lane.failure_ ? lane.failure_ : next.lost;
    bool may_go = true;
    for (const Batch::Point& wait : next.waits) {
        if (!why && wait.event->will_not_reach(wait.value)) why = wait.event->error;
        may_go = may_go && wait.event->submitted >= wait.value;
    }
    if (!why && device_.lost())
        why = std::make_exception_ptr(plugin::PluginError(ErrorCode::device_lost, "the device was lost"));
    if (!why && !may_go) return false;
    auto [number, batch] = std::move(lane.held_.front());
    lane.held_.pop_front();
    if (why) fail(lane, number, batch, why);
    else submit(lane, number, std::move(batch));
    return true;
}

void Submitter::submit(SubmissionLane& lane, uint64_t number, Batch batch) {
    // Another queue may have set the event further while this batch was held.
    std::erase_if(batch.signals, [&](const Batch::Point& signal) {
        const uint64_t stands_at = signal.event->submitted;
        if (signal.value > stands_at) return false;
        if (!lane.error_)
            lane.error_ = std::make_exception_ptr(plugin::PluginError(
                ErrorCode::invalid_argument,
                fmt::format("the event stands at {}; a signal must be larger, {} is not", stands_at, signal.value)));
        return true;
    });
    lane.running_.emplace_back(number, std::move(batch));
    const Batch& running = lane.running_.back().second;
    try {
        // Before the device has it: whoever sees the event's value must find the reads.
        for (const Batch::Point& signal : running.signals)
            if (running.reads) signal.event->add_reads(signal.value, running.reads);
        give_to_device(lane, number, running);
    } catch (...) {
        fail(lane, number, running, std::current_exception());
        lane.running_.pop_back();
        return;
    }
    lane.submitted_ = lane.settled_ = number;
    for (const Batch::Point& signal : running.signals) signal.event->submitted = signal.value;
}

void Submitter::fail(SubmissionLane& lane, uint64_t number, const Batch& batch, const std::exception_ptr& why) {
    if (!lane.error_) lane.error_ = why;
    lane.failure_ = why;
    lane.settled_ = number;
    if (batch.reads) batch.reads->drop();
    for (const Batch::Point& signal : batch.signals) {
        signal.event->failed = std::max(signal.event->failed, signal.value);
        signal.event->error = why;
    }
}

void Submitter::give_to_device(SubmissionLane& lane, uint64_t number, const Batch& batch) {
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
    device_.submit(info);
}

}  // namespace krait::vulkan
