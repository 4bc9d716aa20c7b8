// SPDX-License-Identifier: Apache-2.0
//
// Reading an architecture's sizes from a file.
#pragma once

#include "formats/gguf/gguf_reader.hpp"
#include "models/architectures/architecture.hpp"

namespace krait {

// A size, at least 1 and at most what int32 indices reach; the error names the key and its place in the file.
Result<int64_t> read_size(const GgufFile& file, const std::string& key);

// The sizes that every model has, from the keys "<architecture>.<name>" and the embedding's shape.
Result<ModelShape> read_shape(const GgufFile& file, std::string_view architecture);

}  // namespace krait
