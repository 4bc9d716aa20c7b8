// SPDX-License-Identifier: Apache-2.0
//
// A loop shared by threads that live for this one call: for work of milliseconds and more on the host, where starting threads
// costs nothing. (The CPU backend has a pool of its own for loops of microseconds.)
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "core/base/processors.hpp"

namespace krait {

// Calls body(begin, end) for pieces of `grain` that cover 0 .. n, each once, on the caller and up to n_threads - 1 others;
// n_threads < 1 means usable_processors(). Returns when all are done. The first exception of a body ends the handing out of
// pieces and is thrown again here.
template <class Body>
void parallel_for(int n_threads, int64_t n, int64_t grain, Body&& body) {
    std::atomic<int64_t> next{0};
    std::exception_ptr failure;
    std::mutex failure_mutex;
    const auto work = [&]() noexcept {
        for (int64_t begin; (begin = next.fetch_add(grain)) < n;) {
            try {
                body(begin, std::min(begin + grain, n));
            } catch (...) {
                const std::lock_guard lock(failure_mutex);
                if (!failure) failure = std::current_exception();
                next = n;
            }
        }
    };
    const int64_t n_piece = (n + grain - 1) / grain;
    const auto n_other = std::min<int64_t>(n_threads < 1 ? usable_processors() : n_threads, n_piece) - 1;
    {
        std::vector<std::jthread> others;
        for (int64_t i = 0; i < n_other; ++i) {
            try {
                others.emplace_back(work);
            } catch (const std::system_error&) {
                break;  // the system has no more threads: fewer do it
            }
        }
        work();
    }
    if (failure) std::rethrow_exception(failure);
}

}  // namespace krait
