// SPDX-License-Identifier: Apache-2.0
//
// Threads that begin a piece of work together: how long it takes is from the first that begins to the last that ends.
#pragma once

#include <algorithm>
#include <barrier>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

namespace krait::bench {

class Workers {
  public:
    explicit Workers(int n_threads) : n_threads_(n_threads) {}

    int size() const { return n_threads_; }

    // Runs body(thread) once on each thread; seconds.
    double run(const std::function<void(int)>& body) const {
        using Clock = std::chrono::steady_clock;
        std::vector<Clock::time_point> begin(static_cast<size_t>(n_threads_)), end(begin.size());
        std::barrier start(n_threads_);
        const auto work = [&](int thread) {
            start.arrive_and_wait();
            begin[static_cast<size_t>(thread)] = Clock::now();
            body(thread);
            end[static_cast<size_t>(thread)] = Clock::now();
        };
        {
            std::vector<std::jthread> others;
            for (int thread = 1; thread < n_threads_; ++thread) others.emplace_back(work, thread);
            work(0);
        }
        const auto first = *std::min_element(begin.begin(), begin.end());
        return std::chrono::duration<double>(*std::max_element(end.begin(), end.end()) - first).count();
    }

  private:
    int n_threads_;
};

}  // namespace krait::bench
