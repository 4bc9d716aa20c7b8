// SPDX-License-Identifier: Apache-2.0
#include "models/architectures/architecture.hpp"

#include "models/architectures/falcon_mamba.hpp"
#include "models/architectures/mamba.hpp"
#include "models/architectures/mamba2.hpp"
#include "models/unread_tensors.hpp"

namespace krait {
namespace {

constexpr auto kCorrupt = ErrorCode::corrupt_file;

// A size from the metadata, at least 1 and at most what int32 indices reach.
Result<int64_t> size_key(const GgufFile& file, const std::string& key) {
    KRAIT_TRY(const uint64_t value, file.get_u64(key));
    if (value < 1 || value > INT32_MAX)
        return fail(kCorrupt, "{}: '{}' at byte {} is {}; 1 to {} are possible", file.name(), key, file.find(key)->offset,
                    value, INT32_MAX);
    return static_cast<int64_t>(value);
}

Result<ModelShape> read_shape(const GgufFile& file, std::string_view architecture) {
    const std::string prefix = std::string(architecture) + ".";
    ModelShape shape;
    shape.architecture = architecture;
    KRAIT_TRY(shape.d_model, size_key(file, prefix + "embedding_length"));
    KRAIT_TRY(shape.n_layer, size_key(file, prefix + "block_count"));
    KRAIT_TRY(shape.d_inner, size_key(file, prefix + "ssm.inner_size"));
    KRAIT_TRY(shape.d_state, size_key(file, prefix + "ssm.state_size"));
    KRAIT_TRY(shape.d_conv, size_key(file, prefix + "ssm.conv_kernel"));
    const std::string eps_key = prefix + "attention.layer_norm_rms_epsilon";
    KRAIT_TRY(shape.norm_eps, file.get_f32(eps_key, 1e-5f));
    if (!(shape.norm_eps >= 0.0f && shape.norm_eps < 1.0f))
        return fail(kCorrupt, "{}: '{}' is {}; it must be from 0 to 1", file.name(), eps_key, shape.norm_eps);
    // Every layer has tensors of its own, so a lying count is caught before anything is made per layer.
    if (static_cast<uint64_t>(shape.n_layer) > file.tensors().size())
        return fail(kCorrupt, "{}: '{}block_count' is {}, but the file has {} tensors in all", file.name(), prefix,
                    shape.n_layer, file.tensors().size());

    KRAIT_TRY(const GgufTensor* embedding, file.tensor("token_embd.weight"));
    if (embedding->desc.rank != 2 || embedding->desc.extent[1] != shape.d_model || embedding->desc.extent[0] < 1 ||
        embedding->desc.extent[0] > INT32_MAX)
        return fail(kCorrupt, "{}: tensor 'token_embd.weight' (record at byte {}) is {}; the metadata calls for [n_vocab, {}]",
                    file.name(), embedding->record_offset, to_string(embedding->desc), shape.d_model);
    shape.n_vocab = embedding->desc.extent[0];
    shape.tied_head = file.find_tensor("output.weight") == nullptr;
    return shape;
}

}  // namespace

graph::TensorId add_conv(LayerContext& context, graph::TensorId x) {
    const LayerContext::Ragged& run = context.ragged();
    return context.builder()
        .op<ops::SsmConv>(context.name("conv"), {.x = x,
                                                 .w = context.weight("ssm_conv1d.weight"),
                                                 .bias = context.weight("ssm_conv1d.bias"),
                                                 .state = context.state(OpId::ssm_conv),
                                                 .seq_start = run.seq_start,
                                                 .src_slot = run.src_slot,
                                                 .dst_slot = run.dst_slot,
                                                 .snapshots = run.snapshots})
        .y;
}

graph::TensorId add_scan(LayerContext& context, const ScanValues& values) {
    const LayerContext::Ragged& run = context.ragged();
    return context.builder()
        .op<ops::SsmScan>(context.name("scan"), {.x = values.x,
                                                 .dt = values.dt,
                                                 .dt_bias = context.weight("ssm_dt.bias"),
                                                 .A = context.weight("ssm_a"),
                                                 .B = values.B,
                                                 .C = values.C,
                                                 .D = context.weight("ssm_d"),
                                                 .z = values.z,
                                                 .state = context.state(OpId::ssm_scan),
                                                 .seq_start = run.seq_start,
                                                 .src_slot = run.src_slot,
                                                 .dst_slot = run.dst_slot,
                                                 .snapshots = run.snapshots})
        .y;
}

graph::TensorId add_in_projection(LayerContext& context, graph::TensorId x) {
    return context.builder()
        .op<ops::MulMat>(context.name("in"),
                         {.x = x, .w = context.weight("ssm_in.weight"), .bias = context.weight("ssm_in.bias")})
        .y;
}

graph::TensorId add_out_projection(LayerContext& context, graph::TensorId x, graph::TensorId residual) {
    return context.builder()
        .op<ops::MulMat>(
            context.name("out"),
            {.x = x, .w = context.weight("ssm_out.weight"), .bias = context.weight("ssm_out.bias"), .residual = residual})
        .y;
}

std::string layer_name(int64_t layer, std::string_view suffix) { return fmt::format("blk.{}.{}", layer, suffix); }

std::vector<WeightSpec> Architecture::weights() const {
    const krait_use embed = use_of<ops::GetRows>(OpId::get_rows, "table");
    const krait_use head = use_of<ops::MulMat>(OpId::mul_mat, "w");
    const krait_use norm = use_of<ops::RmsNorm>(OpId::rms_norm, "weight");
    std::vector<WeightSpec> specs;
    specs.push_back(
        {.name = "token_embd.weight", .extents = {shape_.n_vocab, shape_.d_model}, .any_format = true, .uses = {embed}});
    if (shape_.tied_head) specs.back().uses.push_back(head);
    for (int64_t layer = 0; layer < shape_.n_layer; ++layer)
        for (WeightSpec& spec : layer_weights(layer)) specs.push_back(std::move(spec));
    specs.push_back({.name = "output_norm.weight", .extents = {shape_.d_model}, .uses = {norm}});
    if (!shape_.tied_head)
        specs.push_back(
            {.name = "output.weight", .extents = {shape_.n_vocab, shape_.d_model}, .any_format = true, .uses = {head}});
    return specs;
}

int64_t Architecture::state_bytes() const {
    int64_t floats = 0;
    for (const LayerState& state : layer_states()) floats += state.count();
    return floats * shape_.n_layer * static_cast<int64_t>(sizeof(float));
}

Result<std::unique_ptr<Architecture>> Architecture::create(const GgufFile& file) {
    KRAIT_TRY(const std::string_view name, file.get_string("general.architecture"));
    std::unique_ptr<Architecture> architecture;
    if (name == "mamba") {
        KRAIT_TRY(ModelShape shape, read_shape(file, name));
        KRAIT_TRY(const bool normed, FalconMamba::is_meant_by(file));
        if (normed) {
            KRAIT_TRY(architecture, FalconMamba::create(file, std::move(shape)));
        } else {
            KRAIT_TRY(architecture, Mamba::create(file, std::move(shape)));
        }
    } else if (name == "mamba2") {
        KRAIT_TRY(ModelShape shape, read_shape(file, name));
        KRAIT_TRY(architecture, Mamba2::create(file, std::move(shape)));
    } else {
        return fail(ErrorCode::unsupported,
                    "{}: the architecture {} is not supported; 'mamba' (Falcon-Mamba too) and 'mamba2' are", file.name(),
                    quote_name(name));
    }
    const std::vector<WeightSpec> weights = architecture->weights();
    KRAIT_CHECK(describe_weights(file, weights));
    KRAIT_CHECK(refuse_unread_tensors(file, name, architecture->shape().n_layer, weights));
    return architecture;
}

}  // namespace krait
