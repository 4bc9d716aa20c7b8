// SPDX-License-Identifier: Apache-2.0
//
// How many processors there are for this process: what every default number of threads is made of.
#pragma once

#include <vector>

namespace krait {

// Those that the calling thread may run on, in ascending order; empty where the system does not say.
std::vector<int> allowed_processors();

// Their number, less where the quota of a control group is smaller (a container with "cpus: 2" on a machine of 64); at least 1.
int usable_processors();

// Of a quota as control groups, version 2, tell it in cpu.max: "150000 100000", microseconds in each period, are 2; 0 = no quota
// ("max 100000"), or no such file.
int processors_of_quota(const char* cpu_max_file);

}  // namespace krait
