// SPDX-License-Identifier: Apache-2.0
//
// The header of a safetensors file: what stands in front of the data of tensors. Private to the reader.
#pragma once

#include "formats/checkpoint/checkpoint_file.hpp"
#include "formats/safetensors/safetensors_types.hpp"

namespace krait {

// Tensors come in the order of their data, which has been checked.
Result<CheckpointShard> read_safetensors_header(const DataFile& file);

}  // namespace krait
