// SPDX-License-Identifier: Apache-2.0
//
// Granite 4.0 H (IBM 2025) and Bamba (IBM 2024): each layer has a Mamba-2 mixer or attention, then a feed-forward network or
// experts with a shared one. The embedding, scores, residual sums and logits have factors of their own.
#pragma once

#include "models/architectures/metadata.hpp"

namespace krait {

// From the keys "granitehybrid.*". A layer with attention.head_count_kv 0 has Mamba-2. Heads turn in adjacent pairs unless
// rope.scaling.finetuned is false.
Result<Architecture> create_granite_hybrid(const ModelSource& file, ModelShape shape);

}  // namespace krait
