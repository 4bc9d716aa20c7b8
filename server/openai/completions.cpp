// SPDX-License-Identifier: Apache-2.0
//
// /v1/completions: continues one prompt or several, texts or token ids.
#include <fmt/format.h>

#include "server/openai/endpoints.hpp"
#include "server/openai/generation_fields.hpp"
#include "server/openai/shapes.hpp"

namespace krait::server::openai {
namespace {

constexpr int64_t kDefaultMaxTokens = 16;  // OpenAI's
constexpr size_t kMaxPrompts = 256;

struct Completion {
    GenerationFields fields;
    std::vector<std::vector<int32_t>> prompts;
    std::vector<std::string> echoes;  // texts of the prompts, where they are wanted
};

class CompletionFormat final : public AnswerFormat {
  public:
    CompletionFormat(AnswerHead head, Completion completion) : head_(std::move(head)), completion_(std::move(completion)) {}

    std::string begin() override {
        std::string events;
        for (size_t i = 0; i < completion_.echoes.size() * n(); ++i)
            events += event(static_cast<int32_t>(i), completion_.echoes[i / n()], Json());
        return events;
    }
    std::string text(int32_t choice, std::string_view text, std::span<const int32_t>) override {
        return text.empty() ? std::string() : event(choice, text, Json());
    }
    std::string choice_end(int32_t choice, const ChoiceEnd& end, const AnswerFigures* figures) override {
        Json json = chunk(choice, "", finish_word(end));
        if (figures) json["timings"] = timings_json(*figures);
        return event_of(json);
    }
    std::string end(const AnswerFigures& figures) override {
        if (!completion_.fields.includes_usage) return std::string(kDone);
        Json json = head_.json();
        json["choices"] = Json::array();
        json["usage"] = usage_json(figures);
        return event_of(json) + std::string(kDone);
    }
    std::string error(const Error& error) override { return error_event(error); }

    Json whole(const std::vector<ChoiceText>& choices, const AnswerFigures& figures) override {
        Json json = head_.json();
        Json list = Json::array();
        for (size_t i = 0; i < choices.size(); ++i) {
            const std::string echo = completion_.echoes.empty() ? std::string() : completion_.echoes[i / n()];
            list.push_back(choice_json(static_cast<int32_t>(i), echo + choices[i].text, finish_word(choices[i].end)));
        }
        json["choices"] = std::move(list);
        json["usage"] = usage_json(figures);
        json["timings"] = timings_json(figures);
        return json;
    }

  private:
    size_t n() const { return static_cast<size_t>(completion_.fields.options.n); }
    static Json choice_json(int32_t choice, std::string_view text, const Json& finish) {
        return {{"text", text}, {"index", choice}, {"logprobs", nullptr}, {"finish_reason", finish}};
    }
    Json chunk(int32_t choice, std::string_view text, const Json& finish) const {
        Json json = head_.json();
        json["choices"] = Json::array({choice_json(choice, text, finish)});
        return json;
    }
    std::string event(int32_t choice, std::string_view text, const Json& finish) const {
        return event_of(chunk(choice, text, finish));
    }

    const AnswerHead head_;
    const Completion completion_;
};

Result<std::vector<int32_t>> read_tokens(const Json& list, const api::Model& model) {
    std::vector<int32_t> tokens;
    for (const Json& item : list) {
        const bool is_token = item.is_number_unsigned() && item.get<uint64_t>() < static_cast<uint64_t>(model.n_vocab());
        if (!is_token)
            return unexpected(bad_request(
                "prompt", fmt::format("has {}: token ids are from 0 to {}", to_text(item).substr(0, 40), model.n_vocab() - 1)));
        tokens.push_back(item.get<int32_t>());
    }
    return tokens;
}

Result<std::vector<int32_t>> read_prompt(const Json& prompt, const ServedModel& model) {
    if (prompt.is_array()) return read_tokens(prompt, model.model());
    if (!prompt.is_string())
        return unexpected(bad_request("prompt", "has to be a text, a list of token ids, or a list of them"));
    return model.tokenize_prompt(prompt.get_ref<const std::string&>());
}

// "text", [1, 2], ["text", "text"] or [[1, 2], [3]].
Result<std::vector<std::vector<int32_t>>> read_prompts(const Json* prompt, const ServedModel& model) {
    if (!prompt) return unexpected(bad_request("prompt", "is missing"));
    const bool is_one = !prompt->is_array() || (!prompt->empty() && prompt->front().is_number());
    const Json list = is_one ? Json::array({*prompt}) : *prompt;
    if (list.empty() || list.size() > kMaxPrompts)
        return unexpected(bad_request("prompt", fmt::format("has {} prompts: 1 to {}", list.size(), kMaxPrompts)));
    std::vector<std::vector<int32_t>> prompts;
    for (const Json& item : list) {
        SERVER_TRY(std::vector<int32_t> tokens, read_prompt(item, model));
        if (tokens.empty()) return unexpected(bad_request("prompt", "is empty: there is nothing to continue"));
        prompts.push_back(std::move(tokens));
    }
    return prompts;
}

Result<Completion> prepare(const Context& context, const Request& request) {
    SERVER_TRY(const Json body, parse_json(request.body));
    Fields fields(body);
    Completion completion;
    completion.fields = read_generation_fields(fields, context, kDefaultMaxTokens);
    const bool is_echo = fields.boolean("echo").value_or(false);
    if (fields.integer("logprobs", 0, 20)) fields.fail(not_supported("logprobs", "the engine gives tokens alone yet"));
    if (!fields.text("suffix").value_or("").empty()) fields.fail(not_supported("suffix", "the models read from left to right"));
    const auto best_of = fields.integer("best_of", 1, INT32_MAX);
    if (best_of && *best_of != completion.fields.options.n)
        fields.fail(not_supported("best_of", "all choices are returned: give 'n'"));
    if (fields.error()) return unexpected(*fields.error());
    SERVER_TRY(completion.prompts, read_prompts(fields.find("prompt"), context.model));
    for (const auto& tokens : completion.prompts) {
        if (!is_echo) break;
        const auto text = context.model.model().detokenize(tokens);
        if (!text) return unexpected(error_of(text.failure()));
        completion.echoes.push_back(*text);
    }
    return completion;
}

void complete(Context& context, const ExchangePtr& exchange) {
    prepare_then(
        context, exchange, [&context](const Request& request) { return prepare(context, request); },
        [&context, exchange](Completion completion) {
            std::vector<GenerationOptions> generations;
            for (auto& prompt : completion.prompts) {
                generations.push_back(completion.fields.options);
                generations.back().prompt = std::move(prompt);
                generations.back().key = exchange->client();
            }
            const bool is_stream = completion.fields.is_stream;
            auto format =
                std::make_unique<CompletionFormat>(AnswerHead::make("cmpl", "text_completion", context), std::move(completion));
            Answer::start(context, exchange, generations, is_stream, std::move(format));
        });
}

}  // namespace

void add_completions(Router& router) { router.add("POST", "/v1/completions", complete); }

}  // namespace krait::server::openai
