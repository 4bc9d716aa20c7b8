// SPDX-License-Identifier: Apache-2.0
#include "models/architectures/mamba2.hpp"

namespace krait {
namespace {

using graph::TensorId;

}  // namespace

Result<std::unique_ptr<Architecture>> Mamba2::create(const GgufFile& file, ModelShape shape) {
    constexpr const char* kHeads = "mamba2.ssm.time_step_rank";
    constexpr const char* kGroups = "mamba2.ssm.group_count";
    KRAIT_TRY(const uint64_t n_head, file.get_u64(kHeads));
    KRAIT_TRY(const uint64_t n_group, file.get_u64(kGroups));
    const auto d_inner = static_cast<uint64_t>(shape.d_inner);
    if (n_head < 1 || n_head > d_inner || d_inner % n_head != 0)
        return fail(ErrorCode::corrupt_file, "{}: '{}' at byte {} is {}: heads must divide the inner size, {}", file.name(),
                    kHeads, file.find(kHeads)->offset, n_head, d_inner);
    if (n_group < 1 || n_group > n_head || n_head % n_group != 0)
        return fail(ErrorCode::corrupt_file, "{}: '{}' at byte {} is {}: groups must divide the {} heads", file.name(), kGroups,
                    file.find(kGroups)->offset, n_group, n_head);
    return std::unique_ptr<Architecture>(
        new Mamba2(std::move(shape), static_cast<int64_t>(n_head), static_cast<int64_t>(n_group)));
}

std::vector<WeightSpec> Mamba2::layer_weights(int64_t layer) const {
    const int64_t d_model = shape_.d_model, d_inner = shape_.d_inner, in_width = d_inner + conv_width() + n_head_;
    const krait_use linear = use_of<ops::MulMat>(OpId::mul_mat, "w"), bias = use_of<ops::MulMat>(OpId::mul_mat, "bias");
    const krait_use norm = use_of<ops::RmsNorm>(OpId::rms_norm, "weight");
    const auto conv = [](std::string_view operand) { return use_of<ops::SsmConv>(OpId::ssm_conv, operand); };
    const auto scan = [](std::string_view operand) { return use_of<ops::SsmScan>(OpId::ssm_scan, operand); };
    const auto name = [&](std::string_view suffix) { return layer_name(layer, suffix); };
    return {
        {.name = name("attn_norm.weight"), .extents = {d_model}, .uses = {norm}},
        {.name = name("ssm_in.weight"), .extents = {in_width, d_model}, .any_format = true, .uses = {linear}},
        {.name = name("ssm_in.bias"), .extents = {in_width}, .optional = true, .uses = {bias}},
        {.name = name("ssm_conv1d.weight"), .extents = {conv_width(), shape_.d_conv}, .uses = {conv("w")}},
        {.name = name("ssm_conv1d.bias"), .extents = {conv_width()}, .optional = true, .uses = {conv("bias")}},
        {.name = name("ssm_dt.bias"), .extents = {n_head_}, .uses = {scan("dt_bias")}},
        {.name = name("ssm_a"), .extents = {n_head_, 1}, .uses = {scan("A")}},
        {.name = name("ssm_d"), .extents = {n_head_}, .uses = {scan("D")}},
        {.name = name("ssm_norm.weight"), .extents = {d_inner}, .uses = {norm}},
        {.name = name("ssm_out.weight"), .extents = {d_model, d_inner}, .any_format = true, .uses = {linear}},
        {.name = name("ssm_out.bias"), .extents = {d_model}, .optional = true, .uses = {bias}},
    };
}

std::vector<LayerState> Mamba2::layer_states() const {
    return {{OpId::ssm_conv, {shape_.d_conv - 1, conv_width(), 1}, 2},
            {OpId::ssm_scan, {n_head_, head_dim(), shape_.d_state}, 3}};
}

TensorId Mamba2::build_layer(LayerContext& context, TensorId x) const {
    graph::GraphBuilder& b = context.builder();
    const int64_t d_inner = shape_.d_inner, d_state = shape_.d_state, bc = n_group_ * d_state;
    const auto name = [&](std::string_view what) { return context.name(what); };

    const TensorId normed = b.op<ops::RmsNorm>(name("norm"), {.x = x, .weight = context.weight("attn_norm.weight")},
                                               {.eps = shape_.norm_eps, .groups = 1})
                                .y;
    const TensorId in = add_in_projection(context, normed);
    const TensorId z = b.columns(name("z"), in, 0, d_inner);
    const TensorId xbc = add_conv(context, b.columns(name("xBC"), in, d_inner, conv_width()));
    const TensorId u = b.columns(name("x"), xbc, 0, d_inner);
    const TensorId B = b.columns(name("B"), xbc, d_inner, bc);
    const TensorId C = b.columns(name("C"), xbc, d_inner + bc, bc);
    const TensorId y = add_scan(context, {.x = b.split_columns(name("u"), u, n_head_, head_dim()),
                                          .dt = b.columns(name("dt"), in, d_inner + conv_width(), n_head_),
                                          .B = b.split_columns(name("B"), B, n_group_, d_state),
                                          .C = b.split_columns(name("C"), C, n_group_, d_state),
                                          .z = b.split_columns(name("gate"), z, n_head_, head_dim())});
    const TensorId gated =
        b.op<ops::RmsNorm>(name("y_norm"), {.x = b.merge_columns(name("y"), y), .weight = context.weight("ssm_norm.weight")},
                           {.eps = shape_.norm_eps, .groups = static_cast<int32_t>(n_group_)})
            .y;
    return add_out_projection(context, gated, x);
}

}  // namespace krait
