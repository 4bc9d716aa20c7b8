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
    std::string_view ours;     // general.architecture
    bool is_official = false;  // of state-spaces: other names, other defaults
    Sizes sizes;
    std::map<std::string, double, std::less<>> numbers;
    std::map<Presence, bool> flags;
    bool is_tied = true;
    int64_t vocab_rows_max = 0;  // the vocabulary padded to a round size
    double norm_eps = 1e-5;
    std::optional<double> mixer_norm_eps;
    std::vector<LayerParts> layers;     // empty: all layers are alike
    std::vector<GgufMetadata> entries;  // keys without the architecture, beside those of sizes and numbers

    [[nodiscard]] int64_t size(std::string_view key) const { return sizes.find(key)->second; }
    [[nodiscard]] double number(std::string_view key) const { return numbers.find(key)->second; }
    [[nodiscard]] bool has(Presence presence) const;
    // The parts of a layer, or of a block that layers share.
    [[nodiscard]] LayerParts parts_of(int64_t layer) const;
    void add(std::string_view key, GgufValue value) { entries.push_back({std::string(key), std::move(value)}); }
};

// Fails for a kind of model that Krait does not know (the error lists those that it does), for settings without which results
// would be others, and for numbers that are missing or absurd. Facts that depend on the layers are missing yet.
Result<ModelFacts> read_facts(const Config& config);

// Adds what each layer is, and checks what belongs together. n_tensor: of the checkpoint. Every layer has tensors of its own,
// so a count of layers above that is refused before anything is made for each layer.
Result<void> read_layers(const Config& config, size_t n_tensor, ModelFacts& facts);

// The error of a setting of a size: GGUF's key without the architecture, and the value that is needed instead.
tl::unexpected<Error> wrong_size(const Config& config, const ModelFacts& facts, std::string_view key, std::string_view wanted);

// The keys that the field's converter writes, in its order.
std::vector<GgufMetadata> metadata_of(const ModelFacts& facts, std::string name, int64_t n_vocab);

}  // namespace krait::huggingface
