// SPDX-License-Identifier: Apache-2.0
#include "models/architectures/mamba.hpp"

namespace krait {
namespace {

using graph::TensorId;

}  // namespace

Result<int64_t> Mamba::read_dt_rank(const GgufFile& file) {
    constexpr const char* kKey = "mamba.ssm.time_step_rank";
    KRAIT_TRY(const uint64_t dt_rank, file.get_u64(kKey));
    if (dt_rank < 1 || dt_rank > INT32_MAX)
        return fail(ErrorCode::corrupt_file, "{}: '{}' at byte {} is {}; at least 1 is needed", file.name(), kKey,
                    file.find(kKey)->offset, dt_rank);
    return static_cast<int64_t>(dt_rank);
}

Result<std::unique_ptr<Architecture>> Mamba::create(const GgufFile& file, ModelShape shape) {
    KRAIT_TRY(const int64_t dt_rank, read_dt_rank(file));
    return std::unique_ptr<Architecture>(new Mamba(std::move(shape), dt_rank));
}

std::vector<WeightSpec> Mamba::layer_weights(int64_t layer) const {
    const int64_t d_model = shape_.d_model, d_inner = shape_.d_inner, d_state = shape_.d_state;
    const krait_use linear = use_of<ops::MulMat>(OpId::mul_mat, "w"), bias = use_of<ops::MulMat>(OpId::mul_mat, "bias");
    const auto conv = [](std::string_view operand) { return use_of<ops::SsmConv>(OpId::ssm_conv, operand); };
    const auto scan = [](std::string_view operand) { return use_of<ops::SsmScan>(OpId::ssm_scan, operand); };
    const auto name = [&](std::string_view suffix) { return layer_name(layer, suffix); };
    return {
        {.name = name("attn_norm.weight"), .extents = {d_model}, .uses = {use_of<ops::RmsNorm>(OpId::rms_norm, "weight")}},
        {.name = name("ssm_in.weight"), .extents = {2 * d_inner, d_model}, .any_format = true, .uses = {linear}},
        {.name = name("ssm_in.bias"), .extents = {2 * d_inner}, .optional = true, .uses = {bias}},
        {.name = name("ssm_conv1d.weight"), .extents = {d_inner, shape_.d_conv}, .uses = {conv("w")}},
        {.name = name("ssm_conv1d.bias"), .extents = {d_inner}, .optional = true, .uses = {conv("bias")}},
        {.name = name("ssm_x.weight"), .extents = {dt_rank_ + 2 * d_state, d_inner}, .any_format = true, .uses = {linear}},
        {.name = name("ssm_dt.weight"), .extents = {d_inner, dt_rank_}, .any_format = true, .uses = {linear}},
        {.name = name("ssm_dt.bias"), .extents = {d_inner}, .uses = {scan("dt_bias")}},
        {.name = name("ssm_a"), .extents = {d_inner, d_state}, .uses = {scan("A")}},
        {.name = name("ssm_d"), .extents = {d_inner}, .uses = {scan("D")}},
        {.name = name("ssm_out.weight"), .extents = {d_model, d_inner}, .any_format = true, .uses = {linear}},
        {.name = name("ssm_out.bias"), .extents = {d_model}, .optional = true, .uses = {bias}},
    };
}

std::vector<LayerState> Mamba::layer_states() const {
    return {{OpId::ssm_conv, {shape_.d_conv - 1, shape_.d_inner, 1}, 2},
            {OpId::ssm_scan, {shape_.d_inner, 1, shape_.d_state}, 3}};
}

TensorId Mamba::between(LayerContext&, std::string_view, TensorId part) const { return part; }

TensorId Mamba::build_layer(LayerContext& context, TensorId x) const {
    graph::GraphBuilder& b = context.builder();
    const int64_t d_inner = shape_.d_inner, d_state = shape_.d_state;
    const auto name = [&](std::string_view what) { return context.name(what); };

    const TensorId normed = b.op<ops::RmsNorm>(name("norm"), {.x = x, .weight = context.weight("attn_norm.weight")},
                                               {.eps = shape_.norm_eps, .groups = 1})
                                .y;
    const TensorId xz = add_in_projection(context, normed);
    const TensorId u = add_conv(context, b.columns(name("x"), xz, 0, d_inner));
    const TensorId rbc = b.op<ops::MulMat>(name("x_proj"), {.x = u, .w = context.weight("ssm_x.weight")}).y;
    const TensorId r = between(context, "dt_norm", b.columns(name("r"), rbc, 0, dt_rank_));
    const TensorId B = between(context, "B_norm", b.columns(name("B"), rbc, dt_rank_, d_state));
    const TensorId C = between(context, "C_norm", b.columns(name("C"), rbc, dt_rank_ + d_state, d_state));
    const TensorId dt = b.op<ops::MulMat>(name("dt_proj"), {.x = r, .w = context.weight("ssm_dt.weight")}).y;
    const TensorId z = b.columns(name("z"), xz, d_inner, d_inner);
    const TensorId y = add_scan(context, {.x = b.split_columns(name("u"), u, d_inner, 1),
                                          .dt = dt,
                                          .B = b.split_columns(name("B"), B, 1, d_state),
                                          .C = b.split_columns(name("C"), C, 1, d_state),
                                          .z = b.split_columns(name("gate"), z, d_inner, 1)});
    return add_out_projection(context, b.merge_columns(name("y"), y), x);
}

}  // namespace krait
