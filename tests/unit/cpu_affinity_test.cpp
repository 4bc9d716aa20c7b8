// SPDX-License-Identifier: Apache-2.0
//
// Processors that threads are tied to: the list's syntax, the order of 'spread', and that a pool's threads are where they
// belong.
#include "backends/cpu/affinity.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>

#include "tests/unit/cpu_probe.hpp"

#if defined(__linux__)
#include <sched.h>
#endif

namespace krait::cpu {
namespace {

using Ids = std::vector<int>;

TEST(CpuAffinity, ReadsLists) {
    const Ids allowed{0, 1, 2, 3, 8, 9};
    const auto read = [&](std::string_view text) {
        const auto list = parse_processor_list(text, allowed);
        EXPECT_TRUE(list) << list.error().message;
        return list.value_or(Ids{});
    };
    EXPECT_EQ(read("0"), Ids({0}));
    EXPECT_EQ(read("0-3"), Ids({0, 1, 2, 3}));
    EXPECT_EQ(read("8-9,0"), Ids({8, 9, 0})) << "the order is the user's";
    EXPECT_EQ(read("0+2-3"), Ids({0, 2, 3}));
}

TEST(CpuAffinity, RefusesWithASentence) {
    const Ids allowed{0, 1, 2, 5};
    const auto refused = [&](std::string_view text, std::string_view words) {
        const auto list = parse_processor_list(text, allowed);
        ASSERT_FALSE(list) << text;
        EXPECT_EQ(list.error().code, ErrorCode::invalid_argument);
        EXPECT_NE(list.error().message.find(words), std::string::npos) << list.error().message;
    };
    refused("", "'' is no processor");
    refused("0,", "'' is no processor");
    refused("one", "'one' is no processor");
    refused("-1", "'' is no processor");
    refused("1-", "'' is no processor");
    refused("1-2-3", "'2-3' is no processor");
    refused("99999999999", "'99999999999' is no processor");
    refused("2-1", "'2-1' counts downwards");
    refused("0-1,1", "processor 1 is named twice");
    refused("0-3", "may not run on processor 3");
    refused("0-3", "it may run on 0-2,5");
}

TEST(CpuAffinity, SpreadTakesCoresFirstAndPackagesByTurns) {
    // Two packages of two cores of two threads, numbered as Linux does: first threads of all cores, then the second ones.
    const Processor machine[] = {{0, 0, 0}, {1, 0, 1}, {2, 1, 0}, {3, 1, 1}, {4, 0, 0}, {5, 0, 1}, {6, 1, 0}, {7, 1, 1}};
    EXPECT_EQ(spread_over_cores(machine), Ids({0, 2, 1, 3, 4, 6, 5, 7}));
    const Processor siblings_beside[] = {{0, 0, 0}, {1, 0, 0}, {2, 0, 4}, {3, 0, 4}};
    EXPECT_EQ(spread_over_cores(siblings_beside), Ids({0, 2, 1, 3}));
    EXPECT_TRUE(spread_over_cores({}).empty());
}

#if defined(__linux__)
TEST(CpuAffinity, SpreadNamesEveryAllowedProcessorOnce) {
    const Ids allowed = allowed_processors();
    ASSERT_FALSE(allowed.empty());
    Ids spread = spread_over_cores(allowed_topology());
    std::sort(spread.begin(), spread.end());
    EXPECT_EQ(spread, allowed);
    EXPECT_LE(usable_processors(), static_cast<int>(allowed.size()));
}

TEST(CpuAffinity, ThreadsAreTiedAndTheCallerIsNot) {
    const Ids allowed = allowed_processors();
    const int last = allowed.back();
    const auto pool = probes().front()->make_pool(2, {allowed.front(), last});
    std::atomic<bool> helped{false};
    std::mutex mutex;
    std::set<Ids> seen[2];
    for (int round = 0; round < 200 && !helped; ++round)
        pool->parallel_for(64, 1, [&](int64_t, int64_t, int worker) {
            const Ids where = allowed_processors();
            const std::lock_guard lock(mutex);
            seen[worker].insert(where);
            helped = helped || worker == 1;
        });
    ASSERT_TRUE(helped) << "the second thread never came";
    EXPECT_EQ(seen[1], std::set<Ids>{Ids{last}});
    EXPECT_EQ(allowed_processors(), allowed);
}
#endif

}  // namespace
}  // namespace krait::cpu
