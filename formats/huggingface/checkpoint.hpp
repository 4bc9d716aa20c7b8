// SPDX-License-Identifier: Apache-2.0
//
// The weights of a folder as they lie there, whatever the files are.
#pragma once

#include <optional>

#include "core/tensor/dtype.hpp"
#include "formats/checkpoint/checkpoint_file.hpp"

namespace krait::huggingface {

// model.safetensors, the shards of model.safetensors.index.json, pytorch_model.bin, the shards of
// pytorch_model.bin.index.json, consolidated.safetensors of Mistral: the first of them that is there. not_found where none is.
Result<CheckpointFile> open_checkpoint(const std::filesystem::path& folder, FileAccess access);

// nullopt: a type that no weight has.
std::optional<DType> weight_type(CheckpointType type);

}  // namespace krait::huggingface
