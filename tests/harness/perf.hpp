// SPDX-License-Identifier: Apache-2.0
//
// How long a case takes on a device: the best of several timed batches, of one node run again and again on the same memory.
#pragma once

#include "tests/harness/device_run.hpp"

namespace krait::harness {

struct Timing {
    double seconds = 0;  // one run
    double bytes = 0;    // operands read once, results written once, states read and written
    double flops = 0;
};

// An error whose code is `unsupported` where the device declines.
Result<Timing> measure(const std::shared_ptr<const Device>& device, const Case& of);

}  // namespace krait::harness
