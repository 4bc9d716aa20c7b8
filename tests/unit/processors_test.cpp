// SPDX-License-Identifier: Apache-2.0
//
// How many processors a process may use: its affinity, and the quota of its control group.
#include "core/base/processors.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

namespace krait {
namespace {

TEST(Processors, QuotasOfControlGroups) {
    const std::string path = testing::TempDir() + "krait-cpu.max";
    const auto quota = [&](const char* text) {
        std::ofstream(path) << text;
        return processors_of_quota(path.c_str());
    };
    EXPECT_EQ(quota("max 100000\n"), 0);
    EXPECT_EQ(quota("100000 100000\n"), 1);
    EXPECT_EQ(quota("150000 100000\n"), 2);
    EXPECT_EQ(quota("1000 100000\n"), 1);
    EXPECT_EQ(quota(""), 0);
    EXPECT_EQ(quota("5 0"), 0);
    std::filesystem::remove(path);
    EXPECT_EQ(processors_of_quota(path.c_str()), 0);
}

#if defined(__linux__)
TEST(Processors, AffinityCounts) {
    ASSERT_GE(usable_processors(), 1);
    std::thread([] {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(static_cast<size_t>(allowed_processors().front()), &one);
        ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
        EXPECT_EQ(allowed_processors().size(), 1u);
        EXPECT_EQ(usable_processors(), 1);
    }).join();
}
#endif

}  // namespace
}  // namespace krait
