// SPDX-License-Identifier: Apache-2.0
//
// Nemotron-H (NVIDIA 2025, arXiv 2504.03624) and Nemotron 3: each layer is one norm and one mixer, which is Mamba-2, attention
// without positions, a feed-forward network or experts.
#pragma once

#include "models/architectures/metadata.hpp"

namespace krait {

// From the keys "nemotron_h.*" or "nemotron_h_moe.*". A layer with feed_forward_length above 0 has a feed-forward network, or
// experts where it has a router; else head_count_kv above 0 means attention.
Result<Architecture> create_nemotron_h(const ModelSource& file, ModelShape shape);

}  // namespace krait
