// SPDX-License-Identifier: Apache-2.0
#include "models/layers/mamba2_mixer.hpp"

#include "models/layers/linear.hpp"
#include "models/layers/norm.hpp"

namespace krait {

using graph::TensorId;

Mamba2Mixer::Mamba2Mixer(const Mamba2Sizes& sizes)
    : sizes_(sizes),
      conv_{.channels = sizes.conv_width(), .d_conv = sizes.d_conv},
      scan_{.n_head = sizes.n_head, .head_dim = sizes.head_dim(), .d_state = sizes.d_state, .scalar_a = true} {}

std::vector<WeightSpec> Mamba2Mixer::weights() const {
    const int64_t d_model = sizes_.d_model, d_inner = sizes_.d_inner, in_width = d_inner + sizes_.conv_width() + sizes_.n_head;
    std::vector<WeightSpec> specs{linear_weight("ssm_in.weight", in_width, d_model), linear_bias("ssm_in.bias", in_width)};
    for (WeightSpec& spec : conv_.weights()) specs.push_back(std::move(spec));
    for (WeightSpec& spec : scan_.weights()) specs.push_back(std::move(spec));
    if (sizes_.has_norm) specs.push_back(norm_weight("ssm_norm.weight", d_inner));
    specs.push_back(linear_weight("ssm_out.weight", d_model, d_inner));
    specs.push_back(linear_bias("ssm_out.bias", d_model));
    return specs;
}

TensorId Mamba2Mixer::build(LayerContext& layer, TensorId x, TensorId residual) const {
    const int64_t d_inner = sizes_.d_inner, d_state = sizes_.d_state, n_head = sizes_.n_head, n_group = sizes_.n_group;
    const int64_t bc = n_group * d_state, conv_width = sizes_.conv_width();
    graph::GraphBuilder& b = layer.builder();
    const auto name = [&](std::string_view what) { return layer.name(what); };

    const TensorId in = linear(layer, "in", {.x = x, .weight = "ssm_in.weight", .bias = "ssm_in.bias"});
    const TensorId z = b.columns(name("z"), in, 0, d_inner);
    const TensorId xbc = conv_.build(layer, b.columns(name("xBC"), in, d_inner, conv_width));
    const TensorId u = b.columns(name("x"), xbc, 0, d_inner);
    const TensorId B = b.columns(name("B"), xbc, d_inner, bc);
    const TensorId C = b.columns(name("C"), xbc, d_inner + bc, bc);
    const TensorId y = scan_.build(layer, {.x = b.split_columns(name("u"), u, n_head, sizes_.head_dim()),
                                           .dt = b.columns(name("dt"), in, d_inner + conv_width, n_head),
                                           .B = b.split_columns(name("B"), B, n_group, d_state),
                                           .C = b.split_columns(name("C"), C, n_group, d_state),
                                           .z = b.split_columns(name("gate"), z, n_head, sizes_.head_dim())});
    TensorId gated = b.merge_columns(name("y"), y);
    if (sizes_.has_norm) gated = norm(layer, "y_norm", {.x = gated, .weight = "ssm_norm.weight", .groups = n_group});
    return linear(layer, "out", {.x = gated, .weight = "ssm_out.weight", .bias = "ssm_out.bias", .residual = residual});
}

}  // namespace krait
