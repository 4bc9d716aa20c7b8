// SPDX-License-Identifier: Apache-2.0
//
// include/krait/text.h: text to tokens and back.
#include "capi/api.hpp"

using namespace krait;
using namespace krait::capi;

krait_code krait_model_tokenize(const krait_model* model, const char* text, size_t size, uint32_t flags, int32_t* tokens,
                                size_t capacity, size_t* n_tok, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        constexpr uint32_t kFlags = KRAIT_TOKENIZE_CONTROL | KRAIT_TOKENIZE_BEGIN | KRAIT_TOKENIZE_END;
        KRAIT_CHECK(expect_given(model, "model"));
        KRAIT_CHECK(expect_given(n_tok, "n_tok"));
        if (size > 0) KRAIT_CHECK(expect_given(text, "text"));
        if ((flags & ~kFlags) != 0)
            return fail(ErrorCode::invalid_argument, "flags are {}; 1, 2, 4 and their sums exist", flags);
        KRAIT_TRY(const Tokenizer* tokenizer, model->tokenizer());
        KRAIT_TRY(const auto encoded, tokenizer->encode(size > 0 ? std::string_view(text, size) : std::string_view(),
                                                        {.add_bos = (flags & KRAIT_TOKENIZE_BEGIN) != 0,
                                                         .add_eos = (flags & KRAIT_TOKENIZE_END) != 0,
                                                         .parse_special = (flags & KRAIT_TOKENIZE_CONTROL) != 0}));
        return give(std::span(encoded), tokens, capacity, n_tok);
    });
}

krait_code krait_model_detokenize(const krait_model* model, const int32_t* tokens, size_t n_tok, uint32_t flags, char* text,
                                  size_t capacity, size_t* size, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(model, "model"));
        KRAIT_CHECK(expect_given(size, "size"));
        if (n_tok > 0) KRAIT_CHECK(expect_given(tokens, "tokens"));
        if ((flags & ~static_cast<uint32_t>(KRAIT_DETOKENIZE_CONTROL)) != 0)
            return fail(ErrorCode::invalid_argument, "flags are {}; 0 and 1 exist", flags);
        KRAIT_TRY(const Tokenizer* tokenizer, model->tokenizer());
        KRAIT_TRY(const std::string decoded,
                  tokenizer->decode({tokens, n_tok}, {.control = (flags & KRAIT_DETOKENIZE_CONTROL) != 0}));
        return give(std::span<const char>(decoded), text, capacity, size);
    });
}

krait_code krait_model_token(const krait_model* model, const char* text, size_t size, int32_t* token, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(model, "model"));
        KRAIT_CHECK(expect_given(token, "token"));
        if (size > 0) KRAIT_CHECK(expect_given(text, "text"));
        KRAIT_TRY(const Tokenizer* tokenizer, model->tokenizer());
        const auto found = tokenizer->find(size > 0 ? std::string_view(text, size) : std::string_view());
        if (!found) return fail(ErrorCode::not_found, "the vocabulary has no token of this text ({} bytes)", size);
        *token = *found;
        return {};
    });
}

krait_code krait_model_ends(const krait_model* model, int32_t* tokens, size_t capacity, size_t* n_tok, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(model, "model"));
        KRAIT_CHECK(expect_given(n_tok, "n_tok"));
        return give(model->ends(), tokens, capacity, n_tok);
    });
}

int krait_model_is_end(const krait_model* model, int32_t token) {
    return model && std::ranges::binary_search(model->ends(), token) ? 1 : 0;
}

int32_t krait_model_bos(const krait_model* model) {
    if (!model) return -1;
    const auto tokenizer = model->tokenizer();
    return tokenizer ? (*tokenizer)->bos().value_or(-1) : -1;
}

int32_t krait_model_eos(const krait_model* model) {
    if (!model) return -1;
    const auto tokenizer = model->tokenizer();
    return tokenizer ? (*tokenizer)->eos().value_or(-1) : -1;
}

krait_code krait_model_token_text(const krait_model* model, int32_t token, const char** text, size_t* size,
                                  krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(model, "model"));
        KRAIT_CHECK(expect_given(text, "text"));
        KRAIT_CHECK(expect_given(size, "size"));
        KRAIT_TRY(const Tokenizer* tokenizer, model->tokenizer());
        if (token < 0 || token >= tokenizer->size())
            return fail(ErrorCode::not_found, "there is no token {}: the vocabulary has {}, counted from 0", token,
                        tokenizer->size());
        const std::string_view found = tokenizer->token_text(token);
        *text = found.data();
        *size = found.size();
        return {};
    });
}

int krait_model_is_control(const krait_model* model, int32_t token) {
    if (!model) return 0;
    const auto tokenizer = model->tokenizer();
    return tokenizer && (*tokenizer)->is_control(token) ? 1 : 0;
}
