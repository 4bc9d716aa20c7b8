// SPDX-License-Identifier: Apache-2.0
//
// Ranges of a block of device memory: none overlaps another, all are aligned, and what is given back can be taken again.
#include "backends/vulkan/vk/suballocator.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/harness/random.hpp"

namespace krait::vulkan::vk {
namespace {

TEST(VulkanSuballocator, TakesFromTheFrontAndJoinsWhatComesBack) {
    Suballocator block(1024);
    EXPECT_EQ(block.take(256, 256), 0u);
    EXPECT_EQ(block.take(256, 256), 256u);
    EXPECT_EQ(block.take(512, 256), 512u);
    EXPECT_EQ(block.take(1, 1), std::nullopt);
    block.give_back(0);
    block.give_back(512);
    EXPECT_EQ(block.largest_free(), 512u);
    EXPECT_EQ(block.take(513, 1), std::nullopt) << "two holes are not one";
    block.give_back(256);
    EXPECT_EQ(block.largest_free(), 1024u);
    EXPECT_TRUE(block.empty());
    EXPECT_EQ(block.take(1024, 256), 0u);
}

TEST(VulkanSuballocator, WhatAlignmentSkipsIsNotLost) {
    Suballocator block(1000);
    EXPECT_EQ(block.take(3, 1), 0u);
    EXPECT_EQ(block.take(100, 256), 256u);
    EXPECT_EQ(block.used(), 3u + (356u - 3u));
    block.give_back(256);
    block.give_back(0);
    EXPECT_EQ(block.used(), 0u);
    EXPECT_EQ(block.largest_free(), 1000u);
}

TEST(VulkanSuballocator, OddSizes) {
    Suballocator block(300);
    EXPECT_EQ(block.take(0, 256), 0u) << "an empty range has a place of its own";
    EXPECT_EQ(block.take(0, 256), 256u);
    EXPECT_EQ(block.take(UINT64_MAX, 1), std::nullopt);
    EXPECT_EQ(block.take(45, 256), std::nullopt);
    EXPECT_EQ(Suballocator(0).take(1, 1), std::nullopt);
}

TEST(VulkanSuballocator, AnyOrderOfTakingAndGivingBack) {
    struct Range {
        uint64_t start, size;
    };
    constexpr uint64_t kSize = 1 << 16;
    for (uint64_t seed = 1; seed <= 20; ++seed) {
        harness::Random random(seed);
        Suballocator block(kSize);
        std::vector<Range> taken;
        for (int step = 0; step < 2000; ++step) {
            if (!taken.empty() && random.bits() % 5 < 2) {
                const size_t at = random.bits() % taken.size();
                block.give_back(taken[at].start);
                taken.erase(taken.begin() + static_cast<ptrdiff_t>(at));
                continue;
            }
            const uint64_t size = random.bits() % 3000, alignment = uint64_t{1} << random.bits() % 9;
            const auto start = block.take(size, alignment);
            if (!start) {
                ASSERT_LT(block.largest_free(), std::max<uint64_t>(size, 1) + alignment);
                continue;
            }
            const Range made{*start, std::max<uint64_t>(size, 1)};
            ASSERT_EQ(made.start % alignment, 0u);
            ASSERT_LE(made.start + made.size, kSize);
            for (const Range& other : taken)
                ASSERT_TRUE(made.start + made.size <= other.start || other.start + other.size <= made.start) << "seed " << seed;
            taken.push_back(made);
        }
        for (const Range& range : taken) block.give_back(range.start);
        EXPECT_TRUE(block.empty());
        EXPECT_EQ(block.largest_free(), kSize) << "seed " << seed;
    }
}

}  // namespace
}  // namespace krait::vulkan::vk
