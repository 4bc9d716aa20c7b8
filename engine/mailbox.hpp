// SPDX-License-Identifier: Apache-2.0
//
// The way from other threads to that of an engine: new requests, and the word that something has changed. Counts what waits, so
// that a full queue refuses at once. All threads.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "core/base/result.hpp"

namespace krait::engine {

class RequestState;

// The ends of a queue; 0: none.
struct QueueLimits {
    int64_t max_requests = 512;  // that have no sequence yet
    int64_t max_tokens = 0;      // of prompts, that are not read yet
};

class Mailbox {
  public:
    explicit Mailbox(const QueueLimits& limits) : limits_(limits) {}

    // `unavailable` with the numbers where the queue is full, `cancelled` after stop().
    Result<void> submit(std::shared_ptr<RequestState> request, size_t n_tok);
    void wake();
    void stop();

    // Of the engine's thread:
    // Waits until something has changed, or the time has come.
    void wait(std::optional<std::chrono::steady_clock::time_point> until);
    // New requests, in order; false after stop().
    bool collect(std::vector<std::shared_ptr<RequestState>>& into);
    void count_left(int64_t n_requests, int64_t n_tok);  // that the queue no longer holds

    struct Counts {
        int64_t requests = 0, tokens = 0;  // that wait
        int64_t refused = 0;               // since the beginning
    };
    Counts counts() const;

  private:
    const QueueLimits limits_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::shared_ptr<RequestState>> submitted_;
    Counts counts_;
    bool has_changed_ = false;
    bool is_stopped_ = false;
};

}  // namespace krait::engine
