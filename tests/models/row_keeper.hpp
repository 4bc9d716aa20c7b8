// SPDX-License-Identifier: Apache-2.0
//
// An architecture for tests of memories of pages: each layer keeps a row for every token, as attention keeps keys and values,
// but nothing reads them yet. So what a session does with pages is seen in saved sequences. With x the layer's normed input:
//   y      = mix . x                              [T, d_model]
//   keys[rows], values[rows] = x as F32, y as F16
//   result = conv(y), or y where the model has no recurrent state
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <random>

#include "models/architectures/metadata.hpp"
#include "models/layers/convolution.hpp"
#include "models/layers/linear.hpp"
#include "models/layers/residual_block.hpp"
#include "tests/models/model_draft.hpp"

namespace krait::test {

inline constexpr int64_t kKeeperVocab = 41, kKeeperWidth = 8, kKeeperLayers = 2;

class RowKeeperMixer final : public Mixer {
  public:
    RowKeeperMixer(int64_t d_model, bool has_state) : d_model_(d_model), has_state_(has_state) {}
    std::vector<WeightSpec> weights() const override {
        std::vector<WeightSpec> specs{linear_weight("mix.weight", d_model_, d_model_)};
        if (has_state_)
            for (WeightSpec& spec : conv().weights()) specs.push_back(std::move(spec));
        specs.push_back(linear_weight("out.weight", d_model_, d_model_));
        return specs;
    }
    std::vector<MemorySpec> memories() const override {
        std::vector<MemorySpec> specs{cache("keys", DType::F32)};
        if (has_state_) specs.push_back(conv().memory());
        specs.push_back(cache("values", DType::F16));
        return specs;
    }
    graph::TensorId build(LayerContext& layer, graph::TensorId x, graph::TensorId residual) const override {
        graph::TensorId y = linear(layer, "mix", {.x = x, .weight = "mix.weight"});
        keep(layer, "keys", x);
        keep(layer, "values", y);
        if (has_state_) y = conv().build(layer, y);
        return linear(layer, "out", {.x = y, .weight = "out.weight", .residual = residual});
    }

  private:
    Convolution conv() const { return {.channels = d_model_, .d_conv = 3, .name = "conv", .weight = "conv"}; }
    MemorySpec cache(const char* name, DType dtype) const {
        return {.name = name, .ops = {OpId::kv_write}, .extent = {d_model_, 1, 1}, .rank = 1, .dtype = dtype};
    }
    static void keep(LayerContext& layer, const char* name, graph::TensorId x) {
        layer.builder().op<ops::KvWrite>(layer.name(name),
                                         {.x = x, .cache = layer.memory(name), .rows = layer.forward().cache_rows});
    }

    int64_t d_model_;
    bool has_state_;
};

template <bool kHasState>
Result<Architecture> create_row_keeper(const ModelSource&, ModelShape shape) {
    std::vector<LayerPlan> layers(static_cast<size_t>(shape.n_layer));
    for (LayerPlan& layer : layers)
        add_residual_block(layer, {"norm", "attn_norm.weight", std::make_shared<RowKeeperMixer>(shape.d_model, kHasState)},
                           shape.d_model);
    return Architecture(std::move(shape), std::move(layers));
}

inline constexpr ArchitectureEntry kRowKeepers[] = {{"row_keeper", create_row_keeper<true>},
                                                    {"row_keeper_alone", create_row_keeper<false>}};

// A model with random weights. device: as Model::load takes it.
inline Result<std::shared_ptr<const Model>> row_keeper(bool has_state, const std::string& device,
                                                       const PlacementOptions& placement = {}) {
    const std::string name = has_state ? "row_keeper" : "row_keeper_alone";
    Draft draft;
    draft.metadata = {{"general.architecture", name},
                      {name + ".embedding_length", static_cast<uint32_t>(kKeeperWidth)},
                      {name + ".block_count", static_cast<uint32_t>(kKeeperLayers)}};
    std::mt19937 random(3);
    const auto add = [&](const std::string& tensor, std::vector<int64_t> extents, float offset = 0) {
        draft.add_tensor(tensor, std::move(extents));
        std::normal_distribution<float> normal(offset, 0.4f);
        std::vector<float> values(draft.tensors.back().bytes.size() / sizeof(float));
        for (float& v : values) v = normal(random);
        std::memcpy(draft.tensors.back().bytes.data(), values.data(), draft.tensors.back().bytes.size());
    };
    add("token_embd.weight", {kKeeperVocab, kKeeperWidth});
    for (int64_t i = 0; i < kKeeperLayers; ++i) {
        add(layer_prefix(i) + "attn_norm.weight", {kKeeperWidth}, 1);
        add(layer_prefix(i) + "mix.weight", {kKeeperWidth, kKeeperWidth});
        if (has_state) add(layer_prefix(i) + "conv.weight", {kKeeperWidth, 3});
        add(layer_prefix(i) + "out.weight", {kKeeperWidth, kKeeperWidth});
    }
    add("output_norm.weight", {kKeeperWidth}, 1);
    add("output.weight", {kKeeperVocab, kKeeperWidth});
    const auto path = std::filesystem::temp_directory_path() / fmt::format("krait-row-keeper-{}.gguf", getpid());
    draft.write(path);
    auto model = Model::load(path, {.device = device, .placement = placement, .architectures = kRowKeepers});
    std::filesystem::remove(path);
    return model;
}

}  // namespace krait::test
