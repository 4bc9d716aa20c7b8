// SPDX-License-Identifier: Apache-2.0
//
// A model that is served: its weights, its engine, its chat template, and the name that clients call it by. It never changes,
// and threads may share it.
#pragma once

#include <cstdint>
#include <krait/chat.hpp>
#include <krait/engine.hpp>

#include "server/json.hpp"

namespace krait::server {

// A conversation as the model reads it.
struct ChatPrompt {
    std::string text;
    std::vector<int32_t> tokens;
    std::vector<size_t> message_ends;  // numbers of tokens, for krait_request_options
};

class ServedModel {
  public:
    struct Options {
        std::string name;           // empty = made from the path
        std::string chat_template;  // Jinja; empty = the model's own
        krait_engine_options engine = KRAIT_ENGINE_OPTIONS_INIT;
    };

    static api::Result<std::unique_ptr<ServedModel>> create(api::Model model, const Options& options);

    const api::Model& model() const { return model_; }
    api::Engine& engine() { return engine_; }
    const std::string& name() const { return name_; }
    int64_t loaded_at() const { return loaded_at_; }  // seconds since 1970
    int32_t max_sequences() const { return max_sequences_; }
    // "the model's", "given", or "plain": texts of messages one after the other, for a model that has none.
    const std::string& template_origin() const { return template_origin_; }
    // Tokens before which an answer ends: those of the model, and the one that the template writes behind an answer.
    const std::vector<int32_t>& ends() const { return ends_; }

    // messages: a list, or an object of variables with messages among them.
    Result<ChatPrompt> render(const Json& messages, bool generation_prompt = true) const;
    // A text with bos in front, where the model wants one; control tokens in it are recognized.
    Result<std::vector<int32_t>> tokenize_prompt(std::string_view text) const;

  private:
    ServedModel(api::Model model, api::Engine engine, api::ChatTemplate chat_template, const Options& options);
    void find_ends();

    api::Model model_;
    api::Engine engine_;
    api::ChatTemplate template_;
    std::string name_, template_origin_;
    int64_t loaded_at_;
    int32_t max_sequences_;
    std::vector<int32_t> ends_;
};

}  // namespace krait::server
