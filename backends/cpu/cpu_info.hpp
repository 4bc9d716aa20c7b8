// SPDX-License-Identifier: Apache-2.0
//
// Facts about the processors. Compiled without instruction-set flags: all of it runs on any machine, also where the
// kernels of this plugin would not.
#pragma once

#include <string>

namespace krait::cpu {

std::string processor_name();
std::string processor_features();  // "sse2 avx2 fma": those of instruction_sets.hpp

}  // namespace krait::cpu
