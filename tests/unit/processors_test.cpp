// SPDX-License-Identifier: Apache-2.0
//
// How many processors a process may use: its affinity. Quotas of control groups: control_groups_test.cpp.
#include "core/base/processors.hpp"

#include <gtest/gtest.h>

#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

namespace krait {
namespace {

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
