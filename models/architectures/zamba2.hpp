// SPDX-License-Identifier: Apache-2.0
//
// Zamba2 (Zyphra 2024, arXiv 2411.15242): every layer has a Mamba-2 mixer; before some of them runs one of a few transformer
// blocks, which these layers share.
#pragma once

#include "models/architectures/metadata.hpp"

namespace krait {

// From the keys "zamba2.*" (docs/zamba2-gguf.md). A layer with attention.head_count_kv above 0 has a shared block.
Result<Architecture> create_zamba2(const ModelSource& file, ModelShape shape);

}  // namespace krait
