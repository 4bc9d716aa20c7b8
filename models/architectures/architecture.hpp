// SPDX-License-Identifier: Apache-2.0
//
// What the engine asks of a model architecture: which weights and states it has, and one layer as a piece of graph. One file
// each in this folder; create.cpp lists them.
#pragma once

#include <array>
#include <memory>

#include "graph/builder.hpp"
#include "models/loading/weights.hpp"

namespace krait {

// Sizes that all architectures share; from the file's metadata and the shape of its embedding.
struct ModelShape {
    std::string architecture;  // general.architecture
    int64_t n_vocab = 0;
    int64_t d_model = 0;
    int64_t n_layer = 0;
    int64_t d_inner = 0;
    int64_t d_state = 0;
    int64_t d_conv = 0;
    float norm_eps = 1e-5f;
    bool tied_head = false;  // the head is the embedding
};

// One slot of a layer's recurrent state, as the op that uses it wants it.
struct LayerState {
    OpId op{};
    std::array<int64_t, 3> extent{1, 1, 1};
    int64_t rank = 0;
    int64_t count() const { return extent[0] * extent[1] * extent[2]; }
};

// What a layer's piece of graph is made with.
class LayerContext {
  public:
    virtual ~LayerContext() = default;
    virtual graph::GraphBuilder& builder() = 0;
    virtual graph::TensorId weight(
        std::string_view suffix) = 0;            // "ssm_in.weight" of this layer; kNoTensor where optional and absent
    virtual graph::TensorId state(OpId op) = 0;  // this layer's pool for that op
    virtual std::string name(std::string_view what) const = 0;  // "blk.3.what"

    // The run: core/ops/ragged.hpp.
    struct Ragged {
        graph::TensorId seq_start, src_slot, dst_slot, snapshots;
    };
    virtual const Ragged& ragged() const = 0;
};

class Architecture {
  public:
    virtual ~Architecture() = default;
    const ModelShape& shape() const { return shape_; }

    virtual std::vector<WeightSpec> layer_weights(int64_t layer) const = 0;
    virtual std::vector<LayerState> layer_states() const = 0;  // the same for every layer
    // x [T, d_model] -> [T, d_model], the residual included.
    virtual graph::TensorId build_layer(LayerContext& context, graph::TensorId x) const = 0;

    // Embedding, final norm, head and all layers.
    std::vector<WeightSpec> weights() const;
    // Bytes of the state of one sequence.
    int64_t state_bytes() const;

    // By general.architecture. Checks metadata against tensors: an error names the key or the tensor. A file with weights
    // that the architecture has no place for is refused (models/loading/unread_tensors.hpp).
    static Result<std::unique_ptr<Architecture>> create(const GgufFile& file);

  protected:
    explicit Architecture(ModelShape shape) : shape_(std::move(shape)) {}

    ModelShape shape_;
};

// The convolution that every Mamba layer has, over its weights ssm_conv1d and its state.
graph::TensorId add_conv(LayerContext& context, graph::TensorId x);

// The projections at the two ends of every Mamba layer, over the weights ssm_in and ssm_out; with biases in files of models that
// were trained with them (use_bias).
graph::TensorId add_in_projection(LayerContext& context, graph::TensorId x);
graph::TensorId add_out_projection(LayerContext& context, graph::TensorId x, graph::TensorId residual);

// The scan, over the weights ssm_a, ssm_d, ssm_dt.bias and its state. Shapes: core/ops/ssm_scan.hpp.
struct ScanValues {
    graph::TensorId x, dt, B, C, z;
};
graph::TensorId add_scan(LayerContext& context, const ScanValues& values);

// "blk.3.ssm_in.weight"
std::string layer_name(int64_t layer, std::string_view suffix);

}  // namespace krait
