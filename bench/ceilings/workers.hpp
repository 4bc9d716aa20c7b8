// SPDX-License-Identifier: Apache-2.0
//
// Threads that begin a piece of work together: how long it takes is from the first that begins to the last that ends.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

namespace krait::bench {

class Workers {
  public:
    explicit Workers(int n_threads) : n_threads_(n_threads) {}

    int size() const { return n_threads_; }

    // Runs body(thread) once on each thread; seconds. Throws std::system_error where the system has not so many threads.
    double run(const std::function<void(int)>& body) const {
        using Clock = std::chrono::steady_clock;
        std::vector<Clock::time_point> begin(static_cast<size_t>(n_threads_)), end(begin.size());
        std::atomic<int> gate = kClosed;
        const auto work = [&](int thread) {
            gate.wait(kClosed);
            if (gate == kLeave) return;
            begin[static_cast<size_t>(thread)] = Clock::now();
            body(thread);
            end[static_cast<size_t>(thread)] = Clock::now();
        };
        {
            std::vector<std::jthread> others;
            const auto open = [&](int how) {
                gate = how;
                gate.notify_all();
            };
            try {
                for (int thread = 1; thread < n_threads_; ++thread) others.emplace_back(work, thread);
            } catch (...) {  // the system has no more threads: those that wait must not wait for ever
                open(kLeave);
                throw;
            }
            open(kOpen);
            work(0);
        }
        const auto first = *std::min_element(begin.begin(), begin.end());
        return std::chrono::duration<double>(*std::max_element(end.begin(), end.end()) - first).count();
    }

  private:
    static constexpr int kClosed = 0, kOpen = 1, kLeave = 2;
    int n_threads_;
};

}  // namespace krait::bench
