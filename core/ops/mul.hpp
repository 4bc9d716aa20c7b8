// SPDX-License-Identifier: Apache-2.0
//
// mul: y = a * b, element by element.
//   a f32 [T, E] · b f32 [T, E] or [1, E] (one row for all) -> y f32 [T, E]
#pragma once

#include "core/ops/elementwise.hpp"

namespace krait::ops {

struct Mul : RowBroadcast {};

}  // namespace krait::ops
