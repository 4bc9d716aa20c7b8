// SPDX-License-Identifier: Apache-2.0
#include "engine/fair_share.hpp"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace krait::engine {
namespace {

// Serves n rows, a quantum at a time, to whoever is next.
std::map<const FairShare::Member*, double> serve(FairShare& share, std::vector<FairShare::Member*> members, int n,
                                                 double quantum) {
    std::map<const FairShare::Member*, double> got;
    for (int i = 0; i < n; ++i) {
        FairShare::Member* next =
            *std::min_element(members.begin(), members.end(), [](auto* a, auto* b) { return FairShare::is_before(*a, *b); });
        share.charge(*next, quantum);
        got[next] += quantum;
    }
    return got;
}

TEST(FairShare, KeysGetEqualPartsHoweverManyRequestsTheyHave) {
    FairShare share;
    auto a1 = share.join("a", 1, 0), a2 = share.join("a", 1, 0), a3 = share.join("a", 1, 0), b = share.join("b", 1, 0);
    auto got = serve(share, {&a1, &a2, &a3, &b}, 600, 10);
    EXPECT_NEAR(got[&b], 3000, 10);
    for (auto* a : {&a1, &a2, &a3}) EXPECT_NEAR(got[a], 1000, 10);
}

TEST(FairShare, WeightsAreParts) {
    FairShare share;
    auto a = share.join("a", 3, 0), b = share.join("b", 1, 0);
    auto got = serve(share, {&a, &b}, 400, 1);
    EXPECT_NEAR(got[&a], 300, 2);
    EXPECT_NEAR(got[&b], 100, 2);
}

TEST(FairShare, PrioritiesComeFirst) {
    FairShare share;
    auto low = share.join("a", 1, 0), high = share.join("b", 1, 5);
    auto got = serve(share, {&low, &high}, 50, 1);
    EXPECT_EQ(got[&high], 50);
}

// Neither may somebody who was away catch up, nor somebody pay for having been alone.
TEST(FairShare, WhoeverComesBackBeginsWithTheOthers) {
    FairShare share;
    auto a = share.join("a", 1, 0);
    serve(share, {&a}, 1000, 1);
    auto b = share.join("b", 1, 0);
    auto got = serve(share, {&a, &b}, 100, 1);
    EXPECT_NEAR(got[&a], 50, 2);
    EXPECT_NEAR(got[&b], 50, 2);
    auto a_new = share.join("a", 1, 0);
    got = serve(share, {&a, &a_new}, 100, 1);
    EXPECT_NEAR(got[&a], 50, 2);
    EXPECT_NEAR(got[&a_new], 50, 2);
}

// A key that leaves and comes back at once is not new: it would get more than its part by many short requests.
TEST(FairShare, LeavingPaysNoDebts) {
    FairShare share;
    auto b = share.join("b", 1, 0);
    double of_a = 0, of_b = 0;
    for (int i = 0; i < 200; ++i) {
        auto a = share.join("a", 1, 0);
        auto got = serve(share, {&a, &b}, 1, 10);
        of_a += got[&a], of_b += got[&b];
        share.leave(a);
    }
    EXPECT_NEAR(of_a, of_b, 20);
    share.leave(b);
    EXPECT_LE(share.n_key(), 2u);
}

}  // namespace
}  // namespace krait::engine
