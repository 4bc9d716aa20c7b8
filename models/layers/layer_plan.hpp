// SPDX-License-Identifier: Apache-2.0
//
// A layer of a model as data: the mixers that it is made of, the weights that they read, and the memories in which a sequence
// keeps what they need of its past. Everything that walks a model (loading, placement, states, random models) reads these
// lists; the graph is built by the mixers themselves.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "graph/graph.hpp"
#include "models/layers/memory_spec.hpp"
#include "models/loading/weights.hpp"

namespace krait {

class LayerContext;

// The part of a layer that computes: a scan with its projections, an attention, a feed-forward network. It knows neither the
// norm before it nor how many layers there are, so that different architectures can use it. Immutable; layers of the same sizes
// may share one.
class Mixer {
  public:
    virtual ~Mixer() = default;
    virtual std::vector<WeightSpec> weights() const = 0;  // named without "blk.N.", in the order of the file
    virtual std::vector<MemorySpec> memories() const { return {}; }
    // Adds its nodes. x [T, d_model], normalized already -> its result [T, d_model], plus `residual` where that is not
    // kNoTensor.
    virtual graph::TensorId build(LayerContext& layer, graph::TensorId x, graph::TensorId residual) const = 0;
};

// Weights whose names begin so belong to no layer: any number of them read the same ones.
inline constexpr std::string_view kSharedWeights = "shared.";

// One step of a layer (residual_block.hpp): h = h + residual_scale * mixer(rms_norm(h + addition(h))).
struct NormedMixer {
    std::string node;    // of the norm: "norm"
    std::string weight;  // of the norm: "attn_norm.weight"
    std::shared_ptr<const Mixer> mixer;
    float residual_scale = 1;
    // Added to what the norm reads, and given h as it is: Zamba2's shared block, which stands before the layer's norm.
    std::shared_ptr<const Mixer> addition = nullptr;
};

struct LayerPlan {
    std::vector<NormedMixer> mixers;   // in the order in which they run
    std::vector<WeightSpec> weights;   // of norms and mixers, named without "blk.N.", in the order of the file
    std::vector<MemorySpec> memories;  // in the order in which a saved sequence has them
};

}  // namespace krait
