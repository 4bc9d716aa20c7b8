// SPDX-License-Identifier: Apache-2.0
//
// Handles on slots: a slot is in use as long as one of them lives.
#include "models/memory/slot_ref.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace krait {
namespace {

SlotRef take(const std::shared_ptr<SlotPool>& slots) {
    auto taken = slots->acquire();
    EXPECT_TRUE(taken) << taken.error().message;
    return taken ? std::move(*taken) : SlotRef();
}

TEST(SlotRef, ASlotIsFreeWhenItsLastHandleEnds) {
    const auto slots = std::make_shared<SlotPool>(2);
    std::optional<SlotRef> first = take(slots);
    EXPECT_FALSE(first->is_shared());
    {
        const SlotRef second = first->share();
        EXPECT_EQ(second.slot(), first->slot());
        EXPECT_TRUE(first->is_shared());
        first.reset();
        EXPECT_EQ(slots->n_free(), 1u);
        EXPECT_FALSE(second.is_shared());
    }
    EXPECT_EQ(slots->n_free(), 2u);
}

TEST(SlotRef, NoMoreThanThereAre) {
    const auto slots = std::make_shared<SlotPool>(2);
    const SlotRef a = take(slots), b = take(slots);
    EXPECT_NE(a.slot(), b.slot());
    const auto third = slots->acquire();
    ASSERT_FALSE(third);
    EXPECT_EQ(third.error().code, ErrorCode::out_of_memory);
    EXPECT_NE(third.error().message.find("all 2 state slots"), std::string::npos) << third.error().message;
}

TEST(SlotRef, MovesKeepOneHandle) {
    const auto slots = std::make_shared<SlotPool>(2);
    SlotRef a = take(slots), b = take(slots);
    const int32_t slot_of_a = a.slot();
    b = std::move(a);
    EXPECT_EQ(b.slot(), slot_of_a);
    EXPECT_EQ(slots->n_free(), 1u) << "the one that b held is free";
    SlotRef& itself = b;
    b = std::move(itself);
    EXPECT_EQ(b.slot(), slot_of_a);
    EXPECT_EQ(slots->n_free(), 1u);
    EXPECT_FALSE(SlotRef().share());
    EXPECT_EQ(SlotRef().slot(), -1);
}

TEST(SlotRef, SnapshotsOfOneSlotCountOnce) {
    const auto slots = std::make_shared<SlotPool>(3);
    const SlotRef a = take(slots), b = take(slots);
    EXPECT_EQ(slots->n_snapshots(), 0);
    {
        const SlotRef first = a.share_as_snapshot();
        const SlotRef second = first.share_as_snapshot(), other = b.share_as_snapshot();
        EXPECT_EQ(slots->n_snapshots(), 2);
        EXPECT_TRUE(slots->has_snapshot(a.slot()));
    }
    EXPECT_EQ(slots->n_snapshots(), 0);
    EXPECT_EQ(slots->n_free(), 1u);
}

// An application may drop its snapshots after the session.
TEST(SlotRef, KeepsTheBookOfItsSlotAlive) {
    auto slots = std::make_shared<SlotPool>(1);
    const SlotRef last = take(slots);
    slots.reset();
    const SlotRef more = last.share();
    EXPECT_EQ(more.slot(), last.slot());
}

}  // namespace
}  // namespace krait
