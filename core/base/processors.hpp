// SPDX-License-Identifier: Apache-2.0
//
// How many processors there are for this process: what every default number of threads is made of.
#pragma once

#include <vector>

namespace krait {

// Those that the calling thread may run on, in ascending order; empty where the system does not say.
std::vector<int> allowed_processors();

// Their number, less where a quota of control groups is smaller (core/base/control_groups.hpp); at least 1.
int usable_processors();

}  // namespace krait
