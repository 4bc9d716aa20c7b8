// SPDX-License-Identifier: Apache-2.0
//
// Quotas of processor time that Linux's control groups give a process: a container's "cpus: 2", a systemd unit's CPUQuota=150%.
//   version 2: cpu.max, "150000 100000" or "max 100000": microseconds in each period
//   version 1: cpu.cfs_quota_us and cpu.cfs_period_us; -1 = none
// Groups are nested, and the smallest quota between the process's own group and the root counts. On a hybrid system both
// versions are looked at.
#pragma once

#include <filesystem>

namespace krait {

// How many processors the quotas are worth, rounded up; 0 where there is none, or nothing can be found out. root: where proc/
// and the mount points are, for tests.
int processors_of_quota(const std::filesystem::path& root = "/");

}  // namespace krait
