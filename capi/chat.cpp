// SPDX-License-Identifier: Apache-2.0
//
// include/krait/chat.h: messages to text and tokens.
#include "capi/api.hpp"
#include "core/base/printable.hpp"
#include "formats/gguf/gguf_value.hpp"
#include "text/chat_template/chat_template.hpp"

using namespace krait;
using namespace krait::capi;

struct krait_chat_template {
    chat::ChatTemplate parsed;
    Tokenizer tokenizer;
    std::vector<std::pair<std::string, std::string>> token_texts;  // bos_token and the like
};

struct krait_chat_prompt {
    chat::MarkedText text;
    Tokenizer tokenizer;
};

namespace {

constexpr std::string_view kKey = "tokenizer.chat_template";

std::string names_of_templates(const ModelSource& file) {
    std::string names;
    for (const GgufMetadata& entry : file.metadata()) {
        if (!entry.key.starts_with(std::string(kKey) + ".")) continue;
        names += (names.empty() ? "" : ", ") + printable(std::string_view(entry.key).substr(kKey.size() + 1));
    }
    return names;
}

Result<std::string_view> template_of(const ModelSource& file, const char* name) {
    const std::string key = name ? fmt::format("{}.{}", kKey, name) : std::string(kKey);
    if (file.has(key)) return file.get_string(key);
    const std::string others = names_of_templates(file);
    return fail(
        ErrorCode::not_found, "{} has no chat template ({}); {}", file.name(), printable(key),
        others.empty() ? "give one: --template FILE, krait_chat_template_options.source" : "it has templates named " + others);
}

Result<Tokenizer> tokenizer_of(const krait_model& model) {
    KRAIT_TRY(const Tokenizer* tokenizer, model.tokenizer());
    return *tokenizer;
}

std::vector<std::pair<std::string, std::string>> token_texts(const Tokenizer& tokenizer) {
    std::vector<std::pair<std::string, std::string>> texts;
    const auto add = [&](const char* name, std::optional<int32_t> token) {
        if (token) texts.emplace_back(name, tokenizer.token_bytes(*token));
    };
    add("bos_token", tokenizer.bos());
    add("eos_token", tokenizer.eos());
    add("unk_token", tokenizer.unk());
    add("pad_token", tokenizer.pad());
    return texts;
}

}  // namespace

krait_code krait_chat_template_create(const krait_model* model, const krait_chat_template_options* options,
                                      krait_chat_template** out, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(model, "model"));
        KRAIT_CHECK(expect_given(out, "out"));
        *out = nullptr;
        KRAIT_TRY(const krait_chat_template_options given,
                  complete(options, krait_chat_template_options KRAIT_CHAT_TEMPLATE_OPTIONS_INIT));
        if (given.source && given.name)
            return fail(ErrorCode::invalid_argument, "source and name exclude each other: name is of a template of the model");
        KRAIT_TRY(Tokenizer tokenizer, tokenizer_of(*model));  // first: what it lacks may be why there is no template
        std::string_view source(given.source, given.source ? given.source_size : 0);
        std::string name = "the chat template";
        if (!given.source) {
            KRAIT_TRY(source, template_of(model->source(), given.name));
            name += " of " + model->source().name();
        }
        KRAIT_TRY(auto parsed, chat::ChatTemplate::parse(source, std::move(name)));
        auto texts = token_texts(tokenizer);
        *out = new krait_chat_template{std::move(parsed), std::move(tokenizer), std::move(texts)};
        return {};
    });
}

void krait_chat_template_free(krait_chat_template* chat_template) { delete chat_template; }

krait_code krait_chat_render(const krait_chat_template* chat_template, const krait_chat_input* input, krait_chat_prompt** out,
                             krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(chat_template, "chat_template"));
        KRAIT_CHECK(expect_given(input, "input"));
        KRAIT_CHECK(expect_given(out, "out"));
        *out = nullptr;
        KRAIT_TRY(const krait_chat_input given, complete(input, krait_chat_input KRAIT_CHAT_INPUT_INIT));
        KRAIT_CHECK(expect_given(given.json, "json"));
        chat::RenderOptions options;
        if (given.max_steps > 0) options.limits.steps = given.max_steps;
        const std::time_t now = std::time(nullptr);
        if (!localtime_r(&now, &options.now)) return fail(ErrorCode::internal, "the time {} has no date", now);
        KRAIT_TRY(auto text, chat_template->parsed.render({.json = {given.json, given.json_size},
                                                           .texts = chat_template->token_texts,
                                                           .none = {"tools", "documents"},
                                                           .add_generation_prompt = given.no_generation_prompt == 0},
                                                          options));
        *out = new krait_chat_prompt{std::move(text), chat_template->tokenizer};
        return {};
    });
}

void krait_chat_prompt_free(krait_chat_prompt* prompt) { delete prompt; }

const char* krait_chat_prompt_text(const krait_chat_prompt* prompt, size_t* size) {
    if (size) *size = prompt ? prompt->text.bytes.size() : 0;
    return prompt ? prompt->text.bytes.data() : nullptr;
}

krait_code krait_chat_prompt_user_part(const krait_chat_prompt* prompt, size_t index, size_t* begin, size_t* end,
                                       krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(prompt, "prompt"));
        KRAIT_CHECK(expect_given(begin, "begin"));
        KRAIT_CHECK(expect_given(end, "end"));
        const auto& parts = prompt->text.user;
        if (index >= parts.size())
            return fail(ErrorCode::not_found, "there is no part {} of users: the text has {}", index, parts.size());
        *begin = parts[index].begin;
        *end = parts[index].end;
        return {};
    });
}

krait_code krait_chat_prompt_tokenize(const krait_chat_prompt* prompt, int32_t* tokens, size_t capacity, size_t* n_tok,
                                      krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(prompt, "prompt"));
        KRAIT_CHECK(expect_given(n_tok, "n_tok"));
        KRAIT_TRY(const auto encoded,
                  prompt->tokenizer.encode(
                      prompt->text.bytes,
                      {.add_bos = false, .add_eos = false, .parse_special = true, .plain_parts = prompt->text.user}));
        return give(std::span(encoded), tokens, capacity, n_tok);
    });
}
