// SPDX-License-Identifier: Apache-2.0
//
// Barriers stand where a step touches what another one wrote, or writes what another one read, and nowhere else.
#include "backends/vulkan/vk/hazards.hpp"

#include <gtest/gtest.h>

#include "tests/harness/random.hpp"

namespace krait::vulkan::vk {
namespace {

using Ranges = std::vector<AddressRange>;

TEST(VulkanHazards, EachKindOfHazard) {
    const AddressRange a{100, 200}, b{200, 300}, within_a{150, 160};
    const auto second_needs = [](const Ranges& r1, const Ranges& w1, const Ranges& r2, const Ranges& w2) {
        HazardTracker tracker;
        EXPECT_FALSE(tracker.needs_barrier(r1, w1)) << "nothing came before";
        return tracker.needs_barrier(r2, w2);
    };
    EXPECT_TRUE(second_needs({}, {a}, {within_a}, {})) << "read after write";
    EXPECT_TRUE(second_needs({a}, {}, {}, {within_a})) << "write after read";
    EXPECT_TRUE(second_needs({}, {a}, {}, {within_a})) << "write after write";
    EXPECT_FALSE(second_needs({a}, {}, {a}, {})) << "read after read";
    EXPECT_FALSE(second_needs({a}, {b}, {a}, {{300, 400}}));
    EXPECT_FALSE(second_needs({}, {a}, {b}, {})) << "ranges that touch do not overlap";
    EXPECT_FALSE(second_needs({}, {a}, {{150, 150}}, {{160, 160}})) << "empty ranges";
}

TEST(VulkanHazards, ABarrierOrdersAllThatWentBefore) {
    HazardTracker tracker;
    const Ranges a{{0, 10}}, b{{10, 20}}, c{{20, 30}};
    EXPECT_FALSE(tracker.needs_barrier({}, a));
    EXPECT_FALSE(tracker.needs_barrier({}, b));
    EXPECT_TRUE(tracker.needs_barrier(a, c));
    EXPECT_FALSE(tracker.needs_barrier(b, {})) << "b was written before the barrier";
    EXPECT_TRUE(tracker.needs_barrier(c, {}));
    tracker.clear();
    EXPECT_FALSE(tracker.needs_barrier(c, c));
}

// Against the definition, over random steps: between two steps that conflict there is a barrier.
TEST(VulkanHazards, NoConflictIsMissed) {
    struct Step {
        Ranges reads, writes;
        size_t epoch;
    };
    const auto conflict = [](const Ranges& a, const Ranges& b) {
        for (const AddressRange& x : a)
            for (const AddressRange& y : b)
                if (std::max(x.begin, y.begin) < std::min(x.end, y.end)) return true;
        return false;
    };
    harness::Random random(1);
    HazardTracker tracker;
    std::vector<Step> steps;
    size_t epoch = 0;
    for (int i = 0; i < 1000; ++i) {
        const auto ranges = [&](uint64_t n) {
            Ranges made;
            for (uint64_t k = 0; k < n; ++k) {
                const uint64_t begin = random.bits() % 1000;
                made.push_back({begin, begin + random.bits() % 20});
            }
            return made;
        };
        Step step{ranges(random.bits() % 4), ranges(random.bits() % 3), 0};
        const bool barrier = tracker.needs_barrier(step.reads, step.writes);
        epoch += barrier;
        step.epoch = epoch;
        bool needed = false;
        for (const Step& before : steps) {
            const bool hazard = conflict(before.writes, step.reads) || conflict(before.writes, step.writes) ||
                                conflict(before.reads, step.writes);
            if (hazard) {
                ASSERT_LT(before.epoch, epoch) << "step " << i;
            }
            needed = needed || (hazard && before.epoch + 1 == epoch);
        }
        if (barrier) {
            ASSERT_TRUE(needed) << "a barrier without a reason before step " << i;
        }
        steps.push_back(std::move(step));
    }
    EXPECT_GT(epoch, 10u);
    EXPECT_LT(epoch, 1000u);
}

}  // namespace
}  // namespace krait::vulkan::vk
