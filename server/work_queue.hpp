// SPDX-License-Identifier: Apache-2.0
//
// Threads for what would hold up the loop: parsing bodies, templates, tokenizing. Bounded: a queue that is full refuses.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace krait::server {

class WorkQueue {
  public:
    WorkQueue(size_t n_thread, size_t max_waiting);
    WorkQueue(const WorkQueue&) = delete;
    WorkQueue& operator=(const WorkQueue&) = delete;
    ~WorkQueue();  // drops what waits, and waits for what runs

    // From any thread. false: the queue is full, and the task was not taken.
    [[nodiscard]] bool push(std::function<void()> task);
    size_t waiting() const;

  private:
    void run();

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> tasks_;
    const size_t max_waiting_;
    bool is_ending_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace krait::server
