// SPDX-License-Identifier: Apache-2.0
//
// From config.json to the keys of GGUF, and what the tensors have to be.
#pragma once

#include "formats/gguf/gguf_value.hpp"
#include "formats/huggingface/architectures.hpp"
#include "formats/huggingface/config.hpp"

namespace krait::huggingface {

struct ModelFacts {
    const Architecture* architecture = nullptr;
    bool is_official = false;  // of state-spaces: other names, other defaults
    Sizes sizes;
    bool has_bias = false, has_conv_bias = true, is_tied = true;
    int64_t vocab_rows_max = 0;  // the vocabulary padded to a round size
    double norm_eps = 1e-5;
    std::optional<double> mixer_norm_eps;

    [[nodiscard]] int64_t size(std::string_view key) const { return sizes.find(key)->second; }
};

// Fails for a kind of model that Krait does not know (the error lists those that it does), for settings without which results
// would be others, and for numbers that are missing or absurd.
Result<ModelFacts> read_facts(const Config& config);

// The keys that the field's converter writes, in its order.
std::vector<GgufMetadata> metadata_of(const ModelFacts& facts, std::string name, int64_t n_vocab);

}  // namespace krait::huggingface
