// SPDX-License-Identifier: Apache-2.0
//
// The tensors of a checkpoint under GGUF's names, and their shapes.
#pragma once

#include "formats/gguf/gguf_types.hpp"
#include "formats/huggingface/checkpoint.hpp"
#include "formats/huggingface/metadata.hpp"

namespace krait::huggingface {

struct MappedTensor {
    GgufTensor tensor;  // without bytes
    size_t source = 0;  // in the checkpoint
    Values values = Values::as_they_are;

    // Its data are the checkpoint's, byte by byte.
    [[nodiscard]] bool is_as_stored(DType stored) const { return values != Values::minus_exp && stored == tensor.dtype(); }
};

// In the order of GGUF files: the embedding, the layers, the head. Fails where tensors are missing or left over, with their
// names, and for types and shapes that no rule takes.
Result<std::vector<MappedTensor>> map_tensors(const CheckpointFile& checkpoint, const ModelFacts& facts,
                                              const std::string& folder);

}  // namespace krait::huggingface
