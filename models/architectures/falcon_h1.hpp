// SPDX-License-Identifier: Apache-2.0
//
// Falcon-H1 (TII 2025, arXiv 2507.22448): attention and Mamba-2 side by side on the same input, then a feed-forward network.
// Files have its multipliers folded into the weights.
#pragma once

#include "models/architectures/metadata.hpp"

namespace krait {

// From the keys "falcon-h1.*". Files of the authors' own fork, which leave the multipliers to the graph, are refused.
Result<Architecture> create_falcon_h1(const ModelSource& file, ModelShape shape);

}  // namespace krait
