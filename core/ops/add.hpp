// SPDX-License-Identifier: Apache-2.0
//
// add: y = a + b, element by element. Operands: core/ops/elementwise.hpp.
#pragma once

#include "core/ops/elementwise.hpp"

namespace krait::ops {

struct Add : RowBroadcast {};

}  // namespace krait::ops
