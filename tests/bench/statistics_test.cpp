// SPDX-License-Identifier: Apache-2.0
#include "bench/statistics.hpp"

#include <gtest/gtest.h>

namespace krait::bench {
namespace {

TEST(Statistics, OddCountHasItsMiddle) {
    const Spread spread = spread_of({5, 1, 9});
    EXPECT_EQ(spread.median, 5);
    EXPECT_EQ(spread.min, 1);
    EXPECT_EQ(spread.max, 9);
}

TEST(Statistics, EvenCountHasTheMeanOfTheTwoInTheMiddle) { EXPECT_EQ(spread_of({8, 1, 2, 100}).median, 5); }

TEST(Statistics, OneValueIsAll) {
    const Spread spread = spread_of({3});
    EXPECT_EQ(spread.median, 3);
    EXPECT_EQ(spread.min, 3);
    EXPECT_EQ(spread.max, 3);
}

TEST(Statistics, NothingIsZero) { EXPECT_EQ(spread_of({}).median, 0); }

}  // namespace
}  // namespace krait::bench
