// SPDX-License-Identifier: Apache-2.0
//
// Launches that may start before the kernels in front of them have ended: what a kernel may do before it waits for those, and
// that each thing it may not do is found and named.
#include "tests/cuda/emulation.hpp"

namespace krait::cuda {
namespace {

std::string here(int line) { return fmt::format("early_launch_test.cpp:{}", line); }

class EarlyLaunch : public Emulation {
  protected:
    template <class Thread>
    void launch_early(Index3 grid, Index3 block, Thread thread, OrderMode mode = OrderMode::forward) {
        const emulation::KernelCall call{
            "tested", [](const void* closure) { (*static_cast<const Thread*>(closure))(); }, &thread, grid, block, 0, true};
        emulation::launch(memory, call, mode);
        memory.check("tested");
    }
    template <class Thread>
    std::string early_failure(Index3 grid, Index3 block, Thread thread) {
        try {
            launch_early(grid, block, thread);
        } catch (const KernelFailure& caught) {
            return caught.what();
        }
        return "nothing was found";
    }
    // n floats that kernels only read, from 0 up.
    const float* constants(size_t n) {
        auto* data = array<float>(n);
        for (size_t i = 0; i < n; ++i) data[i] = static_cast<float>(i);
        memory.freeze(data);
        return data;
    }
};

// ---- what is right works ----------------------------------------------------------------------------------------------

TEST_F(EarlyLaunch, ConstantsAreReadBeforeTheWaitAndTheRestBehindIt) {
    const float* weights = constants(64);
    auto* in = array<float>(3 * 64);
    auto* out = array<float>(3 * 64);
    for (int i = 0; i < 3 * 64; ++i) in[i] = 2;
    for (const OrderMode mode : {OrderMode::forward, OrderMode::reverse, OrderMode::shuffled, OrderMode::compare}) {
        launch_early(
            {3}, {64},
            [=] {
                KRAIT_SHARED(float, tile, 64);
                KRAIT_SHARED(float, whole, 2);
                prefetch(weights, 64 * sizeof(float));
                copy_async<4>(&tile[threadIdx.x], &weights[threadIdx.x]);
                copy_async_commit();
                copy_async_wait<0>();
                block_barrier();
                float sum = weights[63 - threadIdx.x];
                for (uint32_t step = 16; step > 0; step /= 2) sum += shuffle_xor(sum, step);
                if (threadIdx.x % 32 == 0) whole[threadIdx.x / 32] = sum;
                wait_for_earlier_kernels();
                let_next_kernel_start();
                block_barrier();
                const uint32_t at = blockIdx.x * 64 + threadIdx.x;
                out[at] = in[at] * tile[threadIdx.x] + whole[0] + whole[1];
            },
            mode);
        for (int i = 0; i < 3 * 64; ++i) ASSERT_EQ(out[i], static_cast<float>(2 * (i % 64) + 63 * 32));
    }
}

TEST_F(EarlyLaunch, WaitingTwiceIsWaiting) {
    auto* out = array<uint32_t>(40);
    launch_early({1}, {40}, [=] {
        wait_for_earlier_kernels();
        out[threadIdx.x] = threadIdx.x;
        wait_for_earlier_kernels();
    });
    for (uint32_t i = 0; i < 40; ++i) EXPECT_EQ(out[i], i);
}

TEST_F(EarlyLaunch, WhatTheHostSeesIsNotClosed) {
    auto* visible = static_cast<float*>(memory.allocate(sizeof(float), true));
    *visible = 7;
    float seen = 0;
    launch_early({1}, {1}, [visible, &seen] {
        seen = *visible;
        wait_for_earlier_kernels();
    });
    EXPECT_EQ(seen, 7);
}

TEST_F(EarlyLaunch, OtherLaunchesNeedNotWait) {
    auto* out = array<uint32_t>(64);
    launch({1}, {64}, [=] {
        out[threadIdx.x] = threadIdx.x;
        if (threadIdx.x < 3) wait_for_earlier_kernels();
    });
    for (uint32_t i = 0; i < 64; ++i) EXPECT_EQ(out[i], i);
}

// ---- what is wrong is found -------------------------------------------------------------------------------------------

TEST_F(EarlyLaunch, AReadBeforeTheWait) {
    auto* in = array<float>(10);
    auto* out = array<float>(10);
    const int line = __LINE__ + 3;
    const auto thread = [=] {
        const float value = in[threadIdx.x];
        wait_for_earlier_kernels();
        out[threadIdx.x] = value;
    };
    expect_says(early_failure({1}, {10}, thread),
                {"kernel tested", here(line), "thread 0", "byte 0", "40 bytes", "before it waited"});
}

TEST_F(EarlyLaunch, AWriteBeforeTheWait) {
    auto* out = array<float>(10);
    const int line = __LINE__ + 3;
    const auto thread = [=] {
        if (threadIdx.x == 7) out[threadIdx.x] = 1;
        wait_for_earlier_kernels();
    };
    expect_says(early_failure({1}, {10}, thread),
                {"kernel tested", here(line), "thread 7", "byte 28", "40 bytes", "before it waited"});
}

TEST_F(EarlyLaunch, ATouchInALaterBlock) {
    auto* out = array<float>(10);
    expect_says(early_failure({3}, {10},
                              [=] {
                                  if (blockIdx.x == 2) out[9] = 1;
                                  wait_for_earlier_kernels();
                              }),
                {"thread 0", "byte 36"});
}

TEST_F(EarlyLaunch, ATouchBeforeABarrierIsToldThere) {
    auto* in = array<float>(1);
    const int line = __LINE__ + 4;
    const auto thread = [=] {
        KRAIT_SHARED(float, value, 1);
        if (threadIdx.x == 63) value[0] = *in;
        block_barrier();
        wait_for_earlier_kernels();
    };
    expect_says(early_failure({1}, {64}, thread), {here(line), "thread 63", "byte 0"});
}

TEST_F(EarlyLaunch, ACopyThatStartsBeforeTheWait) {
    auto* in = array<float>(8);
    auto* out = array<float>(8);
    const int line = __LINE__ + 5;
    const auto thread = [=] {
        KRAIT_SHARED(float, tile, 8);
        copy_async<16>(tile + 4 * threadIdx.x, in + 4 * threadIdx.x);
        copy_async_commit();
        wait_for_earlier_kernels();
        copy_async_wait<0>();
        out[threadIdx.x] = tile[4 * threadIdx.x];
    };
    expect_says(early_failure({1}, {2}, thread), {here(line), "thread 0", "byte 0", "32 bytes"});
}

TEST_F(EarlyLaunch, AThreadThatEndsAndHasNotWaited) {
    expect_says(early_failure({1}, {64},
                              [] {
                                  if (threadIdx.x >= 40) return;
                                  wait_for_earlier_kernels();
                              }),
                {"kernel tested", "thread 40", "ends and has not waited"});
}

TEST_F(EarlyLaunch, ABlockThatEndsAndHasNotWaited) {
    expect_says(early_failure({2}, {32},
                              [] {
                                  if (blockIdx.x == 0) wait_for_earlier_kernels();
                              }),
                {"kernel tested", "thread 0", "ends and has not waited"});
}

TEST_F(EarlyLaunch, AWaitThatOthersOfTheBlockDoNotComeTo) {
    const int line = __LINE__ + 2;
    const auto thread = [] {
        if (threadIdx.x < 32) wait_for_earlier_kernels();
        else shuffle_xor(threadIdx.x, 1, threadIdx.x < 48 ? 0xffffffffu : 0xffff0000u);
        wait_for_earlier_kernels();
    };
    expect_says(early_failure({1}, {64}, thread), {"deadlock", "for earlier kernels", here(line), here(line + 1)});
}

TEST_F(EarlyLaunch, APrefetchOfWhatIsNotThere) {
    const float* weights = constants(8);
    const int line = __LINE__ + 2;
    const auto thread = [=](size_t bytes) {
        prefetch(weights, bytes);
        wait_for_earlier_kernels();
    };
    EXPECT_EQ(early_failure({1}, {1}, [=] { thread(32); }), "nothing was found");
    expect_says(early_failure({1}, {1}, [=] { thread(36); }), {here(line), "36 bytes"});
}

TEST_F(EarlyLaunch, AFailureLeavesMemoryOpen) {
    auto* out = array<uint32_t>(64);
    EXPECT_NE(early_failure({1}, {64},
                            [] {
                                if (threadIdx.x < 10) wait_for_earlier_kernels();
                            }),
              "nothing was found");
    out[0] = 5;
    launch_early({1}, {64}, [=] {
        wait_for_earlier_kernels();
        if (threadIdx.x > 0) out[threadIdx.x] = out[0] + threadIdx.x;
    });
    for (uint32_t i = 1; i < 64; ++i) EXPECT_EQ(out[i], 5 + i);
}

}  // namespace
}  // namespace krait::cuda
