// SPDX-License-Identifier: Apache-2.0
//
// The emulated GPU: that right kernels give right results, and that each mistake that it is there for is found and named.
#include "tests/cuda/emulation.hpp"

namespace krait::cuda {
namespace {

std::string here(int line) { return fmt::format("emulation_test.cpp:{}", line); }

// ---- what is right works ----------------------------------------------------------------------------------------------

TEST_F(Emulation, ThreadsHaveTheirIndices) {
    auto* seen = array<uint32_t>(2 * 3 * 4 * 5);
    for (const OrderMode mode : {OrderMode::forward, OrderMode::reverse, OrderMode::shuffled, OrderMode::compare}) {
        launch(
            {2, 3}, {4, 5},
            [=] {
                const uint32_t block = blockIdx.y * gridDim.x + blockIdx.x, thread = threadIdx.y * blockDim.x + threadIdx.x;
                seen[block * 20 + thread] = block * 20 + thread;
            },
            mode);
        for (uint32_t i = 0; i < 120; ++i) ASSERT_EQ(seen[i], i);
    }
}

TEST_F(Emulation, ABarrierSeparatesWritesFromReads) {
    auto* out = array<float>(96);
    launch(
        {1}, {96},
        [=] {
            KRAIT_SHARED(float, values, 96);
            values[threadIdx.x] = static_cast<float>(threadIdx.x);
            block_barrier();
            out[threadIdx.x] = values[95 - threadIdx.x];
        },
        OrderMode::compare);
    for (int i = 0; i < 96; ++i) ASSERT_EQ(out[i], static_cast<float>(95 - i));
}

TEST_F(Emulation, ABarrierDoesNotWaitForThreadsThatEnded) {
    auto* out = array<int>(1);
    launch({1}, {64}, [=] {
        KRAIT_SHARED(int, value, 1);
        if (threadIdx.x >= 40) return;
        if (threadIdx.x == 0) value[0] = 7;
        block_barrier();
        if (threadIdx.x == 39) *out = value[0];
    });
    EXPECT_EQ(*out, 7);
}

TEST_F(Emulation, LanesExchange) {
    auto* out = array<uint32_t>(4 * 64);
    launch(
        {1}, {64},
        [=] {
            uint32_t sum = threadIdx.x;
            for (uint32_t step = 16; step > 0; step /= 2) sum += shuffle_xor(sum, step);
            out[threadIdx.x] = sum;
            out[64 + threadIdx.x] = shuffle(threadIdx.x, 5);
            out[128 + threadIdx.x] = shuffle_down(threadIdx.x, 3);
            out[192 + threadIdx.x] = ballot(threadIdx.x % 3 == 0);
        },
        OrderMode::compare);
    for (uint32_t i = 0; i < 64; ++i) {
        const uint32_t warp = i / 32 * 32, lane = i % 32;
        EXPECT_EQ(out[i], warp * 32 + 496);
        EXPECT_EQ(out[64 + i], warp + 5);
        EXPECT_EQ(out[128 + i], lane + 3 < 32 ? i + 3 : i);
        EXPECT_EQ(out[192 + i] >> lane & 1, i % 3 == 0 ? 1u : 0u);
    }
}

TEST_F(Emulation, HalvesOfAWarpExchangeAtDifferentPlaces) {
    auto* out = array<uint32_t>(32);
    launch({1}, {32}, [=] {
        const uint32_t lane = threadIdx.x;
        if (lane < 16) out[lane] = shuffle_xor(lane, 1, 0x0000ffffu);
        else out[lane] = shuffle_xor(lane, 2, 0xffff0000u);
    });
    for (uint32_t i = 0; i < 32; ++i) EXPECT_EQ(out[i], i < 16 ? i ^ 1 : i ^ 2);
}

TEST_F(Emulation, CopiesArriveWhenWaitedFor) {
    auto* in = array<float>(64);
    auto* out = array<float>(64);
    for (int i = 0; i < 64; ++i) in[i] = static_cast<float>(i);
    launch(
        {1}, {16},
        [=] {
            KRAIT_SHARED(float, tile, 64);
            copy_async<16>(tile + 4 * threadIdx.x, in + 4 * threadIdx.x, threadIdx.x == 15 ? 8 : 16);
            copy_async_commit();
            copy_async_wait<0>();
            block_barrier();
            for (uint32_t i = 0; i < 4; ++i) out[4 * threadIdx.x + i] = tile[4 * (15 - threadIdx.x) + i];
        },
        OrderMode::compare);
    for (int i = 0; i < 64; ++i) {
        const int from = 4 * (15 - i / 4) + i % 4;
        EXPECT_EQ(out[i], i == 2 || i == 3 ? 0.0f : static_cast<float>(from));
    }
}

TEST_F(Emulation, OlderGroupsOfCopiesArriveFirst) {
    auto* in = array<float>(8);
    auto* out = array<float>(2);
    in[0] = 1, in[4] = 2;
    launch({1}, {1}, [=] {
        KRAIT_SHARED(float, tile, 8);
        copy_async<4>(tile, in);
        copy_async_commit();
        copy_async<4>(tile + 4, in + 4);
        copy_async_commit();
        copy_async_wait<1>();
        out[0] = tile[0];
        out[1] = tile[4];
    });
    EXPECT_EQ(out[0], 1);
    EXPECT_TRUE(std::isnan(out[1])) << "the newer group is still on its way";
}

TEST_F(Emulation, BlocksFindTheirSharedMemoryPoisoned) {
    auto* out = array<float>(3);
    launch({3}, {1}, [=] {
        KRAIT_SHARED(float, value, 1);
        out[blockIdx.x] = value[0];
        value[0] = 1;
    });
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(std::isnan(out[i]));
}

// A column of A and a row of B at a time: each lane's registers are where PTX has them.
TEST_F(Emulation, AMatrixProductOfTf32) {
    auto* out = array<float>(16 * 8);
    for (uint32_t k = 0; k < 8; ++k) {
        launch({1}, {32}, [=] {
            const uint32_t g = threadIdx.x / 4, t = threadIdx.x % 4;
            uint32_t a[4], b[2];
            for (uint32_t r = 0; r < 4; ++r)
                a[r] = float_bits(t + 4 * (r / 2) == k ? static_cast<float>(1 + g + 8 * (r % 2)) : 0.0f);
            for (uint32_t r = 0; r < 2; ++r) b[r] = float_bits(t + 4 * r == k ? static_cast<float>(3 + 100 * g) : 0.0f);
            float d[4] = {1, 1, 1, 1};
            multiply_tf32(d, a, b);
            for (uint32_t r = 0; r < 4; ++r) out[(g + 8 * (r / 2)) * 8 + 2 * t + r % 2] = d[r];
        });
        for (int m = 0; m < 16; ++m)
            for (int n = 0; n < 8; ++n) ASSERT_EQ(out[m * 8 + n], static_cast<float>(1 + (1 + m) * (3 + 100 * n)));
    }
}

TEST_F(Emulation, Tf32IsTheUpperBitsAndSumsAreCutOff) {
    auto* out = array<float>(3);
    launch({1}, {32}, [=] {
        const auto multiply = [](float sum, float left, float right) {
            const uint32_t a[4] = {float_bits(left), 0, 0, 0}, b[2] = {float_bits(right), 0};
            float d[4] = {sum, 0, 0, 0};
            multiply_tf32(d, a, b);
            return d[0];
        };
        const float full = multiply(0, 1 + 0x1p-10f + 0x1p-11f, 0.25f);
        const float up = multiply(1, 0x1.cp-13f, 0x1p-12f), down = multiply(-1, 0x1.cp-13f, -0x1p-12f);
        if (threadIdx.x == 0) out[0] = full, out[1] = up, out[2] = down;
    });
    EXPECT_EQ(out[0], 4 * 0.25f * (1 + 0x1p-10f)) << "four columns of 1 + 2^-10, without the 2^-11";
    EXPECT_EQ(out[1], 1 + 0x1p-23f) << "1 + 1.75 * 2^-23, which would round up";
    EXPECT_EQ(out[2], -1 - 0x1p-23f);
}

// ---- what is wrong is found -------------------------------------------------------------------------------------------

TEST_F(Emulation, AMissingBarrierIsARace) {
    auto* out = array<float>(64);
    const auto thread = [=] {
        KRAIT_SHARED(float, values, 64);
        values[threadIdx.x] = static_cast<float>(threadIdx.x);
        out[threadIdx.x] = values[63 - threadIdx.x];
    };
    expect_says(failure({64}, thread, OrderMode::compare), {"kernel tested", "race", "256 bytes"});
    launch({1}, {64}, thread);  // in one order it shows as a NaN where a value was read before it was written
    EXPECT_TRUE(std::isnan(out[0]));
}

TEST_F(Emulation, AMissingBarrierBeforeReuseIsARace) {
    auto* out = array<float>(128);
    expect_says(failure(
                    {64},
                    [=] {
                        KRAIT_SHARED(float, values, 64);
                        for (uint32_t round = 0; round < 2; ++round) {
                            values[threadIdx.x] = static_cast<float>(threadIdx.x + 100 * round);
                            block_barrier();
                            out[64 * round + threadIdx.x] = values[63 - threadIdx.x];
                        }
                    },
                    OrderMode::compare),
                {"race"});
}

TEST_F(Emulation, TwoBlocksThatWriteOnePlaceAreARace) {
    auto* out = array<uint32_t>(1);
    const auto thread = [=] { *out = blockIdx.x; };
    EXPECT_THROW(launch({2}, {1}, thread, OrderMode::compare), KernelFailure);
}

TEST_F(Emulation, AMissingWaitForACopyShows) {
    auto* in = array<float>(4);
    auto* out = array<float>(4);
    for (int i = 0; i < 4; ++i) in[i] = 1;
    launch({1}, {1}, [=] {
        KRAIT_SHARED(float, tile, 4);
        copy_async<16>(tile, in);
        copy_async_commit();
        block_barrier();
        for (int i = 0; i < 4; ++i) out[i] = tile[i];
    });
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(std::isnan(out[i]));
}

TEST_F(Emulation, ACopyThatIsNotCommittedDoesNotArrive) {
    auto* in = array<float>(1);
    auto* out = array<float>(1);
    *in = 1;
    launch({1}, {1}, [=] {
        KRAIT_SHARED(float, tile, 1);
        copy_async<4>(tile, in);
        copy_async_wait<0>();
        *out = tile[0];
    });
    EXPECT_TRUE(std::isnan(*out));
}

TEST_F(Emulation, StoresOutsideDeviceMemoryAreFound) {
    auto* out = array<float>(10);
    expect_says(failure({16}, [=] { out[threadIdx.x] = 0; }), {"tested", "byte 40", "40 bytes"});
    expect_says(failure({1}, [=] { out[-2] = 0; }), {"8 bytes before", "40 bytes"});
    EXPECT_EQ(failure({10}, [=] { out[threadIdx.x] = 0; }), "nothing was found");
}

TEST_F(Emulation, StoresOutsideSharedMemoryAreFound) {
    const int line = __LINE__ + 2;
    const auto thread = [](int at) {
        KRAIT_SHARED(float, tile, 8);
        tile[at] = 0;
    };
    expect_says(failure({1}, [=] { thread(8); }), {here(line), "byte 32", "32 bytes"});
    expect_says(failure({1}, [=] { thread(-1); }), {here(line), "4 bytes before"});
    EXPECT_EQ(failure({1}, [=] { thread(7); }), "nothing was found");
    const auto dynamic = [](int at) {
        KRAIT_DYNAMIC_SHARED(float, tile);
        tile[at] = 0;
    };
    expect_says(failure(
                    {1}, [=] { dynamic(5); }, OrderMode::forward, 20),
                {"dynamic", "byte 20"});
    expect_says(failure({1}, [=] { dynamic(0); }), {"gives it none"});
}

TEST_F(Emulation, ReadsOutsideAreNoNumbers) {
    auto* in = array<float>(3);
    auto* out = array<float>(1);
    for (int i = 0; i < 3; ++i) in[i] = 1;
    launch({1}, {1}, [=] { *out = in[0] + in[3]; });
    EXPECT_TRUE(std::isnan(*out));
}

TEST_F(Emulation, AShuffleThatSomeLanesOfTheMaskMiss) {
    const int line = __LINE__ + 2;
    const auto thread = [] {
        if (threadIdx.x < 20) shuffle_xor(threadIdx.x, 1);
    };
    expect_says(failure({32}, thread), {"deadlock", "20 of 32", here(line), "0xffffffff", "12 have ended"});
}

TEST_F(Emulation, AShuffleOfALaneThatIsNotInItsMask) {
    const int line = __LINE__ + 1;
    expect_says(failure({32}, [] { shuffle_xor(threadIdx.x, 1, 0x0000ffffu); }), {here(line), "lane 16", "0x0000ffff"});
}

TEST_F(Emulation, AShuffleFromALaneOutsideTheMask) {
    const int line = __LINE__ + 2;
    const auto thread = [] {
        if (threadIdx.x < 16) shuffle_xor(threadIdx.x, 16, 0x0000ffffu);
    };
    expect_says(failure({32}, thread), {here(line), "reads lane", "0x0000ffff"});
}

TEST_F(Emulation, LanesWithDifferentMasks) {
    expect_says(failure({32}, [] { shuffle_xor(threadIdx.x, 1, threadIdx.x < 16 ? 0xffffffffu : 0xffff0000u); }),
                {"deadlock", "0xffffffff"});
}

TEST_F(Emulation, ADivergentBarrier) {
    const int line = __LINE__ + 2;
    const auto thread = [] {
        if (threadIdx.x < 32) block_barrier();  // NOLINT(bugprone-branch-clone): the message names both places
        else block_barrier();
    };
    expect_says(failure({64}, thread), {"divergent barrier", here(line), here(line + 1), "thread 32"});
}

TEST_F(Emulation, ABarrierThatHalfAWarpWaitsForWhileTheOtherExchanges) {
    const int line = __LINE__ + 2;
    const auto thread = [] {
        if (threadIdx.x < 16) block_barrier();
        else shuffle_xor(threadIdx.x, 1);
    };
    expect_says(failure({32}, thread), {"deadlock", here(line), here(line + 1), "barrier"});
}

TEST_F(Emulation, VectorsAtCrookedAddresses) {
    auto* in = array<float>(8);
    const int line = __LINE__ + 1;
    expect_says(failure({1}, [=] { load_vector<float4>(in + 1); }), {here(line), "16 bytes"});
}

TEST_F(Emulation, LaunchesThatNoDeviceTakes) {
    EXPECT_THROW(launch({1}, {1025}, [] {}), KernelFailure);
    EXPECT_THROW(launch({0}, {1}, [] {}), KernelFailure);
    EXPECT_THROW(launch({1, 65536}, {1}, [] {}), KernelFailure);
}

TEST_F(Emulation, AFailedLaunchLeavesNothingBehind) {
    auto* out = array<uint32_t>(64);
    for (int i = 0; i < 3; ++i) {
        EXPECT_NE(failure({64},
                          [] {
                              if (threadIdx.x == 5) block_barrier();
                              else if (threadIdx.x > 5) shuffle_xor(threadIdx.x, 1);
                          }),
                  "nothing was found");
        launch(
            {1}, {64},
            [=] {
                block_barrier();
                out[threadIdx.x] = shuffle_xor(threadIdx.x, 1);
            },
            OrderMode::compare);
        for (uint32_t t = 0; t < 64; ++t) ASSERT_EQ(out[t], t ^ 1);
    }
}

}  // namespace
}  // namespace krait::cuda
