// SPDX-License-Identifier: Apache-2.0
//
// The tensors of a checkpoint under GGUF's names, and their shapes.
#pragma once

#include "formats/gguf/gguf_types.hpp"
#include "formats/huggingface/checkpoint.hpp"
#include "formats/huggingface/metadata.hpp"

namespace krait::huggingface {

// Elements that follow each other in the checkpoint and here.
struct Run {
    size_t source = 0;  // a tensor of the checkpoint
    int64_t first = 0;  // its element
    int64_t begin = 0;  // the element here
    int64_t count = 0;
    float factor = 1;
};

struct MappedTensor {
    GgufTensor tensor;      // without bytes
    std::vector<Run> runs;  // one after another, all of the tensor
    Values values = Values::as_they_are;
    DType stored = DType::F32;

    // Its data are those of one tensor of the checkpoint, byte by byte.
    [[nodiscard]] bool is_as_stored(const CheckpointFile& checkpoint) const;
};

// In the order of GGUF files: the embedding, blocks that layers share, the layers, the head. Fails where tensors are missing or
// left over, with their names, and for types and shapes that no rule takes.
Result<std::vector<MappedTensor>> map_tensors(const CheckpointFile& checkpoint, const ModelFacts& facts,
                                              const std::string& folder);

}  // namespace krait::huggingface
