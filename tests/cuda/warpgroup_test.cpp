// SPDX-License-Identifier: Apache-2.0
//
// Products of a warpgroup on the emulated GPU: layouts as PTX has them, and each mistake that the order of things allows.
#include "backends/cuda/kernels/warpgroup.cuh"

#include "tests/cuda/emulation.hpp"

namespace krait::cuda {
namespace {

std::string here(int line) { return fmt::format("warpgroup_test.cpp:{}", line); }

constexpr int kRows = 64, kDepth = 16, kColumns = 64, kTiles = kColumns / 8;
constexpr Index3 kWarpgroup{128};
constexpr size_t kShared = 96 * 1024;

// Whole numbers, so that sums are exact in any order.
float value_of_a(int m, int k) { return static_cast<float>((m * 7 + k * 3) % 11 - 5); }
float value_of_b(int n, int k) { return static_cast<float>((n * 5 + k * 13) % 9 - 4); }
float product_of(int m, int n) {
    float sum = 0;
    for (int k = 0; k < kDepth; ++k) sum += value_of_a(m, k) * value_of_b(n, k);
    return sum;
}

template <bool kBf16>
uint32_t bits_of(float value) {
    return kBf16 ? f32_to_bf16(value) : f32_to_f16(value);
}

// This thread's registers of A.
template <bool kBf16>
void load_a(uint32_t (&a)[4]) {
    const auto thread = static_cast<int>(threadIdx.x), row = thread / 32 * 16 + thread % 32 / 4, column = thread % 4 * 2;
    const auto pair = [](int m, int k) {
        return bits_of<kBf16>(value_of_a(m, k)) | bits_of<kBf16>(value_of_a(m, k + 1)) << 16;
    };
    a[0] = pair(row, column);
    a[1] = pair(row + 8, column);
    a[2] = pair(row, column + 8);
    a[3] = pair(row + 8, column + 8);
}

// Where a piece of 8 k of a column lies, by the pictures of PTX: rows of so many pieces, exchanged as the row's number says.
int place(Swizzle swizzle, int n, int piece) {
    switch (swizzle) {
        case Swizzle::none: return n / 8 * 128 + n % 8 * 16 + piece * 2048;  // core matrices of 8 x 16 bytes
        case Swizzle::bytes_128: return n * 128 + (piece ^ n % 8) * 16;
        case Swizzle::bytes_64: return n * 64 + (piece ^ n / 2 % 4) * 16;
        case Swizzle::bytes_32: return n * 32 + (piece ^ n / 4 % 2) * 16;
    }
    return 0;
}
constexpr uint32_t groups_apart(Swizzle swizzle) {
    return swizzle == Swizzle::bytes_128 ? 1024 : swizzle == Swizzle::bytes_64 ? 512 : swizzle == Swizzle::bytes_32 ? 256 : 128;
}

// The block's shared memory from the first multiple of 1024 on.
uint8_t* pattern_start(uint8_t* memory) { return memory + (1024 - shared_address(memory) % 1024) % 1024; }

// B, by thread 0, from piece `first` of the rows on.
template <bool kBf16>
void store_b(uint8_t* tile, int n_columns, Swizzle swizzle, int first) {
    if (threadIdx.x != 0) return;
    for (int n = 0; n < n_columns; ++n)
        for (int half = 0; half < 2; ++half) {
            alignas(16) uint16_t piece[8];
            for (int i = 0; i < 8; ++i) piece[i] = static_cast<uint16_t>(bits_of<kBf16>(value_of_b(n, 8 * half + i)));
            store_vector(tile + place(swizzle, n, first + half), load_vector<uint4>(piece));
        }
}

// The most common case, ready for a product: B in shared memory and visible, A and sums in registers.
struct Ready {
    uint8_t* tile;
    uint64_t b;
    uint32_t a[4];
    float d[kTiles][4] = {};

    Ready() {
        KRAIT_DYNAMIC_SHARED(uint8_t, memory);
        tile = pattern_start(memory);
        store_b<false>(tile, kColumns, Swizzle::bytes_128, 0);
        async_proxy_fence();
        block_barrier();
        b = matrix_descriptor(shared_address(tile), 1024, Swizzle::bytes_128);
        load_a<false>(a);
    }
};

class Warpgroup : public Emulation {
  protected:
    // Every thread of a warpgroup runs `thread` on what is ready.
    template <class Thread>
    std::string failure_of(Thread thread) {
        return failure(
            kWarpgroup,
            [=] {
                Ready ready;
                thread(ready);
            },
            OrderMode::forward, kShared);
    }
};

template <bool kBf16, int kManyTiles>
void run_product(float* out, Swizzle swizzle, int first) {
    KRAIT_DYNAMIC_SHARED(uint8_t, memory);
    uint8_t* tile = pattern_start(memory);
    store_b<kBf16>(tile, 8 * kManyTiles, swizzle, first);
    async_proxy_fence();
    block_barrier();
    uint32_t a[4];
    load_a<kBf16>(a);
    float d[kManyTiles][4];
    for (auto& tile_sums : d)
        for (float& sum : tile_sums) sum = 1000;
    warpgroup_fence(a, d);
    warpgroup_multiply<kBf16>(
        d, a,
        matrix_descriptor(shared_address(tile) + static_cast<uint32_t>(first) * 16, groups_apart(swizzle), swizzle, 2048));
    warpgroup_commit();
    warpgroup_finish(d);
    const auto thread = static_cast<int>(threadIdx.x), row = thread / 32 * 16 + thread % 32 / 4, column = thread % 4 * 2;
    for (int i = 0; i < kManyTiles; ++i)
        for (int r = 0; r < 4; ++r) out[(row + r / 2 * 8) * 8 * kManyTiles + 8 * i + column + r % 2] = d[i][r];
}

// ---- what is right works ----------------------------------------------------------------------------------------------

TEST_F(Warpgroup, MultipliesInEveryLayout) {
    auto* out = array<float>(kRows * 256);
    const auto check = [&]<bool kBf16, int kManyTiles>(Swizzle swizzle, int first) {
        launch(
            {1}, kWarpgroup, [=] { run_product<kBf16, kManyTiles>(out, swizzle, first); }, OrderMode::compare, kShared);
        for (int m = 0; m < kRows; ++m)
            for (int n = 0; n < 8 * kManyTiles; ++n)
                ASSERT_EQ(out[m * 8 * kManyTiles + n], 1000 + product_of(m, n))
                    << m << ", " << n << " of " << 8 * kManyTiles << ", swizzle " << static_cast<int>(swizzle) << " from "
                    << first;
    };
    for (const int first : {0, 2, 4, 6}) check.template operator()<false, 8>(Swizzle::bytes_128, first);
    for (const int first : {0, 2}) check.template operator()<false, 8>(Swizzle::bytes_64, first);
    check.template operator()<false, 8>(Swizzle::bytes_32, 0);
    check.template operator()<false, 8>(Swizzle::none, 0);
    check.template operator()<true, 8>(Swizzle::bytes_128, 0);
    check.template operator()<false, 16>(Swizzle::bytes_128, 4);
    check.template operator()<true, 16>(Swizzle::bytes_64, 2);
    check.template operator()<false, 32>(Swizzle::bytes_128, 6);
}

TEST_F(Warpgroup, ProductsAddUpInOrderAndGroupsArriveOldestFirst) {
    auto* out = array<float>(3);
    launch(
        {1}, kWarpgroup,
        [=] {
            Ready ready;
            float other[kTiles][4] = {};
            uint32_t again[4];
            load_a<false>(again);
            warpgroup_fence(ready.a, again, ready.d);
            warpgroup_fence(other);
            warpgroup_multiply<false>(ready.d, ready.a, ready.b);
            warpgroup_multiply<false>(ready.d, again, ready.b);
            warpgroup_commit();
            warpgroup_multiply<false>(other, again, ready.b);
            warpgroup_commit();
            warpgroup_wait<1>();
            if (threadIdx.x == 0) out[0] = ready.d[0][0], out[1] = other[0][0];
            warpgroup_finish(other);
            if (threadIdx.x == 0) out[2] = other[0][0];
        },
        OrderMode::forward, kShared);
    EXPECT_EQ(out[0], 2 * product_of(0, 0));
    EXPECT_TRUE(std::isnan(out[1])) << "the newer group is still on its way";
    EXPECT_EQ(out[2], product_of(0, 0));
}

TEST_F(Warpgroup, AStageIsFreeAfterTheWaitAndABarrier) {
    EXPECT_EQ(failure_of([](Ready& ready) {
                  warpgroup_fence(ready.a, ready.d);
                  warpgroup_multiply<false>(ready.d, ready.a, ready.b);
                  warpgroup_commit();
                  warpgroup_finish(ready.d);
                  block_barrier();
                  if (threadIdx.x == 0) store_vector(ready.tile, uint4{1, 2, 3, 4});
                  load_a<false>(ready.a);
              }),
              "nothing was found");
}

// ---- what is wrong is found: registers ---------------------------------------------------------------------------------

TEST_F(Warpgroup, SumsAreNoNumbersBeforeTheWait) {
    auto* out = array<float>(1);
    launch(
        {1}, kWarpgroup,
        [=] {
            Ready ready;
            warpgroup_fence(ready.a, ready.d);
            warpgroup_multiply<false>(ready.d, ready.a, ready.b);
            warpgroup_commit();
            if (threadIdx.x == 5) *out = ready.d[2][1];
            warpgroup_finish(ready.d);
        },
        OrderMode::forward, kShared);
    EXPECT_TRUE(std::isnan(*out));
}

TEST_F(Warpgroup, AMissingFence) {
    const int line = __LINE__ + 3;
    const auto without_any = [](Ready& ready) {
        warpgroup_fence(ready.d);
        warpgroup_multiply<false>(ready.d, ready.a, ready.b);
    };
    expect_says(failure_of(without_any), {here(line), "registers of A", "warpgroup_fence"});
    expect_says(failure_of([](Ready& ready) {
                    warpgroup_fence(ready.a);
                    warpgroup_multiply<false>(ready.d, ready.a, ready.b);
                }),
                {"wrote sums", "warpgroup_fence"});
}

TEST_F(Warpgroup, RegistersWrittenBehindTheFence) {
    expect_says(failure_of([](Ready& ready) {
                    warpgroup_fence(ready.a, ready.d);
                    if (threadIdx.x == 77) ready.a[3] ^= 1;
                    warpgroup_multiply<false>(ready.d, ready.a, ready.b);
                }),
                {"thread 77", "registers of A", "warpgroup_fence"});
    expect_says(failure_of([](Ready& ready) {
                    warpgroup_fence(ready.a, ready.d);
                    ready.d[7][3] = 1;
                    warpgroup_multiply<false>(ready.d, ready.a, ready.b);
                }),
                {"wrote sums", "warpgroup_fence"});
}

TEST_F(Warpgroup, SumsThatWereReadNeedAFenceAgain) {
    expect_says(failure_of([](Ready& ready) {
                    warpgroup_fence(ready.a, ready.d);
                    warpgroup_multiply<false>(ready.d, ready.a, ready.b);
                    warpgroup_commit();
                    warpgroup_finish(ready.d);
                    warpgroup_multiply<false>(ready.d, ready.a, ready.b);
                }),
                {"wrote sums", "warpgroup_fence"});
}

TEST_F(Warpgroup, RegistersWrittenBeforeTheWait) {
    expect_says(failure_of([](Ready& ready) {
                    warpgroup_fence(ready.a, ready.d);
                    warpgroup_multiply<false>(ready.d, ready.a, ready.b);
                    warpgroup_commit();
                    if (threadIdx.x == 99) ready.a[0] ^= 1;
                    warpgroup_finish(ready.d);
                }),
                {"thread 99", "registers of A", "before it waited"});
    expect_says(failure_of([](Ready& ready) {
                    warpgroup_fence(ready.a, ready.d);
                    warpgroup_multiply<false>(ready.d, ready.a, ready.b);
                    warpgroup_commit();
                    ready.d[0][0] = 0;
                    warpgroup_finish(ready.d);
                }),
                {"wrote the sums", "before it waited"});
    expect_says(failure_of([](Ready& ready) {
                    warpgroup_fence(ready.a, ready.d);
                    warpgroup_multiply<false>(ready.d, ready.a, ready.b);
                    ready.d[0][0] = 0;
                    warpgroup_multiply<false>(ready.d, ready.a, ready.b);
                }),
                {"wrote sums that a product still adds to"});
}

TEST_F(Warpgroup, AProductThatIsNotCommittedOrNotWaitedFor) {
    const int line = __LINE__ + 3;
    const auto not_committed = [](Ready& ready) {
        warpgroup_fence(ready.a, ready.d);
        warpgroup_multiply<false>(ready.d, ready.a, ready.b);
        warpgroup_finish(ready.d);
    };
    expect_says(failure_of(not_committed), {here(line), "ends and has not waited"});
    expect_says(failure_of([](Ready& ready) {
                    warpgroup_fence(ready.a, ready.d);
                    warpgroup_multiply<false>(ready.d, ready.a, ready.b);
                    warpgroup_commit();
                    warpgroup_wait<1>();
                }),
                {"ends and has not waited"});
}

// ---- shared memory -------------------------------------------------------------------------------------------------------

// B is stored, and the lambda does what is to follow before the product.
template <class Between>
auto product_after(Between between) {
    return [=] {
        KRAIT_DYNAMIC_SHARED(uint8_t, memory);
        uint8_t* tile = pattern_start(memory);
        store_b<false>(tile, kColumns, Swizzle::bytes_128, 0);
        between(tile);
        uint32_t a[4];
        load_a<false>(a);
        float d[kTiles][4] = {};
        warpgroup_fence(a, d);
        warpgroup_multiply<false>(d, a, matrix_descriptor(shared_address(tile), 1024, Swizzle::bytes_128));
        warpgroup_commit();
        warpgroup_finish(d);
    };
}

TEST_F(Warpgroup, AMissingFenceOfTheProxy) {
    const auto of = [&](auto between) { return failure(kWarpgroup, product_after(between), OrderMode::forward, kShared); };
    const std::initializer_list<std::string> words{"async_proxy_fence", "barrier"};
    expect_says(of([](uint8_t*) { block_barrier(); }), words);
    expect_says(of([](uint8_t*) { async_proxy_fence(); }), words);  // nobody else knows without a barrier
    expect_says(of([](uint8_t*) {
                    block_barrier();
                    async_proxy_fence();
                }),
                words);
    expect_says(of([](uint8_t*) {  // who fences is not who stored
                    if (threadIdx.x != 0) async_proxy_fence();
                    block_barrier();
                }),
                words);
    expect_says(of([](uint8_t* tile) {  // stored by another word
                    async_proxy_fence();
                    if (threadIdx.x == 0) tile[5] ^= 1;
                    block_barrier();
                }),
                words);
    EXPECT_EQ(of([](uint8_t*) {
                  async_proxy_fence();
                  block_barrier();
              }),
              "nothing was found");
}

TEST_F(Warpgroup, CopiesNeedTheFenceOfTheProxyBehindTheirWait) {
    auto* from = array<uint32_t>(4);
    for (int i = 0; i < 4; ++i) from[i] = 0x3c003c00u;  // ones
    const auto of = [&](bool late) {
        return failure(kWarpgroup, product_after([=](uint8_t* tile) {
                           if (threadIdx.x == 0) copy_async<16>(tile, from);
                           copy_async_commit();
                           if (!late) async_proxy_fence();
                           copy_async_wait<0>();
                           if (late) async_proxy_fence();
                           block_barrier();
                       }),
                       OrderMode::forward, kShared);
    };
    expect_says(of(false), {"async_proxy_fence"});
    EXPECT_EQ(of(true), "nothing was found");
}

TEST_F(Warpgroup, SharedMemoryOverwrittenBeforeTheWait) {
    auto* from = array<uint32_t>(4);
    const auto between = [&](auto overwrite) {
        return failure_of([=](Ready& ready) {
            warpgroup_fence(ready.a, ready.d);
            warpgroup_multiply<false>(ready.d, ready.a, ready.b);
            warpgroup_commit();
            if (threadIdx.x == 3) overwrite(ready.tile);
            warpgroup_finish(ready.d);
        });
    };
    expect_says(between([](uint8_t* tile) {
                    store_vector(tile + 1024, uint4{1, 2, 3, 4});
                }),
                {"a store", "product of", "waited"});
    expect_says(between([](uint8_t* tile) { tile[1030] ^= 1; }), {"overwritten before all warps waited"});
    expect_says(between([=](uint8_t* tile) { copy_async<16>(tile + 1024, from); }), {"a store", "product of", "waited"});
    // Beside what the product reads: other k of the same columns.
    EXPECT_EQ(between([](uint8_t* tile) {
                  store_vector(tile + place(Swizzle::bytes_128, 9, 2), uint4{1, 2, 3, 4});
              }),
              "nothing was found");
}

TEST_F(Warpgroup, AWarpThatOverwritesWhatAnotherStillReads) {
    expect_says(failure_of([](Ready& ready) {
                    warpgroup_fence(ready.a, ready.d);
                    warpgroup_multiply<false>(ready.d, ready.a, ready.b);
                    warpgroup_commit();
                    if (threadIdx.x / 32 == 3) warp_barrier();  // the last warp is late
                    warpgroup_finish(ready.d);
                    if (threadIdx.x == 0) store_vector(ready.tile, uint4{1, 2, 3, 4});
                }),
                {"a store", "not all warps have waited"});
}

// ---- what the threads of a warpgroup do together ---------------------------------------------------------------------------

TEST_F(Warpgroup, AWarpThatStaysAway) {
    const int line = __LINE__ + 3;
    const auto thread = [](Ready& ready) {
        warpgroup_fence(ready.a, ready.d);
        if (threadIdx.x < 96) warpgroup_multiply<false>(ready.d, ready.a, ready.b);
    };
    expect_says(failure_of(thread), {"deadlock", "96 of 128", "with its warpgroup", here(line), "32 have ended"});
}

TEST_F(Warpgroup, ProductsAtDifferentPlaces) {
    const int line = __LINE__ + 4;
    const auto thread = [](Ready& ready) {
        warpgroup_fence(ready.a, ready.d);
        if (threadIdx.x < 64) warpgroup_multiply<false>(ready.d, ready.a, ready.b);
        else warpgroup_multiply<false>(ready.d, ready.a, ready.b);
    };
    expect_says(failure_of(thread), {here(line - 1), here(line), "thread 64"});
}

TEST_F(Warpgroup, DescriptorsThatDoNotFit) {
    const auto with = [&](auto change) {
        return failure_of([=](Ready& ready) {
            change(ready);
            warpgroup_fence(ready.a, ready.d);
            warpgroup_multiply<false>(ready.d, ready.a, ready.b);
        });
    };
    expect_says(with([](Ready& ready) { ready.b += threadIdx.x == 64 ? 2 : 0; }), {"different matrix descriptors", "64"});
    expect_says(with([](Ready& ready) { ready.b += 512 / 16; }), {"multiple of 1024"});
    expect_says(with([](Ready& ready) { ready.b |= uint64_t{1} << 49; }), {"base offset"});
    expect_says(with([](Ready& ready) { ready.b |= uint64_t{0x3000} << 32; }), {"where no array is"});
    const auto* not_shared = array<float>(1);
    expect_says(failure_of([=](Ready&) { shared_address(not_shared); }), {"not in shared memory"});
}

TEST_F(Warpgroup, ABlockThatIsNoWarpgroup) {
    expect_says(failure({64},
                        [] {
                            float d[kTiles][4] = {};
                            const uint32_t a[4] = {};
                            warpgroup_multiply<false>(d, a, 0);
                        }),
                {"64 threads", "128"});
}

}  // namespace
}  // namespace krait::cuda
