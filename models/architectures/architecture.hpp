// SPDX-License-Identifier: Apache-2.0
//
// An architecture: what kind of model a file holds, as data. It has the sizes that every model has, one plan for each layer
// (models/layers/layer_plan.hpp), and two more for what stands before and behind the layers. Weights and memories are numbered
// through the whole model; loading, placement and states index their lists by these numbers. One file in this folder makes the
// plans of one architecture; registry.hpp lists them.
#pragma once

#include "models/layers/layer_plan.hpp"

namespace krait {

// Sizes that every model has; from the file's metadata and the shape of its embedding.
struct ModelShape {
    std::string architecture;  // general.architecture
    int64_t n_vocab = 0;
    int64_t d_model = 0;
    int64_t n_layer = 0;
    float norm_eps = 1e-5f;
    bool tied_head = false;                      // the head is the embedding
    float embedding_scale = 1, logit_scale = 1;  // factors of the embedding's rows and of the logits
    std::string output_norm = "output_norm.weight";
    DType cache = DType::F16;  // of keys and values: F32, F16 or Q8_0
};

// A size that only some architectures have, for people: {"d_inner", 1536}.
struct NamedSize {
    std::string_view name;
    int64_t value = 0;
};

// A memory of the model, and the layer that has it.
struct LayerMemory {
    int64_t layer = 0;
    MemorySpec spec;
};

class Architecture {
  public:
    // layers: shape.n_layer plans.
    Architecture(ModelShape shape, std::vector<LayerPlan> layers, std::vector<NamedSize> sizes = {});

    const ModelShape& shape() const { return shape_; }
    std::span<const NamedSize> sizes() const { return sizes_; }
    int64_t size(std::string_view name) const;  // 0 where the architecture has no such size

    // The plan of layer i, 0 to n_layer - 1.
    const LayerPlan& layer(int64_t i) const { return layers_[static_cast<size_t>(i)]; }
    int64_t n_planned_layers() const { return static_cast<int64_t>(layers_.size()); }  // create_architecture: shape().n_layer
    const LayerPlan& embedding() const { return embedding_; }                          // weights only
    const LayerPlan& head() const { return head_; }  // weights only: the final norm, and the head where it is not tied

    // All weights by their names in the file: the embedding's, those of the layers in their order, the head's.
    const std::vector<WeightSpec>& weights() const { return weights_; }
    // All memories: those of the layers in their order.
    const std::vector<LayerMemory>& memories() const { return memories_; }
    // Where a layer's weights and memories begin in these lists; layer n_layer: where the head's weights begin.
    size_t first_weight(int64_t layer) const { return first_weight_[static_cast<size_t>(layer)]; }
    size_t first_memory(int64_t layer) const { return first_memory_[static_cast<size_t>(layer)]; }

    // Bytes of a sequence's slots, whatever its length.
    int64_t state_bytes() const;
    // Bytes that each token of it adds in memories of pages.
    int64_t token_bytes() const;
    bool has_slots() const { return has_slots_; }
    bool has_pages() const { return has_pages_; }
    bool has_attention() const { return has_attention_; }  // some layer reads pages

  private:
    ModelShape shape_;
    std::vector<NamedSize> sizes_;
    LayerPlan embedding_, head_;
    std::vector<LayerPlan> layers_;
    std::vector<WeightSpec> weights_;
    std::vector<LayerMemory> memories_;
    std::vector<size_t> first_weight_, first_memory_;
    bool has_slots_ = false, has_pages_ = false, has_attention_ = false;
};

// "blk.3."
std::string layer_prefix(int64_t layer);

}  // namespace krait
