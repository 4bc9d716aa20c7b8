// SPDX-License-Identifier: Apache-2.0
#include "models/architectures/architecture.hpp"

#include <algorithm>

#include "models/layers/linear.hpp"
#include "models/layers/norm.hpp"

namespace krait {

std::string layer_prefix(int64_t layer) { return fmt::format("blk.{}.", layer); }

Architecture::Architecture(ModelShape shape, std::vector<LayerPlan> layers, std::vector<NamedSize> sizes)
    : shape_(std::move(shape)), sizes_(std::move(sizes)), layers_(std::move(layers)) {
    // The embedding is a table, and where the head is tied a matrix as well.
    WeightSpec embedding = linear_weight("token_embd.weight", shape_.n_vocab, shape_.d_model);
    if (!shape_.tied_head) embedding.uses.clear();
    embedding.uses.insert(embedding.uses.begin(), use_of<ops::GetRows>(OpId::get_rows, "table"));
    embedding_.weights.push_back(std::move(embedding));
    head_.weights.push_back(norm_weight(shape_.output_norm, shape_.d_model));
    if (!shape_.tied_head) head_.weights.push_back(linear_weight("output.weight", shape_.n_vocab, shape_.d_model));

    weights_ = embedding_.weights;
    for (const LayerPlan& plan : layers_) {
        const auto layer = static_cast<int64_t>(first_weight_.size());
        first_weight_.push_back(weights_.size());
        first_memory_.push_back(memories_.size());
        for (const WeightSpec& spec : plan.weights) {
            weights_.push_back(spec);
            if (!spec.name.starts_with(kSharedWeights)) weights_.back().name.insert(0, layer_prefix(layer));
        }
        for (const MemorySpec& spec : plan.memories) {
            memories_.push_back({layer, spec});
            (spec.has_pages() ? has_pages_ : has_slots_) = true;
            has_attention_ = has_attention_ || std::find(spec.ops.begin(), spec.ops.end(), OpId::attention) != spec.ops.end();
        }
    }
    first_weight_.push_back(weights_.size());
    first_memory_.push_back(memories_.size());
    weights_.insert(weights_.end(), head_.weights.begin(), head_.weights.end());
}

int64_t Architecture::size(std::string_view name) const {
    const auto found = std::find_if(sizes_.begin(), sizes_.end(), [&](const NamedSize& size) { return size.name == name; });
    return found == sizes_.end() ? 0 : found->value;
}

int64_t Architecture::state_bytes() const {
    int64_t bytes = 0;
    for (const LayerMemory& memory : memories_) bytes += memory.spec.has_pages() ? 0 : memory.spec.row_bytes();
    return bytes;
}

int64_t Architecture::token_bytes() const {
    int64_t bytes = 0;
    for (const LayerMemory& memory : memories_) bytes += memory.spec.has_pages() ? memory.spec.row_bytes() : 0;
    return bytes;
}

}  // namespace krait
