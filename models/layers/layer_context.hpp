// SPDX-License-Identifier: Apache-2.0
//
// Where a layer's nodes are added: the graph under construction, and the weights and memories that the layer's plan lists, by
// name.
#pragma once

#include "graph/builder.hpp"
#include "models/layers/layer_plan.hpp"

namespace krait {

// The facts that all layers of a graph share.
struct ForwardContext {
    graph::GraphBuilder& builder;
    const WeightDescs& weights;  // of the model
    MemorySizes memory_sizes;
    float norm_eps = 0;
    graph::TensorId embedding = graph::kNoTensor;  // of the run's tokens, [T, d_model]
    // The sequences of the run (core/ops/ragged.hpp).
    graph::TensorId seq_start = graph::kNoTensor, src_slot = graph::kNoTensor, dst_slot = graph::kNoTensor;
    graph::TensorId snapshots = graph::kNoTensor;
    // Memories of pages (core/ops/paged.hpp): where each token's row goes, the place of each token in its sequence, and the
    // pages of each sequence.
    graph::TensorId cache_rows = graph::kNoTensor, positions = graph::kNoTensor, page_table = graph::kNoTensor;
};

class LayerContext {
  public:
    // prefix: "blk.3.". The plan's weights and memories are those of the model from first_weight and first_memory on.
    LayerContext(const ForwardContext& forward, const LayerPlan& plan, std::string prefix, size_t first_weight,
                 size_t first_memory);

    graph::GraphBuilder& builder() { return forward_.builder; }
    const ForwardContext& forward() const { return forward_; }
    std::string name(std::string_view what) const;  // "blk.3.what"
    // The weight of that name in the plan; kNoTensor where it is optional and the file lacks it. The same tensor every time.
    // A name that the plan does not list makes finish() of the builder fail.
    graph::TensorId weight(std::string_view name);
    // All units of that memory of the plan. The same tensor every time: by it the passes of the graph know which nodes use one
    // memory, so that these stay in their order and on one device.
    graph::TensorId memory(std::string_view name);

  private:
    const ForwardContext& forward_;
    const LayerPlan& plan_;
    std::string prefix_;
    size_t first_weight_, first_memory_;
    // By weight and by memory of the plan; kNoTensor where it is not in the graph yet.
    std::vector<graph::TensorId> known_weights_, known_memories_;
};

}  // namespace krait
