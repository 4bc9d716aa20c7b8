// SPDX-License-Identifier: Apache-2.0
//
// The random models of random_model.hpp as folders of Hugging Face: config.json, model.safetensors, tokenizer.json and
// tokenizer_config.json, which transformers loads too.
#pragma once

#include "models/random/random_model.hpp"

namespace krait {

// `folder` is made; where it is there already it has to be empty. options.scheme: F32, F16 or BF16 for the matrices, all else
// is F32. After an error the folder is as it was.
Result<RandomModelReport> write_random_folder(const std::filesystem::path& folder, const RandomModelOptions& options);

}  // namespace krait
