// SPDX-License-Identifier: Apache-2.0
#include "server/work_queue.hpp"

namespace krait::server {

WorkQueue::WorkQueue(size_t n_thread, size_t max_waiting) : max_waiting_(max_waiting) {
    for (size_t i = 0; i < n_thread; ++i) threads_.emplace_back([this] { run(); });
}

WorkQueue::~WorkQueue() {
    {
        const std::lock_guard lock(mutex_);
        is_ending_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
}

bool WorkQueue::push(std::function<void()> task) {
    {
        const std::lock_guard lock(mutex_);
        if (tasks_.size() >= max_waiting_) return false;
        tasks_.push_back(std::move(task));
    }
    changed_.notify_one();
    return true;
}

size_t WorkQueue::waiting() const {
    const std::lock_guard lock(mutex_);
    return tasks_.size();
}

void WorkQueue::run() {
    for (;;) {
        std::function<void()> task;
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [&] { return is_ending_ || !tasks_.empty(); });
            if (is_ending_) return;
            task = std::move(tasks_.front());
            tasks_.pop_front();
        }
        task();
    }
}

}  // namespace krait::server
