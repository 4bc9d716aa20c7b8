// SPDX-License-Identifier: Apache-2.0
//
// Jamba (AI21 2024, arXiv 2403.19887): each layer has a Mamba mixer with norms inside or attention without positions, then a
// feed-forward network or experts.
#pragma once

#include "models/architectures/metadata.hpp"

namespace krait {

// From the keys "jamba.*". A layer with attention.head_count_kv 0 has Mamba; one with a router has experts.
Result<Architecture> create_jamba(const ModelSource& file, ModelShape shape);

}  // namespace krait
