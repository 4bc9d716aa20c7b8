// SPDX-License-Identifier: Apache-2.0
//
// A layer of a model as data: the mixers that it is made of, the weights that they read, and the memories in which a sequence
// keeps what they need of its past. Everything that walks a model (loading, placement, states, random models) reads these
// lists; the graph is built by the mixers themselves.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "graph/graph.hpp"
#include "models/loading/weights.hpp"

namespace krait {

class LayerContext;

// A memory: the state that a sequence has in a layer for one use of an operator. It is one slot of a pool, float32, in the
// canonical layout of that operator's contract. A layer may have several memories of one operator, each with a name of its own.
struct MemorySpec {
    std::string name;  // "conv", "scan"
    OpId op{};         // that reads and updates it
    std::array<int64_t, 3> extent{1, 1, 1};
    int64_t rank = 0;                        // extents behind it are 1
    TensorDesc desc(int64_t n_slots) const;  // of its tensor in a graph: [n_slots, extents]
    int64_t count() const { return extent[0] * extent[1] * extent[2]; }
    int64_t byte_size() const { return count() * static_cast<int64_t>(sizeof(float)); }
};

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

// One step of a layer (residual_block.hpp): h = h + mixer(rms_norm(h)).
struct NormedMixer {
    std::string node;    // of the norm: "norm"
    std::string weight;  // of the norm: "attn_norm.weight"
    std::shared_ptr<const Mixer> mixer;
};

struct LayerPlan {
    std::vector<NormedMixer> mixers;   // in the order in which they run
    std::vector<WeightSpec> weights;   // of norms and mixers, named without "blk.N.", in the order of the file
    std::vector<MemorySpec> memories;  // in the order in which a saved sequence has them
};

}  // namespace krait
