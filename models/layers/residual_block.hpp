// SPDX-License-Identifier: Apache-2.0
//
// The step that layers are made of: h = h + residual_scale * mixer(rms_norm(h + addition(h))).
#pragma once

#include "models/layers/layer_context.hpp"

namespace krait {

// Adds a step to a plan, with its weights and memories.
void add_residual_block(LayerPlan& plan, NormedMixer step, int64_t d_model);

// Adds the nodes of all steps of a layer to the graph: h [T, d_model] -> [T, d_model].
graph::TensorId build_layer(LayerContext& layer, const LayerPlan& plan, graph::TensorId h);

}  // namespace krait
