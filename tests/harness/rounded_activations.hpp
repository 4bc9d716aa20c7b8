// SPDX-License-Identifier: Apache-2.0
//
// What mul_mat with quantized weights must give on a device that says "activations=int8x32" in its features, computed from the
// case's own formula in double. Such a device takes x in units of 32 along K as
//   x^[k] = d * round(x[k] / d), ties to even, d = max |x| / 127 over the unit
// and, where the format has minima, keeps what the rounding took from the sum of x: y = sum w x^ + sum centre (x - x^), with
// centre[n, k] the weight that the middle quant of its format would have, the same for all weights under one scale.
#pragma once

#include <string_view>

#include "tests/harness/case_data.hpp"

namespace krait::harness {

// Whether this case is one that the device computes so.
bool rounds_activations(const Case& of, std::string_view features);

Expected evaluate_rounded(const Case& of, const CaseData& data);

}  // namespace krait::harness
