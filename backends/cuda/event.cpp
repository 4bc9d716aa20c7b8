// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/event.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

namespace krait::cuda {

uint64_t TimelineEvent::poll() {
    while (!pending_.empty() && pending_.front().marker->reached()) {
        reached_ = pending_.front().value;
        pending_.pop_front();
    }
    return reached_;
}

uint64_t TimelineEvent::value() noexcept {
    const std::lock_guard lock(mutex_);
    try {
        return poll();
    } catch (...) {  // the device is lost: what was reached before stays reached, and sync tells the error
        return reached_;
    }
}

bool TimelineEvent::wait(uint64_t value, uint64_t timeout_ns) {
    using Clock = std::chrono::steady_clock;
    // Longer than this is for ever: the clock's own arithmetic ends at 292 years.
    constexpr uint64_t kForever = uint64_t{1} << 60;
    const auto start = Clock::now();
    const auto end = timeout_ns < kForever ? start + std::chrono::nanoseconds(timeout_ns) : Clock::time_point::max();
    std::unique_lock lock(mutex_);
    for (;;) {
        if (poll() >= value) return true;
        const auto now = Clock::now();
        if (now >= end) return false;
        // A decode step takes a fraction of a millisecond: look often at first, then seldom.
        constexpr Clock::duration kShort = std::chrono::microseconds(20), kLong = std::chrono::milliseconds(1);
        const auto pause = std::min(now - start < kLong ? kShort : kLong, end - now);
        submitted_more_.wait_for(lock, pause);
    }
}

void TimelineEvent::signal(Stream& stream, uint64_t value) {
    {
        const std::lock_guard lock(mutex_);
        if (value <= submitted_)
            plugin::throw_error(ErrorCode::invalid_argument, "the event stands at {}; a signal must be larger, {} is not",
                                submitted_, value);
        pending_.push_back({value, std::make_unique<Marker>(stream)});
        submitted_ = value;
    }
    submitted_more_.notify_all();
}

void TimelineEvent::hold_back(Stream& stream, uint64_t value) {
    std::unique_lock lock(mutex_);
    submitted_more_.wait(lock, [&] { return submitted_ >= value; });
    if (poll() >= value) return;
    for (const Pending& pending : pending_)
        if (pending.value >= value) return pending.marker->hold_back(stream);
}

}  // namespace krait::cuda
