// SPDX-License-Identifier: Apache-2.0
#include "models/layers/residual_block.hpp"

#include "models/layers/norm.hpp"

namespace krait {

void add_residual_block(LayerPlan& plan, NormedMixer step, int64_t d_model) {
    plan.weights.push_back(norm_weight(step.weight, d_model));
    for (WeightSpec& spec : step.mixer->weights()) plan.weights.push_back(std::move(spec));
    for (MemorySpec& spec : step.mixer->memories()) plan.memories.push_back(std::move(spec));
    plan.mixers.push_back(std::move(step));
}

graph::TensorId build_layer(LayerContext& layer, const LayerPlan& plan, graph::TensorId h) {
    for (const NormedMixer& step : plan.mixers)
        h = step.mixer->build(layer, norm(layer, step.node, {.x = h, .weight = step.weight}), h);
    return h;
}

}  // namespace krait
