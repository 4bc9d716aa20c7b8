// SPDX-License-Identifier: Apache-2.0
//
// Persistent threads that share loops.
//     pool.parallel_for(n, grain, [&](int64_t begin, int64_t end, int worker) { ... });
// covers 0 .. n in pieces of `grain`, which whoever is free takes next; the caller takes part and returns when all are done.
// worker: 0 .. size()-1, distinct among the threads that run at the same time (for scratch memory). Which thread runs a piece
// differs from run to run: a piece's result must depend on its own range alone.
// Nothing is allocated for a call. A pool of one, a loop of one piece and a loop inside a loop run on the calling thread.
// Two threads that call at once take turns. The first exception of a body stops the handing out of pieces and is thrown
// again by parallel_for, after every piece that had begun has ended.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace krait::cpu::KRAIT_CPU_VARIANT {

class ThreadPool {
  public:
    explicit ThreadPool(int n_threads);  // the caller counts: n_threads - 1 are started
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    int size() const noexcept { return static_cast<int>(threads_.size()) + 1; }

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
    using Piece = void (*)(void* context, int64_t begin, int64_t end, int worker);

    void run(int64_t n, int64_t grain, Piece piece, void* context);
    void work(int worker) noexcept;   // takes pieces until none is left
    void serve(int worker) noexcept;  // a thread's life
    uint32_t await_loop(uint32_t seen) noexcept;

    // The loop that is open. Written by the caller while nobody is inside, read by those who entered through gate_.
    Piece piece_ = nullptr;
    void* context_ = nullptr;
    int64_t n_ = 0;
    int64_t grain_ = 1;
    std::exception_ptr failure_;
    std::mutex failure_mutex_;

    alignas(64) std::atomic<int64_t> next_{0};
    alignas(64) std::atomic<uint32_t> gate_{0};   // kOpen | how many threads are inside
    alignas(64) std::atomic<uint32_t> epoch_{0};  // grows with each loop: what idle threads watch
    std::atomic<bool> stop_{false};
    alignas(64) std::mutex turn_;
    std::vector<std::thread> threads_;
};

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
