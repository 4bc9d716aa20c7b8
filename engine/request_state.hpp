// SPDX-License-Identifier: Apache-2.0
//
// What a request's handle and the engine's thread share: events, controls and statistics. Alive as long as either of them.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "engine/event.hpp"
#include "engine/mailbox.hpp"
#include "engine/request_options.hpp"

namespace krait::engine {

// What the owner of a request wants of it.
enum class Control : uint8_t { run, pause, spill, cancel };

class RequestState {
  public:
    RequestState(RequestOptions given, std::shared_ptr<Mailbox> mailbox)
        : options(std::move(given)), submitted(Clock::now()), mailbox_(std::move(mailbox)) {
        stats_.prompt_tokens = options.tokens.size();
        events_.resize(options.max_events);
    }

    const RequestOptions options;
    const Clock::time_point submitted;

    // By the engine's thread:
    bool has_room() const;  // for a token and the end of each choice
    void push(const Event& event);
    void finish_all() noexcept;  // no event comes any more
    template <class Change>
    void change_stats(Change&& change) {
        const std::lock_guard lock(mutex_);
        change(stats_);
    }
    Control control() const { return control_.load(std::memory_order_acquire); }

    // By the owner:
    std::optional<Event> next(std::optional<Clock::duration> timeout);
    bool is_finished() const;
    void set_control(Control control);
    void disconnect();  // no call of wake is in progress then, and none follows
    RequestStats stats() const;

  private:
    bool has_room_locked() const;
    void wake_owner();

    const std::shared_ptr<Mailbox> mailbox_;
    std::atomic<Control> control_{Control::run};
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Event> events_;  // a ring of its whole size from the start, so that the engine's thread allocates nothing
    size_t first_event_ = 0, n_event_ = 0;
    RequestStats stats_;
    bool is_complete_ = false;
    bool is_waiting_ = false;  // the owner, for an event
    std::mutex wake_mutex_;
    bool is_disconnected_ = false;
};

}  // namespace krait::engine
