// SPDX-License-Identifier: Apache-2.0
//
// Reading an architecture's sizes from a file.
#pragma once

#include "formats/model_source.hpp"
#include "models/architectures/architecture.hpp"

namespace krait {

// A size, at least 1 and at most what int32 indices reach; the error names the key and its place in the file.
Result<int64_t> read_size(const ModelSource& file, const std::string& key);

// The epsilon of a norm, at least 0 and below 1.
Result<float> read_eps(const ModelSource& file, const std::string& key, float fallback);

// The sizes that every model has, from the keys "<architecture>.<name>" and the embedding's shape.
Result<ModelShape> read_shape(const ModelSource& file, std::string_view architecture);

}  // namespace krait
