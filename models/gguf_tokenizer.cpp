// SPDX-License-Identifier: Apache-2.0
#include "models/gguf_tokenizer.hpp"

namespace krait {

Result<Tokenizer> tokenizer_from_gguf(const GgufFile& file) {
    constexpr const char* kTokens = "tokenizer.ggml.tokens";
    if (!file.has(kTokens))
        return fail(ErrorCode::not_found, "{} has no tokenizer ('{}' is missing); it can be used with token ids only",
                    file.name(), kTokens);
    TokenizerSpec spec;
    KRAIT_TRY(const std::string_view model, file.get_string("tokenizer.ggml.model"));
    KRAIT_TRY(const std::string_view pre, file.get_string("tokenizer.ggml.pre", "default"));
    KRAIT_TRY(const auto tokens, file.get_string_array(kTokens));
    spec.model = model;
    spec.pre = pre;
    spec.tokens.assign(tokens.begin(), tokens.end());
    if (file.has("tokenizer.ggml.token_type")) {
        KRAIT_TRY(spec.token_types, file.get_i32_array("tokenizer.ggml.token_type"));
    }
    if (file.has("tokenizer.ggml.merges")) {
        KRAIT_TRY(const auto merges, file.get_string_array("tokenizer.ggml.merges"));
        spec.merges.assign(merges.begin(), merges.end());
    }
    KRAIT_TRY(spec.bos, file.get_optional<int32_t>("tokenizer.ggml.bos_token_id"));
    KRAIT_TRY(spec.eos, file.get_optional<int32_t>("tokenizer.ggml.eos_token_id"));
    KRAIT_TRY(spec.unk, file.get_optional<int32_t>("tokenizer.ggml.unknown_token_id"));
    KRAIT_TRY(spec.pad, file.get_optional<int32_t>("tokenizer.ggml.padding_token_id"));
    KRAIT_TRY(spec.add_bos, file.get_bool("tokenizer.ggml.add_bos_token", false));
    KRAIT_TRY(spec.add_eos, file.get_bool("tokenizer.ggml.add_eos_token", false));
    auto tokenizer = Tokenizer::create(std::move(spec));
    if (!tokenizer) return tl::unexpected<Error>(std::move(tokenizer).error().within(file.name()));
    return tokenizer;
}

}  // namespace krait
