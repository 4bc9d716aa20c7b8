// SPDX-License-Identifier: Apache-2.0
//
// Random models of hybrids. Their sizes are the keys of a GGUF file, and their weights those that the architecture asks for
// with such keys: a new architecture needs a line in the table of published sizes, and no code.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/gguf/gguf_value.hpp"
#include "models/architectures/architecture.hpp"

namespace krait {

struct HybridSizes {
    // A letter for each layer: M scan and network, * attention and network, C short convolution and network, H scan and
    // attention side by side. Nemotron-H, whose layers are one of them: M scan, * attention, - network, E experts.
    std::string layers;
    std::map<std::string, int64_t, std::less<>> sizes;  // keys without the architecture: "ssm.inner_size"
    std::map<std::string, float, std::less<>> numbers;  // "attention.scale"
    std::map<std::string, bool, std::less<>> flags;
    int64_t size(std::string_view key) const;  // 0 where there is none
};

struct PublishedHybrid {
    std::string architecture;
    int64_t n_vocab = 0;
    bool tied_head = true;
    HybridSizes sizes;
};
// nullopt: another name.
std::optional<PublishedHybrid> published_hybrid(std::string_view name);
std::string_view published_hybrid_names();  // ", "-separated

// As many layers, of all kinds that there were, in their order; with fewer layers than kinds one each, recurrent ones first.
std::string reduced_layers(const std::string& layers, int64_t n_layer);
// All widths by the ratio of the new width to the old one; heads keep their sizes.
void scale_widths(HybridSizes& sizes, int64_t d_model);

// All keys of the architecture's own, with its name.
std::vector<GgufMetadata> hybrid_metadata(const std::string& architecture, const HybridSizes& sizes);
// The weights of a file with these keys; an error where no file could have them.
Result<std::vector<WeightSpec>> hybrid_weights(const std::string& architecture, const HybridSizes& sizes, int64_t n_vocab,
                                               bool tied_head);

}  // namespace krait
