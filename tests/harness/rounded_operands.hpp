// SPDX-License-Identifier: Apache-2.0
//
// What mul_mat must give on a device that rounds its operands and says how in its features, computed from the case's own
// formula in double.
//   activations=int8x32   with quantized weights x is taken in units of 32 along K as
//                             x^[k] = d * round(x[k] / d), ties to even, d = max |x| / 127 over the unit
//                         and, where the format has minima, what the rounding took from the sum of x is kept:
//                         y = sum w x^ + sum centre (x - x^), centre[n, k] being the weight that the middle quant of the format
//                         would have, the same for all weights under one scale
//   halves=int13x64       with F16 and BF16 weights both x and w are taken in units of 64 likewise, d = max / 5792
#pragma once

#include <string_view>

#include "tests/harness/case_data.hpp"

namespace krait::harness {

// Whether this case is one that the device computes so.
bool rounds_operands(const Case& of, std::string_view features);

Expected evaluate_rounded(const Case& of, const CaseData& data);

}  // namespace krait::harness
