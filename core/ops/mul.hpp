// SPDX-License-Identifier: Apache-2.0
//
// mul: y = a * b, element by element. Operands: core/ops/elementwise.hpp.
#pragma once

#include "core/ops/elementwise.hpp"

namespace krait::ops {

struct Mul : RowBroadcast {};

}  // namespace krait::ops
