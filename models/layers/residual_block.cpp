// SPDX-License-Identifier: Apache-2.0
#include "models/layers/residual_block.hpp"

#include "models/layers/norm.hpp"

namespace krait {

void add_residual_block(LayerPlan& plan, NormedMixer step, int64_t d_model) {
    const auto add = [&](const Mixer& mixer) {
        for (WeightSpec& spec : mixer.weights()) plan.weights.push_back(std::move(spec));
        for (MemorySpec& spec : mixer.memories()) plan.memories.push_back(std::move(spec));
    };
    if (step.addition) add(*step.addition);
    plan.weights.push_back(norm_weight(step.weight, d_model));
    add(*step.mixer);
    plan.mixers.push_back(std::move(step));
}

graph::TensorId build_layer(LayerContext& layer, const LayerPlan& plan, graph::TensorId h) {
    for (const NormedMixer& step : plan.mixers) {
        const graph::TensorId sum = step.addition ? step.addition->build(layer, h, h) : h;
        const graph::TensorId x = norm(layer, step.node, {.x = sum, .weight = step.weight});
        if (step.residual_scale == 1) {
            h = step.mixer->build(layer, x, h);
        } else {
            const graph::TensorId y = step.mixer->build(layer, x, graph::kNoTensor);
            h = layer.builder()
                    .op<ops::ScaleAdd>(layer.name(step.node + "_sum"), {.a = h, .b = y}, {.scale = step.residual_scale})
                    .y;
        }
    }
    return h;
}

}  // namespace krait
