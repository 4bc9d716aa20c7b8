// SPDX-License-Identifier: Apache-2.0
#include "engine/request_state.hpp"

#include <cassert>

namespace krait::engine {

bool RequestState::has_room_locked() const { return n_event_ + 2 * static_cast<size_t>(options.n) <= events_.size(); }

bool RequestState::has_room() const {
    const std::lock_guard lock(mutex_);
    return has_room_locked();
}

void RequestState::push(const Event& event) {
    {
        const std::lock_guard lock(mutex_);
        assert(n_event_ < events_.size());
        events_[(first_event_ + n_event_++) % events_.size()] = event;
        if (is_waiting_) changed_.notify_one();
    }
    wake_owner();
}

void RequestState::finish_all() noexcept {
    {
        const std::lock_guard lock(mutex_);
        is_complete_ = true;
        changed_.notify_all();
    }
    wake_owner();
}

std::optional<Event> RequestState::next(std::optional<Clock::duration> timeout) {
    std::unique_lock lock(mutex_);
    const auto is_there = [&] { return n_event_ > 0 || is_complete_; };
    is_waiting_ = true;
    if (!timeout) changed_.wait(lock, is_there);
    else if (*timeout > Clock::duration::zero()) changed_.wait_for(lock, *timeout, is_there);
    is_waiting_ = false;
    if (n_event_ == 0) return std::nullopt;
    const bool was_full = !has_room_locked();
    const Event event = events_[first_event_];
    first_event_ = (first_event_ + 1) % events_.size();
    --n_event_;
    const bool goes_on = was_full && has_room_locked();
    lock.unlock();
    if (goes_on) mailbox_->wake();
    return event;
}

void RequestState::wake_owner() {
    if (!options.wake) return;
    const std::lock_guard lock(wake_mutex_);
    if (!is_disconnected_) options.wake();
}

void RequestState::disconnect() {
    set_control(Control::cancel);
    if (!options.wake) return;
    const std::lock_guard lock(wake_mutex_);
    is_disconnected_ = true;
}

bool RequestState::is_finished() const {
    const std::lock_guard lock(mutex_);
    return is_complete_ && n_event_ == 0;
}

void RequestState::set_control(Control control) {
    // A request that is cancelled stays so.
    for (Control before = control_.load(); before != control && before != Control::cancel;)
        if (control_.compare_exchange_weak(before, control)) {
            mailbox_->wake();
            return;
        }
}

RequestStats RequestState::stats() const {
    const std::lock_guard lock(mutex_);
    return stats_;
}

}  // namespace krait::engine
