// SPDX-License-Identifier: Apache-2.0
#include "models/layers/mamba_mixer.hpp"

#include "models/layers/linear.hpp"
#include "models/layers/norm.hpp"

namespace krait {

using graph::TensorId;

MambaMixer::MambaMixer(const MambaSizes& sizes)
    : sizes_(sizes),
      conv_{.channels = sizes.d_inner, .d_conv = sizes.d_conv},
      scan_{.n_head = sizes.d_inner, .head_dim = 1, .d_state = sizes.d_state} {}

std::vector<WeightSpec> MambaMixer::weights() const {
    const auto& [d_model, d_inner, d_state, d_conv, dt_rank, inner_norms, eps] = sizes_;
    std::vector<WeightSpec> specs{linear_weight("ssm_in.weight", 2 * d_inner, d_model),
                                  linear_bias("ssm_in.bias", 2 * d_inner)};
    for (WeightSpec& spec : conv_.weights()) specs.push_back(std::move(spec));
    specs.push_back(linear_weight("ssm_x.weight", dt_rank + 2 * d_state, d_inner));
    if (inner_norms == InnerNorms::weighted) {
        specs.push_back(norm_weight("ssm_dt_norm.weight", dt_rank));
        specs.push_back(norm_weight("ssm_b_norm.weight", d_state));
        specs.push_back(norm_weight("ssm_c_norm.weight", d_state));
    }
    specs.push_back(linear_weight("ssm_dt.weight", d_inner, dt_rank));
    for (WeightSpec& spec : scan_.weights()) specs.push_back(std::move(spec));
    specs.push_back(linear_weight("ssm_out.weight", d_model, d_inner));
    specs.push_back(linear_bias("ssm_out.bias", d_model));
    return specs;
}

TensorId MambaMixer::build(LayerContext& layer, TensorId x, TensorId residual) const {
    const int64_t d_inner = sizes_.d_inner, d_state = sizes_.d_state, dt_rank = sizes_.dt_rank;
    graph::GraphBuilder& b = layer.builder();
    const auto name = [&](std::string_view what) { return layer.name(what); };
    const auto normed = [&](std::string_view node, std::string_view weight, TensorId part) {
        if (sizes_.inner_norms == InnerNorms::none) return part;
        const bool weighted = sizes_.inner_norms == InnerNorms::weighted;
        return norm(layer, node, {.x = part, .weight = weighted ? weight : "", .eps = sizes_.inner_norm_eps});
    };

    const TensorId xz = linear(layer, "in", {.x = x, .weight = "ssm_in.weight", .bias = "ssm_in.bias"});
    const TensorId u = conv_.build(layer, b.columns(name("x"), xz, 0, d_inner));
    const TensorId rbc = linear(layer, "x_proj", {.x = u, .weight = "ssm_x.weight"});
    const TensorId r = normed("dt_norm", "ssm_dt_norm.weight", b.columns(name("r"), rbc, 0, dt_rank));
    const TensorId B = normed("B_norm", "ssm_b_norm.weight", b.columns(name("B"), rbc, dt_rank, d_state));
    const TensorId C = normed("C_norm", "ssm_c_norm.weight", b.columns(name("C"), rbc, dt_rank + d_state, d_state));
    const TensorId dt = linear(layer, "dt_proj", {.x = r, .weight = "ssm_dt.weight"});
    const TensorId z = b.columns(name("z"), xz, d_inner, d_inner);
    const TensorId y = scan_.build(layer, {.x = b.split_columns(name("u"), u, d_inner, 1),
                                           .dt = dt,
                                           .B = b.split_columns(name("B"), B, 1, d_state),
                                           .C = b.split_columns(name("C"), C, 1, d_state),
                                           .z = b.split_columns(name("gate"), z, d_inner, 1)});
    return linear(
        layer, "out",
        {.x = b.merge_columns(name("y"), y), .weight = "ssm_out.weight", .bias = "ssm_out.bias", .residual = residual});
}

}  // namespace krait
