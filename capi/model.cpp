// SPDX-License-Identifier: Apache-2.0
#include "capi/api.hpp"
#include "models/explain.hpp"

using namespace krait;
using namespace krait::capi;

namespace {

Result<PlacementOptions> placement_of(const krait_model_options& given) {
    PlacementTexts texts;
    if (given.layers) texts.layers = given.layers;
    if (given.split) texts.split = given.split;
    const auto copy = [](const char* const* from, size_t n, const char* name, std::vector<std::string>& to) -> Result<void> {
        if (n > 0) KRAIT_CHECK(expect_given(from, name));
        for (size_t i = 0; i < n; ++i) {
            KRAIT_CHECK(expect_given(from[i], name));
            to.emplace_back(from[i]);
        }
        return {};
    };
    KRAIT_CHECK(copy(given.place, given.n_place, "place", texts.place));
    KRAIT_CHECK(copy(given.max_memory, given.n_max_memory, "max_memory", texts.max_memory));
    return texts.parse();
}

struct Stopped {};  // thrown by the progress function below, caught where the model is loaded

}  // namespace

krait_code krait_model_load(const char* path, const krait_model_options* options, krait_model** out, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(out, "out"));
        *out = nullptr;
        KRAIT_TRY(const krait_model_options given, complete(options, krait_model_options KRAIT_MODEL_OPTIONS_INIT));
        LoadOptions load;
        if (given.device) load.device = given.device;
        KRAIT_TRY(load.placement, placement_of(given));
        if (given.no_mmap != 0) load.access = GgufAccess::read;
        if (const krait_executor* executor = given.executor)
            load.executor = {executor->context, executor->n_threads, executor->parallel};
        if (given.progress)
            load.progress = [&](uint64_t done, uint64_t total) {
                if (given.progress(given.user, done, total) != 0) throw Stopped{};
            };
        try {
            auto model = path ? Model::load(path, load) : Model::load_demo(load);
            if (!model) return tl::unexpected<Error>(std::move(model).error());
            *out = new krait_model{std::move(*model)};
        } catch (const Stopped&) {
            return fail(ErrorCode::cancelled, "loading was stopped");
        }
        return {};
    });
}

void krait_model_free(krait_model* model) { delete model; }

krait_code krait_model_describe(const krait_model* model, krait_model_description* out, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(model, "model"));
        KRAIT_CHECK(expect_given(out, "out"));
        const Model& m = *model->model;
        *out = {};
        set_text(out->architecture, m.shape().architecture);
        set_text(out->device, m.device_names());
        out->n_vocab = m.shape().n_vocab;
        out->n_token = m.n_token();
        out->n_layer = m.shape().n_layer;
        out->d_model = m.shape().d_model;
        out->weight_bytes = m.weights().device_bytes();
        out->state_bytes = static_cast<uint64_t>(m.architecture().state_bytes());
        const auto tokenizer = m.tokenizer();
        out->bos = tokenizer ? (*tokenizer)->bos().value_or(-1) : -1;
        out->eos = tokenizer ? (*tokenizer)->eos().value_or(-1) : -1;
        return {};
    });
}

krait_code krait_model_explain(const krait_model* model, int32_t n_row, krait_explain_form form, char* text, size_t capacity,
                               size_t* size, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(model, "model"));
        KRAIT_CHECK(expect_given(size, "size"));
        if (n_row < 1) return fail(ErrorCode::invalid_argument, "runs of {} tokens: at least 1", n_row);
        if (form != KRAIT_EXPLAIN_TABLE && form != KRAIT_EXPLAIN_DOT)
            return fail(ErrorCode::invalid_argument, "form is {}; 0 and 1 exist", static_cast<int>(form));
        KRAIT_TRY(const std::string explained, explain(*model->model, {.n_tok = n_row, .n_seq = 1, .n_out = 1},
                                                       form == KRAIT_EXPLAIN_DOT ? ExplainForm::dot : ExplainForm::table));
        return give(std::span<const char>(explained), text, capacity, size);
    });
}

krait_code krait_model_tokenize_with(const krait_model* model, const char* text, size_t size, uint32_t flags, int32_t* tokens,
                                     size_t capacity, size_t* n_tok, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        constexpr uint32_t kFlags = KRAIT_TOKENIZE_CONTROL | KRAIT_TOKENIZE_BEGIN | KRAIT_TOKENIZE_END;
        KRAIT_CHECK(expect_given(model, "model"));
        KRAIT_CHECK(expect_given(n_tok, "n_tok"));
        if (size > 0) KRAIT_CHECK(expect_given(text, "text"));
        if ((flags & ~kFlags) != 0)
            return fail(ErrorCode::invalid_argument, "flags are {}; 1, 2, 4 and their sums exist", flags);
        KRAIT_TRY(const Tokenizer* tokenizer, model->model->tokenizer());
        KRAIT_TRY(const auto encoded, tokenizer->encode(size > 0 ? std::string_view(text, size) : std::string_view(),
                                                        {.add_bos = (flags & KRAIT_TOKENIZE_BEGIN) != 0,
                                                         .add_eos = (flags & KRAIT_TOKENIZE_END) != 0,
                                                         .parse_special = (flags & KRAIT_TOKENIZE_CONTROL) != 0}));
        return give(std::span(encoded), tokens, capacity, n_tok);
    });
}

krait_code krait_model_tokenize(const krait_model* model, const char* text, size_t size, int32_t* tokens, size_t capacity,
                                size_t* n_tok, krait_failure* failure) {
    return krait_model_tokenize_with(model, text, size, KRAIT_TOKENIZE_CONTROL, tokens, capacity, n_tok, failure);
}

krait_code krait_model_detokenize(const krait_model* model, const int32_t* tokens, size_t n_tok, char* text, size_t capacity,
                                  size_t* size, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(model, "model"));
        KRAIT_CHECK(expect_given(size, "size"));
        if (n_tok > 0) KRAIT_CHECK(expect_given(tokens, "tokens"));
        KRAIT_TRY(const Tokenizer* tokenizer, model->model->tokenizer());
        KRAIT_TRY(const std::string decoded, tokenizer->decode({tokens, n_tok}));
        return give(std::span<const char>(decoded), text, capacity, size);
    });
}

krait_code krait_model_token(const krait_model* model, const char* text, size_t size, int32_t* token, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(model, "model"));
        KRAIT_CHECK(expect_given(token, "token"));
        if (size > 0) KRAIT_CHECK(expect_given(text, "text"));
        KRAIT_TRY(const Tokenizer* tokenizer, model->model->tokenizer());
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
        return give(model->model->ends(), tokens, capacity, n_tok);
    });
}

int krait_model_is_end(const krait_model* model, int32_t token) { return model && model->model->is_end(token) ? 1 : 0; }

const char* krait_model_warning(const krait_model* model, size_t index) {
    return model && index < model->model->warnings().size() ? model->model->warnings()[index].c_str() : nullptr;
}
