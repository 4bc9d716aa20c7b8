// SPDX-License-Identifier: Apache-2.0

#include "backends/cpu/thread_pool.hpp"

#include <algorithm>
#include <chrono>
#include <system_error>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace krait::cpu::KRAIT_CPU_VARIANT {

namespace {

constexpr uint32_t kOpen = 1u << 31;

// Loops of one decode step follow each other within microseconds; waking a thread from sleep costs 20 to 50 of them. Longer
// than this an idle thread only burns what others could use.
constexpr auto kSpinTime = std::chrono::microseconds(50);
constexpr int kSpinsBetweenClocks = 64;

thread_local int current_worker = -1;  // of the loop that this thread is in

inline void relax() {
#if defined(__x86_64__)
    _mm_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

}  // namespace

ThreadPool::ThreadPool(int n_threads) {
    threads_.reserve(static_cast<size_t>(std::max(n_threads, 1) - 1));
    try {
        for (int worker = 1; worker < n_threads; ++worker) threads_.emplace_back([this, worker] { serve(worker); });
    } catch (const std::system_error&) {
        // The system has no more threads to give: those that started, and the caller, do the work.
    }
}

ThreadPool::~ThreadPool() {
    stop_.store(true, std::memory_order_relaxed);
    epoch_.fetch_add(1, std::memory_order_release);
    epoch_.notify_all();
    for (std::thread& thread : threads_) thread.join();
}

void ThreadPool::run(int64_t n, int64_t grain, Piece piece, void* context) {
    if (n <= 0) return;
    grain = std::max<int64_t>(grain, 1);
    if (threads_.empty() || n <= grain || current_worker >= 0) {
        const int worker = std::max(current_worker, 0);
        for (int64_t begin = 0; begin < n; begin += grain) piece(context, begin, std::min(begin + grain, n), worker);
        return;
    }
    const std::lock_guard turn(turn_);
    piece_ = piece;
    context_ = context;
    n_ = n;
    grain_ = grain;
    next_.store(0, std::memory_order_relaxed);
    gate_.store(kOpen, std::memory_order_release);  // nobody is inside: the last loop waited for that
    epoch_.fetch_add(1, std::memory_order_release);
    epoch_.notify_all();

    work(0);
    // Threads that have not woken up by now find the gate closed; those inside are in their last piece.
    gate_.fetch_and(~kOpen, std::memory_order_acq_rel);
    for (int spins = 0; gate_.load(std::memory_order_acquire) != 0; ++spins) {
        if (spins < 1024) relax();
        else std::this_thread::yield();
    }
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void ThreadPool::work(int worker) noexcept {
    current_worker = worker;
    for (;;) {
        const int64_t begin = next_.fetch_add(grain_, std::memory_order_relaxed);
        if (begin >= n_) break;
        try {
            piece_(context_, begin, std::min(begin + grain_, n_), worker);
        } catch (...) {
            next_.store(n_, std::memory_order_relaxed);
            const std::lock_guard lock(failure_mutex_);
            if (!failure_) failure_ = std::current_exception();
        }
    }
    current_worker = -1;
}

uint32_t ThreadPool::await_loop(uint32_t seen) noexcept {
    const auto started = std::chrono::steady_clock::now();
    do {
        for (int i = 0; i < kSpinsBetweenClocks; ++i) {
            if (const uint32_t epoch = epoch_.load(std::memory_order_acquire); epoch != seen) return epoch;
            relax();
        }
    } while (std::chrono::steady_clock::now() - started < kSpinTime);
    epoch_.wait(seen, std::memory_order_acquire);
    return epoch_.load(std::memory_order_acquire);
}

void ThreadPool::serve(int worker) noexcept {
    uint32_t epoch = 0;
    for (;;) {
        epoch = await_loop(epoch);
        if (stop_.load(std::memory_order_relaxed)) return;
        uint32_t gate = gate_.load(std::memory_order_relaxed);
        while ((gate & kOpen) != 0) {
            if (!gate_.compare_exchange_weak(gate, gate + 1, std::memory_order_acquire, std::memory_order_relaxed)) continue;
            work(worker);
            gate_.fetch_sub(1, std::memory_order_release);
            break;
        }
    }
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
