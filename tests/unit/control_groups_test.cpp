// SPDX-License-Identifier: Apache-2.0
//
// Quotas of control groups, read from made-up trees of /proc and /sys: version 1, version 2, both, nested, and seen from a
// container.
#include "core/base/control_groups.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace krait {
namespace {

class ControlGroups : public testing::Test {
  protected:
    void SetUp() override {
        const auto* info = testing::UnitTest::GetInstance()->current_test_info();
        root_ = std::filesystem::path(testing::TempDir()) / fmt::format("krait-cgroups-{}-{}", info->name(), ::getpid());
        std::filesystem::remove_all(root_);
    }
    void TearDown() override { std::filesystem::remove_all(root_); }

    void put(const std::string& path, const std::string& text) const {
        const auto file = root_ / path;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file) << text;
    }
    void groups(const std::string& text) const { put("proc/self/cgroup", text); }
    void mounts(const std::string& text) const {
        put("proc/self/mountinfo", "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\nnonsense\n" + text);
    }
    // cpu.max of a group of version 2; percent of one processor.
    void quota(const std::string& folder, int percent) const {
        put(folder + "/cpu.max", fmt::format("{}000 100000\n", percent));
    }
    void old_quota(const std::string& folder, int64_t quota, int64_t period = 100000) const {
        put(folder + "/cpu.cfs_quota_us", fmt::format("{}\n", quota));
        put(folder + "/cpu.cfs_period_us", fmt::format("{}\n", period));
    }
    int processors() const { return processors_of_quota(root_); }

    static constexpr const char* kTwo = "30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
    static constexpr const char* kOne = "33 25 0:28 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n";
    std::filesystem::path root_;
};

TEST_F(ControlGroups, NothingThereIsNoQuota) {
    EXPECT_EQ(processors(), 0);
    groups("0::/\n");
    EXPECT_EQ(processors(), 0);
    mounts(kTwo);
    EXPECT_EQ(processors(), 0);
}

TEST_F(ControlGroups, QuotasOfVersionTwoAreRoundedUp) {
    groups("0::/\n");
    mounts(kTwo);
    const std::pair<const char*, int> kTexts[] = {{"max 100000\n", 0},
                                                  {"100000 100000\n", 1},
                                                  {"150000 100000\n", 2},
                                                  {"1000 100000\n", 1},
                                                  {"200000 100000\n", 2},
                                                  {"200001 100000\n", 3},
                                                  {"5 0\n", 0},
                                                  {"", 0},
                                                  {"50000\n", 0},
                                                  {"-1 100000\n", 0},
                                                  {"9000000000000000000 1\n", 1 << 20}};
    for (const auto& [text, expected] : kTexts) {
        put("sys/fs/cgroup/cpu.max", text);
        EXPECT_EQ(processors(), expected) << text;
    }
}

TEST_F(ControlGroups, TheSmallestQuotaOnTheWayToTheRootCounts) {
    groups("0::/user.slice/user-1000.slice/app.service\n");
    mounts(kTwo);
    const std::string slice = "sys/fs/cgroup/user.slice";
    put(slice + "/user-1000.slice/app.service/cpu.max", "max 100000\n");
    EXPECT_EQ(processors(), 0);
    quota(slice, 800);
    EXPECT_EQ(processors(), 8);
    quota(slice + "/user-1000.slice/app.service", 350);
    EXPECT_EQ(processors(), 4);
    quota(slice + "/user-1000.slice", 150);
    EXPECT_EQ(processors(), 2);
    quota(slice + "/another.slice", 10);  // not on the way
    EXPECT_EQ(processors(), 2);
}

TEST_F(ControlGroups, VersionOneHasTwoFiles) {
    groups("12:pids:/\n5:cpu,cpuacct:/batch/job\n3:cpuset:/other\n1:name=systemd:/init.scope\n");
    mounts(std::string("31 25 0:27 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n") + kOne);
    const std::string cpu = "sys/fs/cgroup/cpu,cpuacct";
    old_quota(cpu, -1);
    old_quota(cpu + "/batch/job", -1);
    old_quota("sys/fs/cgroup/cpuset/other", 100000);  // another controller's group
    EXPECT_EQ(processors(), 0);
    old_quota(cpu + "/batch", 600000);
    EXPECT_EQ(processors(), 6);
    old_quota(cpu + "/batch/job", 25000, 50000);
    EXPECT_EQ(processors(), 1);
    old_quota(cpu + "/batch/job", 125000, 50000);
    EXPECT_EQ(processors(), 3);
}

TEST_F(ControlGroups, HybridSystemsHaveBoth) {
    groups("4:cpu,cpuacct:/a\n0::/b\n");
    mounts(std::string(kOne) + "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
    old_quota("sys/fs/cgroup/cpu,cpuacct/a", 300000);
    EXPECT_EQ(processors(), 3);
    quota("sys/fs/cgroup/unified/b", 200);
    EXPECT_EQ(processors(), 2);
    quota("sys/fs/cgroup/unified/a", 100);  // the other version's path
    EXPECT_EQ(processors(), 2);
}

// A container without a namespace of its own sees its group's full path, and its own part of the tree.
TEST_F(ControlGroups, TheMountMayBeginAtTheContainersGroup) {
    groups("4:cpu,cpuacct:/docker/1f2e/worker\n");
    mounts("33 25 0:28 /docker/1f2e /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu,cpuacct\n");
    old_quota("sys/fs/cgroup/cpu", 400000);
    EXPECT_EQ(processors(), 4);
    old_quota("sys/fs/cgroup/cpu/worker", 200000);
    EXPECT_EQ(processors(), 2);
    old_quota("sys/fs/cgroup/cpu/docker/1f2e", 100000);
    EXPECT_EQ(processors(), 2);
    groups("4:cpu,cpuacct:/docker/1f2e3d\n");  // begins with the same letters, and is another group
    EXPECT_EQ(processors(), 0);
}

TEST_F(ControlGroups, NamespacesHideWhatIsAbove) {
    groups("0::/job\n");
    mounts("30 22 0:26 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    quota("sys/fs/cgroup", 300);      // of a group above the namespace: it holds for all below
    quota("sys/fs/cgroup/job", 100);  // somebody else's
    EXPECT_EQ(processors(), 3);
    groups("0::/../sibling\n");
    mounts(kTwo);
    EXPECT_EQ(processors(), 0);  // the process is where the mount does not reach
    mounts("30 22 0:26 /.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    quota("sys/fs/cgroup/sibling", 200);
    EXPECT_EQ(processors(), 2);
}

TEST_F(ControlGroups, NamesMayHoldSpacesAndColons) {
    groups("0::/a: b\\c\n");
    mounts("30 22 0:26 / /mnt/control\\040groups rw - cgroup2 cgroup2 rw\n");
    quota("mnt/control groups/a: b\\c", 200);
    EXPECT_EQ(processors(), 2);
}

TEST_F(ControlGroups, OfThisProcessCanBeAsked) { EXPECT_GE(processors_of_quota(), 0); }

}  // namespace
}  // namespace krait
