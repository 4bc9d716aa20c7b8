// SPDX-License-Identifier: Apache-2.0
//
// /v1/completions: continues one prompt or several, texts or token ids.
#include <fmt/format.h>

#include "server/openai/endpoints.hpp"
#include "server/openai/generation_fields.hpp"
#include "server/openai/prompts.hpp"
#include "server/openai/scored_text.hpp"
#include "server/openai/shapes.hpp"

namespace krait::server::openai {
namespace {

constexpr int64_t kDefaultMaxTokens = 16;   // OpenAI's
constexpr size_t kMaxScoredTokens = 65536;  // of a prompt: a row of logits each

struct Completion {
    GenerationFields fields;
    std::vector<std::vector<int32_t>> prompts;
    std::vector<std::string> echoes;  // texts of the prompts, where they are wanted
    bool is_echo = false;
    std::optional<int64_t> logprobs;  // how many of the likeliest tokens beside each token
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
        return end_of_stream(head_, completion_.fields.includes_usage, figures);
    }
    std::string error(const Error& error) override { return error_event(error); }

    Json whole(const std::vector<ChoiceText>& choices, const AnswerFigures& figures) override {
        Json list = Json::array();
        for (size_t i = 0; i < choices.size(); ++i) {
            const std::string echo = completion_.echoes.empty() ? std::string() : completion_.echoes[i / n()];
            list.push_back(choice_json(static_cast<int32_t>(i), echo + choices[i].text, finish_word(choices[i].end)));
        }
        return whole_answer(head_, std::move(list), figures);
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

Result<Completion> prepare(const Context& context, const Request& request) {
    SERVER_TRY(const Json body, parse_json(request.body));
    Fields fields(body);
    Completion completion;
    completion.fields = read_generation_fields(fields, context, kDefaultMaxTokens);
    completion.is_echo = fields.boolean("echo").value_or(false);
    completion.logprobs = fields.integer("logprobs", 0, 20);
    const GenerationOptions& options = completion.fields.options;
    if (completion.logprobs && (options.max_tokens > 1 || options.n != 1 || completion.fields.is_stream))
        fields.fail(not_supported("logprobs", "there are those of a prompt and of one token: max_tokens 0 or 1, no stream"));
    if (!fields.text("suffix").value_or("").empty()) fields.fail(not_supported("suffix", "the models read from left to right"));
    const auto best_of = fields.integer("best_of", 1, INT32_MAX);
    if (best_of && *best_of != completion.fields.options.n)
        fields.fail(not_supported("best_of", "all choices are returned: give 'n'"));
    if (fields.error()) return unexpected(*fields.error());
    SERVER_TRY(completion.prompts, read_prompts(fields.find("prompt"), "prompt", context.model));
    for (const auto& tokens : completion.prompts) {
        if (completion.logprobs && tokens.size() > kMaxScoredTokens)
            return unexpected(
                bad_request("prompt", fmt::format("has {} tokens: with logprobs at most {}", tokens.size(), kMaxScoredTokens)));
        if (!completion.is_echo) continue;
        const auto text = context.model.model().detokenize(tokens);
        if (!text) return unexpected(error_of(text.failure()));
        completion.echoes.push_back(*text);
    }
    return completion;
}

// Prompts with the log-probabilities of their tokens, by a session beside the engine.
Result<Json> score(const Context& context, const Completion& completion) {
    AnswerFigures figures;
    Json list = Json::array();
    const GenerationOptions& options = completion.fields.options;
    for (const auto& prompt : completion.prompts) {
        const auto n_more = static_cast<size_t>(options.max_tokens);
        SERVER_TRY(const auto scores,
                   context.evaluator.score(prompt, static_cast<size_t>(*completion.logprobs), n_more, options.sampler));
        SERVER_TRY(ScoredText scored, scored_text(context.model.model(), scores, completion.is_echo ? 0 : prompt.size()));
        list.push_back({{"text", std::move(scored.text)},
                        {"index", list.size()},
                        {"logprobs", std::move(scored.logprobs)},
                        {"finish_reason", "length"}});
        figures.prompt_tokens += prompt.size();
        figures.generated_tokens += n_more;
    }
    Json json = AnswerHead::make("cmpl", "text_completion", context).json();
    json["choices"] = std::move(list);
    json["usage"] = usage_json(figures);
    return json;
}

void complete(Context& context, const ExchangePtr& exchange) {
    prepare_then(
        context, exchange, [&context](const Request& request) { return prepare(context, request); },
        [&context, exchange](Completion completion) {
            if (completion.logprobs)
                return prepare_on(
                    context.evaluation, context, exchange,
                    [&context, completion](const Request&) { return score(context, completion); },
                    [exchange](const Json& json) { send_json(*exchange, json); });
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
