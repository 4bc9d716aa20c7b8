// SPDX-License-Identifier: Apache-2.0
//
// Chat templates (chat.h).
#pragma once

#include <krait/chat.h>
#include <algorithm>
#include <krait/model.hpp>

namespace krait::api {

class ChatPrompt {
  public:
    explicit ChatPrompt(krait_chat_prompt* handle) : handle_(handle) {}
    std::string_view text() const {  // valid until the prompt is destroyed
        size_t size = 0;
        const char* text = krait_chat_prompt_text(get(), &size);
        return {text, size};
    }
    // [begin, end) in bytes.
    std::vector<std::pair<size_t, size_t>> user_parts() const {
        std::vector<std::pair<size_t, size_t>> all;
        size_t begin = 0, end = 0;
        while (krait_chat_prompt_user_part(get(), all.size(), &begin, &end, nullptr) == KRAIT_OK) all.emplace_back(begin, end);
        return all;
    }
    Result<std::vector<int32_t>> tokenize() const {
        return detail::array<std::vector<int32_t>>([&](int32_t* tokens, size_t capacity, size_t* n_tok, krait_failure* f) {
            return krait_chat_prompt_tokenize(get(), tokens, capacity, n_tok, f);
        });
    }
    // Where the last message is an answer: the control token that the template writes behind it. The model may end its answers
    // with it though its file does not list it among its ends.
    std::optional<int32_t> end_of_answer(const Model& model) const {
        const auto parts = user_parts();
        if (parts.empty()) return std::nullopt;
        std::string_view rest = text().substr(parts.back().second);
        rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r\n"), rest.size()));
        constexpr size_t kMaxBytes = 64;  // of a control token
        for (size_t size = std::min(rest.size(), kMaxBytes); size > 0; --size)
            if (const auto token = model.token(rest.substr(0, size)); token && model.is_control(*token)) return *token;
        return std::nullopt;
    }
    krait_chat_prompt* get() const { return handle_.get(); }

  private:
    detail::Owner<krait_chat_prompt, krait_chat_prompt_free> handle_;
};

class ChatTemplate {
  public:
    // The model's own.
    static Result<ChatTemplate> of(const Model& model) {
        return create(model, krait_chat_template_options KRAIT_CHAT_TEMPLATE_OPTIONS_INIT);
    }
    static Result<ChatTemplate> parse(const Model& model, std::string_view source) {
        krait_chat_template_options options = KRAIT_CHAT_TEMPLATE_OPTIONS_INIT;
        options.source = source.data() ? source.data() : "";
        options.source_size = source.size();
        return create(model, options);
    }
    static Result<ChatTemplate> create(const Model& model, const krait_chat_template_options& options) {
        krait_chat_template* handle = nullptr;
        return detail::call([&](krait_failure* f) { return krait_chat_template_create(model.get(), &options, &handle, f); },
                            [&] { return ChatTemplate(handle); });
    }
    // json: messages, or an object with them.
    Result<ChatPrompt> render(std::string_view json, bool generation_prompt = true) const {
        krait_chat_input input = KRAIT_CHAT_INPUT_INIT;
        input.json = json.data();
        input.json_size = json.size();
        input.no_generation_prompt = generation_prompt ? 0 : 1;
        krait_chat_prompt* handle = nullptr;
        return detail::call([&](krait_failure* f) { return krait_chat_render(get(), &input, &handle, f); },
                            [&] { return ChatPrompt(handle); });
    }
    krait_chat_template* get() const { return handle_.get(); }

  private:
    explicit ChatTemplate(krait_chat_template* handle) : handle_(handle) {}
    detail::Owner<krait_chat_template, krait_chat_template_free> handle_;
};

}  // namespace krait::api
