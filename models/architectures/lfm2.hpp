// SPDX-License-Identifier: Apache-2.0
//
// LFM2 (Liquid AI 2025, arXiv 2511.23404): each layer has a gated short convolution or attention with normalized queries and
// keys, then a feed-forward network or experts.
#pragma once

#include "models/architectures/metadata.hpp"

namespace krait {

// From the keys "lfm2.*" or "lfm2moe.*". A layer with attention.head_count_kv 0 has a convolution; one with a router has
// experts.
Result<Architecture> create_lfm2(const ModelSource& file, ModelShape shape);

}  // namespace krait
