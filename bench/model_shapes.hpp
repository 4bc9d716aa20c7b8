// SPDX-License-Identifier: Apache-2.0
//
// Nodes as models of the published sizes have them, to be timed: too large to be compared with a formula. mamba-130m, 1.4b and
// 2.8b, their products (product_shapes.hpp) in every weight format, and those of granite-4.0-h-tiny's experts; scans and
// convolutions of one sequence and of 16, Mamba-2's scan too; attention of a step after 8191 tokens and of prompts of 512.
#pragma once

#include "tests/harness/case.hpp"

namespace krait::bench {

// Names: "Q4_K.t1.n3072.k768.130m.in", "mamba1.t512.h1536", "F16.t1.b1.after8191.d64".
const harness::CaseList& model_shapes();

// For TimedCase and measure: more than the caches of the device and of this processor hold.
uint64_t cold_bytes();

}  // namespace krait::bench
