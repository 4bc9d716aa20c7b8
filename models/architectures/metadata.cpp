// SPDX-License-Identifier: Apache-2.0
#include "models/architectures/metadata.hpp"

#include "formats/gguf/gguf_value.hpp"

namespace krait {

constexpr auto kCorrupt = ErrorCode::corrupt_file;

Result<int64_t> read_size(const ModelSource& file, const std::string& key) {
    KRAIT_TRY(const uint64_t value, file.get_u64(key));
    if (value < 1 || value > INT32_MAX)
        return fail(kCorrupt, "{}: '{}' at byte {} is {}; 1 to {} are possible", file.name(), key, file.find(key)->offset,
                    value, INT32_MAX);
    return static_cast<int64_t>(value);
}

Result<float> read_eps(const ModelSource& file, const std::string& key, float fallback) {
    KRAIT_TRY(const float eps, file.get_f32(key, fallback));
    if (!(eps >= 0.0f && eps < 1.0f))
        return fail(kCorrupt, "{}: '{}' at byte {} is {}; at least 0 and less than 1 is needed", file.name(), key,
                    file.find(key)->offset, eps);
    return eps;
}

Result<ModelShape> read_shape(const ModelSource& file, std::string_view architecture) {
    const std::string prefix = std::string(architecture) + ".";
    ModelShape shape;
    shape.architecture = architecture;
    KRAIT_TRY(shape.d_model, read_size(file, prefix + "embedding_length"));
    KRAIT_TRY(shape.n_layer, read_size(file, prefix + "block_count"));
    KRAIT_TRY(shape.norm_eps, read_eps(file, prefix + "attention.layer_norm_rms_epsilon", 1e-5f));
    // Every layer has tensors of its own, so a lying count is caught before anything is made per layer.
    if (static_cast<uint64_t>(shape.n_layer) > file.tensors().size())
        return fail(kCorrupt, "{}: '{}block_count' at byte {} is {}, but the file has {} tensors in all", file.name(), prefix,
                    file.find(prefix + "block_count")->offset, shape.n_layer, file.tensors().size());

    KRAIT_TRY(const GgufTensor* embedding, file.tensor("token_embd.weight"));
    if (embedding->desc.rank != 2 || embedding->desc.extent[1] != shape.d_model || embedding->desc.extent[0] < 1 ||
        embedding->desc.extent[0] > INT32_MAX)
        return fail(kCorrupt, "{}: tensor 'token_embd.weight' ({}) is {}; the metadata calls for [n_vocab, {}]",
                    file.name_of(*embedding), file.origin_of(*embedding), to_string(embedding->desc), shape.d_model);
    shape.n_vocab = embedding->desc.extent[0];
    shape.tied_head = file.find_tensor("output.weight") == nullptr;
    return shape;
}

}  // namespace krait
