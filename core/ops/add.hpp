// SPDX-License-Identifier: Apache-2.0
//
// add: y = a + b, element by element.
//   a f32 [T, E] · b f32 [T, E] or [1, E] (one row for all) -> y f32 [T, E]
#pragma once

#include "core/ops/elementwise.hpp"

namespace krait::ops {

struct Add : RowBroadcast {};

}  // namespace krait::ops
