// SPDX-License-Identifier: Apache-2.0
//
// What is known of the processor. Compiled without instruction-set flags: all of it runs on any machine, also where the
// kernels of this plugin would not.
#pragma once

#include <string>

namespace krait::cpu {

enum class Level { portable, avx2, avx512 };

// "" where the machine has all of it, else the first thing that it lacks: "AVX512BW".
std::string missing_for(Level level);

std::string processor_name();
std::string processor_features();  // "sse2 avx2 fma": those that matter here

// Processors that this process may run on, less where a control group's quota is smaller; at least 1.
int usable_processors();

}  // namespace krait::cpu
