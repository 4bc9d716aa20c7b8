// SPDX-License-Identifier: Apache-2.0
//
// The option affinity= of the device: the processors that threads may run on, and those that they are to run on. Compiled
// without instruction-set flags, as cpu_info.hpp is.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "core/base/processors.hpp"
#include "core/base/result.hpp"

namespace krait::cpu {

// A processor as the system counts them: a hardware thread of a core of a package (socket).
struct Processor {
    int id;
    int package;
    int core;  // numbered within the package
};

// allowed_processors() with package and core; where the system does not say, each is a core of its own.
std::vector<Processor> allowed_topology();

// "0-1", "0,2-3", "0+2-3" ('+' for lists of devices, which ',' separates): processors in the order in which they are named.
// INVALID_ARGUMENT names what is no number, is named twice or is not among `allowed`.
Result<std::vector<int>> parse_processor_list(std::string_view text, std::span<const int> allowed);

// All of them, in the order in which threads should take them: cores before second hardware threads of the same core, and
// packages by turns.
std::vector<int> spread_over_cores(std::span<const Processor> processors);

// Ties the calling thread to one processor; false where the system refuses.
bool pin_this_thread(int processor) noexcept;

}  // namespace krait::cpu
