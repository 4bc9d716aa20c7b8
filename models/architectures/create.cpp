// SPDX-License-Identifier: Apache-2.0
//
// Architecture::create: from the name in a file to the class.
#include "models/architectures/falcon_mamba.hpp"
#include "models/architectures/mamba2.hpp"
#include "models/loading/unread_tensors.hpp"

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
