// SPDX-License-Identifier: Apache-2.0

#include "backends/cpu/thread_pool.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>
#include <system_error>

#include "backends/cpu/affinity.hpp"

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

ThreadPool::ThreadPool(const Options& options) : executor_(options.executor) {
    if (executor_) return;
    threads_.reserve(static_cast<size_t>(std::max(options.n_threads, 1) - 1));
    try {
        for (int worker = 1; worker < options.n_threads; ++worker) {
            const auto index = static_cast<size_t>(worker);
            const int processor = index < options.processors.size() ? options.processors[index] : -1;
            threads_.emplace_back([this, worker, processor] { serve(worker, processor); });
        }
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

void ThreadPool::run(int64_t n, int64_t grain, RangeFunction run_range, void* context) {
    if (n <= 0) return;
    grain = std::max<int64_t>(grain, 1);
    if (size() == 1 || n <= grain || current_worker >= 0) {
        const int worker = std::max(current_worker, 0);
        for (int64_t begin = 0; begin < n; begin += grain) run_range(context, begin, std::min(begin + grain, n), worker);
        return;
    }
    if (executor_) return run_on_executor(n, grain, run_range, context);
    const std::lock_guard turn(turn_);
    loop_.open(n, grain, size(), run_range, context);
    gate_.store(kOpen, std::memory_order_release);  // nobody is inside: the last loop waited for that
    epoch_.fetch_add(1, std::memory_order_release);
    epoch_.notify_all();

    loop_.work(0);
    // Threads that have not woken up by now find the gate closed; those inside are in their last piece.
    gate_.fetch_and(~kOpen, std::memory_order_acq_rel);
    for (int spins = 0; gate_.load(std::memory_order_acquire) != 0; ++spins) {
        if (spins < 1024) relax();
        else std::this_thread::yield();
    }
    loop_.finish();
}

void ThreadPool::run_on_executor(int64_t n, int64_t grain, RangeFunction run_range, void* context) {
    // Task i is worker i: the executor calls each index once, so numbers never meet.
    struct Tasks {
        Loop loop;
        uint32_t count;
        std::atomic<uint32_t> done{0};
    } tasks;
    tasks.count = static_cast<uint32_t>(std::min<int64_t>((n - 1) / grain + 1, executor_->n_threads));
    tasks.loop.open(n, grain, static_cast<int>(tasks.count), run_range, context);
    executor_->parallel(
        executor_->context, tasks.count,
        [](void* task_context, uint32_t index) {
            auto& of = *static_cast<Tasks*>(task_context);
            if (index >= of.count) return;
            of.loop.work(static_cast<int>(index));
            of.done.fetch_add(1, std::memory_order_release);
        },
        &tasks);
    if (const uint32_t done = tasks.done.load(std::memory_order_acquire); done != tasks.count)
        throw std::runtime_error("the application's executor was given " + std::to_string(tasks.count) +
                                 " tasks and returned after " + std::to_string(done));
    tasks.loop.finish();
}

void ThreadPool::Loop::open(int64_t n, int64_t grain_size, int n_workers, RangeFunction body, void* body_context) {
    run_range = body;
    context = body_context;
    grain = grain_size;
    n_spans = std::min(n_workers, kMaxSpans);
    const int64_t n_pieces = (n - 1) / grain + 1;
    int64_t begin = 0;
    for (int i = 0; i < n_spans; ++i) {
        Span& span = spans[static_cast<size_t>(i)];
        span.next.store(begin, std::memory_order_relaxed);
        span.end = std::min(n_pieces * (i + 1) / n_spans * grain, n);
        begin = span.end;
    }
}

void ThreadPool::Loop::work(int worker) noexcept {
    current_worker = worker;
    for (int i = 0; i < n_spans; ++i) {
        Span& span = spans[static_cast<size_t>((worker + i) % n_spans)];
        while (span.next.load(std::memory_order_relaxed) < span.end) {  // no write to a span that is done
            const int64_t begin = span.next.fetch_add(grain, std::memory_order_relaxed);
            if (begin >= span.end) break;
            try {
                run_range(context, begin, std::min(begin + grain, span.end), worker);
            } catch (...) {
                for (Span& rest : spans) rest.next.store(rest.end, std::memory_order_relaxed);
                const std::lock_guard lock(failure_mutex);
                if (!failure) failure = std::current_exception();
            }
        }
    }
    current_worker = -1;
}

void ThreadPool::Loop::finish() {
    if (failure) std::rethrow_exception(std::exchange(failure, nullptr));
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

void ThreadPool::serve(int worker, int processor) noexcept {
    if (processor >= 0) (void)pin_this_thread(processor);  // was allowed when the device was opened
    uint32_t epoch = 0;
    for (;;) {
        epoch = await_loop(epoch);
        if (stop_.load(std::memory_order_relaxed)) return;
        uint32_t gate = gate_.load(std::memory_order_relaxed);
        while ((gate & kOpen) != 0) {
            if (!gate_.compare_exchange_weak(gate, gate + 1, std::memory_order_acquire, std::memory_order_relaxed)) continue;
            loop_.work(worker);
            gate_.fetch_sub(1, std::memory_order_release);
            break;
        }
    }
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
