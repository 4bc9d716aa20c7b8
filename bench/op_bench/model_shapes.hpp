// SPDX-License-Identifier: Apache-2.0
//
// Nodes as models of the published sizes have them, to be timed: too large to be compared with a formula. mamba-130m and mamba-2.8b, their
// products in every weight format, for one token, 16 and 512; scans of one sequence and of 16, Mamba-2's too.
#pragma once

#include "tests/harness/case.hpp"

namespace krait::bench {

// Names: "Q4_K.t1.n3072.k768.130m.in", "mamba1.t512.h1536".
const harness::CaseList& model_shapes();

}  // namespace krait::bench
