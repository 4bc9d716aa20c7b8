// SPDX-License-Identifier: Apache-2.0
//
// Persistent threads that share loops; or none, and the loops run on an executor of the host application.
//     pool.parallel_for(n, grain, [&](int64_t begin, int64_t end, int worker) { ... });
// covers 0 .. n in pieces of `grain`; the caller takes part and returns when all are done. Each thread walks a span of its own
// from its begin, piece by piece, and then helps with what is left of others' spans: so a thread reads weights in one stream,
// as hardware prefetchers want it (pieces dealt out in turn cost a third of the bandwidth at decoding), and a thread that
// is late or slow holds nobody up.
// worker: 0 .. size()-1, distinct among the threads that run at the same time (for scratch memory). Which thread runs a piece
// differs from run to run: a piece's result must depend on its own range alone.
// Nothing is allocated for a call. A pool of one, a loop of one piece and a loop inside a loop run on the calling thread.
// Two threads that call at once take turns; on an executor of the host they do not, and nothing is locked while it runs: it may
// have the calling thread do other work meanwhile, which may come back here. The first exception of a body stops the handing
// out of pieces and is thrown again by parallel_for, after every piece that had begun has ended.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/abi/backend_abi.h"

namespace krait::plugin {
struct OpenParams;
}

namespace krait::cpu::KRAIT_CPU_VARIANT {

class ThreadPool {
  public:
    struct Options {
        int n_threads = 1;            // the caller counts: n_threads - 1 are started
        std::vector<int> processors;  // worker w is tied to [w], worker 0, the caller, to none; empty = nobody is
        std::optional<krait_host_executor> executor;  // the loops run there; the rest is ignored
    };
    explicit ThreadPool(const Options& options);
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    int size() const noexcept {
        return executor_ ? static_cast<int>(executor_->n_threads) : static_cast<int>(threads_.size()) + 1;
    }

    template <class Body>
    void parallel_for(int64_t n, int64_t grain, Body&& body) {
        run(
            n, grain,
            [](void* context, int64_t begin, int64_t end, int worker) {
                (*static_cast<std::remove_reference_t<Body>*>(context))(begin, end, worker);
            },
            const_cast<void*>(static_cast<const void*>(&body)));
    }

  private:
    using RangeFunction = void (*)(void* context, int64_t begin, int64_t end, int worker);

    // Part of a loop that one thread begins with; a cache line each.
    struct alignas(64) Span {
        std::atomic<int64_t> next{0};  // where its next piece begins
        int64_t end = 0;
    };
    static constexpr int kMaxSpans = 32;  // threads beyond that begin where another one is

    struct Loop {
        RangeFunction run_range = nullptr;
        void* context = nullptr;
        int64_t grain = 1;
        int n_spans = 0;
        std::exception_ptr failure;
        std::mutex failure_mutex;
        std::array<Span, kMaxSpans> spans;

        void open(int64_t n, int64_t grain_size, int n_workers, RangeFunction body, void* body_context);
        void work(int worker) noexcept;  // takes pieces until none is left
        void finish();                   // throws what a piece threw
    };

    void run(int64_t n, int64_t grain, RangeFunction run_range, void* context);
    void run_on_executor(int64_t n, int64_t grain, RangeFunction run_range, void* context);
    void serve(int worker, int processor) noexcept;  // a thread's life
    uint32_t await_loop(uint32_t seen) noexcept;

    const std::optional<krait_host_executor> executor_;
    Loop loop_;                                   // that is open: written while nobody is inside, read by those who entered
    alignas(64) std::atomic<uint32_t> gate_{0};   // kOpen | how many threads are inside
    alignas(64) std::atomic<uint32_t> epoch_{0};  // grows with each loop: what idle threads watch
    std::atomic<bool> stop_{false};
    alignas(64) std::mutex turn_;
    std::vector<std::thread> threads_;
};

// The options that device_open was asked for; throws where they cannot be had.
ThreadPool::Options pool_options(const plugin::OpenParams& params);

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
