// SPDX-License-Identifier: Apache-2.0
//
// The thread pool: every index once, worker numbers that never meet, nested loops, exceptions, two callers, quick turnover;
// and the same on an executor of the application.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "tests/unit/cpu_probe.hpp"

namespace krait::cpu {
namespace {

class CpuThreadPool : public testing::TestWithParam<int> {
  protected:
    // The pool's code is the same at all levels.
    std::unique_ptr<ProbedPool> pool_ = probes().front()->make_pool(GetParam(), {});
};

TEST_P(CpuThreadPool, CoversEveryIndexOnce) {
    for (int64_t n : {0, 1, 2, 7, 64, 1000})
        for (int64_t grain : {0, 1, 3, 64, 5000}) {
            std::vector<std::atomic<int>> hits(static_cast<size_t>(n));
            pool_->parallel_for(n, grain, [&](int64_t begin, int64_t end, int) {
                EXPECT_LT(begin, end);
                EXPECT_LE(end - begin, std::max<int64_t>(grain, 1));
                for (int64_t i = begin; i < end; ++i) ++hits[static_cast<size_t>(i)];
            });
            for (const std::atomic<int>& hit : hits) ASSERT_EQ(hit.load(), 1) << n << " by " << grain;
        }
}

TEST(CpuThreadPoolOfTwo, WalksASpanAndHelpsWhereOneIsStuck) {
    const std::unique_ptr<ProbedPool> pool = probes().front()->make_pool(2, {});
    // The first piece of the first span waits until all others are done: only the other thread can do them. It begins
    // with the second span, in order, and takes the rest of the first one after that.
    constexpr int64_t kPieces = 64;
    std::vector<int64_t> others;
    std::atomic<int64_t> n_done{0};
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    pool->parallel_for(kPieces, 1, [&](int64_t begin, int64_t, int worker) {
        if (begin == 0) {
            while (n_done.load() < kPieces - 1 && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
            EXPECT_EQ(n_done.load(), kPieces - 1) << "nobody helped worker " << worker;
            return;
        }
        others.push_back(begin);  // one thread: the other one waits
        ++n_done;
    });
    std::vector<int64_t> expected;
    for (int64_t i = kPieces / 2; i < kPieces; ++i) expected.push_back(i);
    for (int64_t i = 1; i < kPieces / 2; ++i) expected.push_back(i);
    EXPECT_EQ(others, expected);
}

TEST_P(CpuThreadPool, WorkersHaveNumbersOfTheirOwn) {
    EXPECT_EQ(pool_->size(), GetParam());
    std::vector<std::atomic<int>> inside(static_cast<size_t>(pool_->size()));
    for (int round = 0; round < 50; ++round)
        pool_->parallel_for(200, 1, [&](int64_t, int64_t, int worker) {
            ASSERT_GE(worker, 0);
            ASSERT_LT(worker, GetParam());
            EXPECT_EQ(inside[static_cast<size_t>(worker)].fetch_add(1), 0) << "two threads are worker " << worker;
            inside[static_cast<size_t>(worker)].fetch_sub(1);
        });
}

TEST_P(CpuThreadPool, WhatABodyWritesIsSeenAfterTheLoop) {
    std::vector<int64_t> data(4096);  // plain memory: a race would show under ThreadSanitizer
    for (int64_t round = 1; round <= 200; ++round) {
        pool_->parallel_for(4096, 64, [&](int64_t begin, int64_t end, int) {
            for (int64_t i = begin; i < end; ++i) data[static_cast<size_t>(i)] += i * round;
        });
    }
    for (int64_t i = 0; i < 4096; ++i) ASSERT_EQ(data[static_cast<size_t>(i)], i * (200 * 201 / 2));
}

TEST_P(CpuThreadPool, NestedLoopsRunInside) {
    std::atomic<int64_t> sum{0};
    pool_->parallel_for(16, 1, [&](int64_t begin, int64_t, int outer) {
        pool_->parallel_for(10, 2, [&](int64_t from, int64_t to, int inner) {
            EXPECT_EQ(inner, outer);
            for (int64_t i = from; i < to; ++i) sum += begin * 10 + i;
        });
    });
    EXPECT_EQ(sum.load(), 160 * 159 / 2);
}

TEST_P(CpuThreadPool, ThrowsWhatABodyThrewAndGoesOn) {
    for (int round = 0; round < 20; ++round) {
        std::atomic<int> begun{0};
        EXPECT_THROW(pool_->parallel_for(1000, 1,
                                         [&](int64_t begin, int64_t, int) {
                                             ++begun;
                                             if (begin == 5) throw std::runtime_error("five");
                                         }),
                     std::runtime_error);
        EXPECT_LE(begun.load(), 1000);
        std::atomic<int64_t> count{0};
        pool_->parallel_for(100, 7, [&](int64_t begin, int64_t end, int) { count += end - begin; });
        EXPECT_EQ(count.load(), 100);
    }
}

TEST_P(CpuThreadPool, TwoCallersTakeTurns) {
    std::atomic<int64_t> sum{0};
    const auto call = [&] {
        for (int round = 0; round < 200; ++round)
            pool_->parallel_for(64, 4, [&](int64_t begin, int64_t end, int) { sum += end - begin; });
    };
    std::thread other(call);
    call();
    other.join();
    EXPECT_EQ(sum.load(), 2 * 200 * 64);
}

TEST_P(CpuThreadPool, WakesUpAfterASleep) {
    for (int round = 0; round < 5; ++round) {
        std::this_thread::sleep_for(std::chrono::milliseconds(3));  // longer than idle threads spin
        std::atomic<int> count{0};
        pool_->parallel_for(32, 1, [&](int64_t, int64_t, int) { ++count; });
        EXPECT_EQ(count.load(), 32);
    }
}

TEST_P(CpuThreadPool, ManyPoolsComeAndGo) {
    for (int round = 0; round < 50; ++round) {
        const auto pool = probes().front()->make_pool(GetParam(), {});
        std::atomic<int> count{0};
        if (round % 2 == 0) pool->parallel_for(10, 1, [&](int64_t, int64_t, int) { ++count; });
        EXPECT_EQ(count.load(), round % 2 == 0 ? 10 : 0);
    }
}

// An executor without threads: all tasks on the caller, the last index first.
struct Backwards {
    int calls = 0;
    uint32_t largest = 0;
    uint32_t left_out = 0;  // how many tasks are never run

    krait_host_executor executor(uint32_t n_threads) {
        return {this, n_threads, [](void* context, uint32_t n_tasks, void (*task)(void*, uint32_t), void* task_context) {
                    auto& self = *static_cast<Backwards*>(context);
                    ++self.calls;
                    self.largest = std::max(self.largest, n_tasks);
                    for (uint32_t i = n_tasks; i-- > self.left_out;) task(task_context, i);
                }};
    }
};

TEST(CpuThreadPoolOnExecutor, CoversEveryIndexOnceWithoutThreads) {
    Backwards host;
    const auto pool = probes().front()->make_executor_pool(host.executor(3));
    EXPECT_EQ(pool->size(), 3);
    for (int64_t n : {0, 1, 2, 7, 64, 1000})
        for (int64_t grain : {0, 1, 3, 64}) {
            std::vector<int> hits(static_cast<size_t>(n));
            pool->parallel_for(n, grain, [&](int64_t begin, int64_t end, int worker) {
                EXPECT_GE(worker, 0);
                EXPECT_LT(worker, 3);
                for (int64_t i = begin; i < end; ++i) ++hits[static_cast<size_t>(i)];
            });
            for (const int hit : hits) ASSERT_EQ(hit, 1) << n << " by " << grain;
        }
    EXPECT_GT(host.calls, 0);
    EXPECT_EQ(host.largest, 3u);
}

TEST(CpuThreadPoolOnExecutor, TasksAreNoMoreThanPieces) {
    Backwards host;
    const auto pool = probes().front()->make_executor_pool(host.executor(8));
    pool->parallel_for(10, 4, [](int64_t, int64_t, int) {});
    EXPECT_EQ(host.largest, 3u);
    pool->parallel_for(4, 4, [](int64_t, int64_t, int) {});
    EXPECT_EQ(host.calls, 1) << "one piece needs nobody's help";
}

TEST(CpuThreadPoolOnExecutor, NestedLoopsStayInTheirTask) {
    Backwards host;
    const auto pool = probes().front()->make_executor_pool(host.executor(4));
    int64_t sum = 0;
    pool->parallel_for(4, 1, [&](int64_t, int64_t, int outer) {
        pool->parallel_for(10, 1, [&](int64_t i, int64_t, int inner) {
            EXPECT_EQ(inner, outer);
            sum += i;
        });
    });
    EXPECT_EQ(sum, 4 * 45);
    EXPECT_EQ(host.calls, 1);
}

TEST(CpuThreadPoolOnExecutor, ThrowsWhatABodyThrew) {
    Backwards host;
    const auto pool = probes().front()->make_executor_pool(host.executor(4));
    EXPECT_THROW(pool->parallel_for(8, 1, [](int64_t, int64_t, int) { throw std::out_of_range("all of them"); }),
                 std::out_of_range);
    int count = 0;
    pool->parallel_for(8, 1, [&](int64_t, int64_t, int) { ++count; });
    EXPECT_EQ(count, 8);
}

TEST(CpuThreadPoolOnExecutor, AnExecutorThatForgetsTasksIsNamed) {
    Backwards host;
    host.left_out = 1;
    const auto pool = probes().front()->make_executor_pool(host.executor(4));
    try {
        pool->parallel_for(8, 1, [](int64_t, int64_t, int) {});
        FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(), "the application's executor was given 4 tasks and returned after 3");
    }
}

INSTANTIATE_TEST_SUITE_P(Threads, CpuThreadPool, testing::Range(1, 9));

}  // namespace
}  // namespace krait::cpu
