// SPDX-License-Identifier: Apache-2.0
//
// Tensors of a file that its architecture has no place for. A model that runs without one of its weights gives other results,
// and nothing shows it: so such a file is refused, unless all that is left over is known to change nothing.
#pragma once

#include "models/loading/weights.hpp"

namespace krait {

// The error names the first few of the tensors, says how many there are, and whether they belong to layers beyond n_layer.
Result<void> refuse_unread_tensors(const ModelSource& file, std::string_view architecture, int64_t n_layer,
                                   std::span<const WeightSpec> specs);

}  // namespace krait
