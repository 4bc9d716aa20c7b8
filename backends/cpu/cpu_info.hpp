// SPDX-License-Identifier: Apache-2.0
//
// What is known of the processors. Compiled without instruction-set flags: all of it runs on any machine, also where the
// kernels of this plugin would not.
#pragma once

#include <string>

namespace krait::cpu {

std::string processor_name();
std::string processor_features();  // "sse2 avx2 fma": those of instruction_sets.hpp

// Processors that this process may run on, less where a control group's quota is smaller; at least 1.
int usable_processors();

}  // namespace krait::cpu
