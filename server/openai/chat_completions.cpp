// SPDX-License-Identifier: Apache-2.0
//
// /v1/chat/completions: answers the last message of a conversation.
#include <fmt/format.h>

#include "server/openai/chat_messages.hpp"
#include "server/openai/endpoints.hpp"
#include "server/openai/generation_fields.hpp"
#include "server/openai/shapes.hpp"

namespace krait::server::openai {
namespace {

class ChatFormat final : public AnswerFormat {
  public:
    ChatFormat(AnswerHead head, int32_t n, bool includes_usage)
        : head_(std::move(head)), n_(n), includes_usage_(includes_usage) {}

    std::string begin() override {
        head_.object = "chat.completion.chunk";
        std::string events;
        for (int32_t i = 0; i < n_; ++i) events += event_of(chunk(i, {{"role", "assistant"}, {"content", ""}}, Json()));
        return events;
    }
    std::string text(int32_t choice, std::string_view text, std::span<const int32_t>) override {
        return text.empty() ? std::string() : event_of(chunk(choice, {{"content", text}}, Json()));
    }
    std::string choice_end(int32_t choice, const ChoiceEnd& end, const AnswerFigures* figures) override {
        Json json = chunk(choice, Json::object(), finish_word(end));
        if (figures) json["timings"] = timings_json(*figures);
        return event_of(json);
    }
    std::string end(const AnswerFigures& figures) override { return end_of_stream(head_, includes_usage_, figures); }
    std::string error(const Error& error) override { return error_event(error); }

    Json whole(const std::vector<ChoiceText>& choices, const AnswerFigures& figures) override {
        Json list = Json::array();
        for (size_t i = 0; i < choices.size(); ++i)
            list.push_back({{"index", i},
                            {"message", {{"role", "assistant"}, {"content", choices[i].text}, {"refusal", nullptr}}},
                            {"logprobs", nullptr},
                            {"finish_reason", finish_word(choices[i].end)}});
        return whole_answer(head_, std::move(list), figures);
    }

  private:
    Json chunk(int32_t choice, Json delta, const Json& finish) const {
        Json json = head_.json();
        json["choices"] =
            Json::array({{{"index", choice}, {"delta", std::move(delta)}, {"logprobs", nullptr}, {"finish_reason", finish}}});
        return json;
    }

    AnswerHead head_;
    const int32_t n_;
    const bool includes_usage_;
};

Result<GenerationFields> prepare(const Context& context, const Request& request) {
    SERVER_TRY(const Json body, parse_json(request.body));
    Fields fields(body);
    GenerationFields read = read_generation_fields(fields, context, context.max_answer_tokens);
    if (fields.boolean("logprobs").value_or(false)) fields.fail(not_supported("logprobs", "the engine gives tokens alone yet"));
    if (fields.error()) return unexpected(*fields.error());
    SERVER_TRY(const Json variables, read_chat_variables(body));
    SERVER_TRY(ChatPrompt prompt, context.model.render(variables));
    read.options.prompt = std::move(prompt.tokens);
    read.options.message_ends = std::move(prompt.message_ends);
    return read;
}

void chat(Context& context, const ExchangePtr& exchange) {
    prepare_then(
        context, exchange, [&context](const Request& request) { return prepare(context, request); },
        [&context, exchange](GenerationFields read) {
            read.options.key = exchange->client();
            auto format = std::make_unique<ChatFormat>(AnswerHead::make("chatcmpl", "chat.completion", context), read.options.n,
                                                       read.includes_usage);
            Answer::start(context, exchange, {read.options}, read.is_stream, std::move(format));
        });
}

}  // namespace

void add_chat_completions(Router& router) { router.add("POST", "/v1/chat/completions", chat); }

}  // namespace krait::server::openai
