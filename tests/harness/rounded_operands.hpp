// SPDX-License-Identifier: Apache-2.0
//
// The result of mul_mat, or of mul_mat_experts, on a device that rounds its operands as its capabilities say, computed from the
// case's own formula in double.
//   KRAIT_ROUNDING_INT8X32   with quantized weights x is taken in units of 32 along K as
//                             x^[k] = d * round(x[k] / d), ties to even, d = max |x| / 127 over the unit
//                         and, where the format has minima, what the rounding took from the sum of x is kept:
//                         y = sum w x^ + sum centre (x - x^), centre[n, k] being the weight that the middle quant of the format
//                         would have, the same for all weights under one scale
//   KRAIT_ROUNDING_INT13X32  with F16 and BF16 weights both x and w are taken in units of 32 likewise, d = max / 8191
#pragma once

#include "tests/harness/case_data.hpp"

namespace krait::harness {

// Whether this case is one that the device computes so.
bool rounds_operands(const Case& of, const krait_device_capabilities& device);

Expected evaluate_rounded(const Case& of, const CaseData& data);

}  // namespace krait::harness
