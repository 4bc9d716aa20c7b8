// SPDX-License-Identifier: Apache-2.0
//
// A model whose matrices have other formats than the source that it is read from: rows are encoded when they are read, so that
// a model is quantized while it is loaded or written. The recipe (recipe.hpp) chooses the formats. general.file_type and
// general.quantization_version say what has become of it. Beside the tensor that is read it takes 4 MiB.
#pragma once

#include <optional>

#include "formats/model_source.hpp"
#include "models/quantize/recipe.hpp"

namespace krait {

struct QuantizedSourceOptions {
    std::optional<QuantizeScheme> scheme = {};  // absent: all types stay
    int threads = 0;                            // 0 = all
};

// Fails for a model that is quantized already. Weights that are not finite, or that F16 cannot hold, are errors of their
// reading.
Result<std::unique_ptr<ModelSource>> quantize_source(std::unique_ptr<ModelSource> source,
                                                     const QuantizedSourceOptions& options);

// An error where a tensor is in a format of blocks already: a second rounding would add to the first. advice: how to do it all
// the same; may be empty.
Result<void> refuse_quantized(const ModelSource& source, std::string_view advice);

}  // namespace krait
