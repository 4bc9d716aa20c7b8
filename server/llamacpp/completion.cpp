// SPDX-License-Identifier: Apache-2.0
//
// /completion: continues a prompt, in llama.cpp's own form.
#include "server/llamacpp/completion_format.hpp"
#include "server/llamacpp/endpoints.hpp"
#include "server/openai/generation_fields.hpp"
#include "server/openai/prompts.hpp"

namespace krait::server::llamacpp {
namespace {

struct Completion {
    openai::GenerationFields fields;
    std::string prompt;  // as text, which the answer repeats
    bool with_tokens = false;
};

void refuse_what_is_missing(Fields& fields) {
    if (fields.integer("n_probs", 0, INT32_MAX).value_or(0) != 0)
        fields.fail(not_supported("n_probs", "the engine gives tokens alone yet"));
    for (const char* name : {"json_schema", "samplers", "mirostat", "dry_multiplier", "xtc_probability", "typical_p"})
        if (const Json* value = fields.find(name); value && !value->empty() && *value != Json(0))
            fields.fail(not_supported(name, "the engine has no such sampling yet"));
}

Result<Completion> prepare(const Context& context, const Request& request) {
    SERVER_TRY(Json body, parse_json(request.body));
    // The same under OpenAI's name; -1 is as many as there may be.
    const auto n_predict = body.find("n_predict");
    if (n_predict != body.end() && *n_predict != Json(-1)) body["max_tokens"] = *n_predict;
    Fields fields(body);
    Completion made;
    refuse_what_is_missing(fields);
    made.fields = openai::read_generation_fields(fields, context, context.max_answer_tokens);
    made.with_tokens = fields.boolean("return_tokens").value_or(false);
    if (made.fields.options.n != 1) fields.fail("n", "has to be 1 here: /v1/completions gives several");
    if (fields.error()) return unexpected(*fields.error());
    SERVER_TRY(auto prompts, openai::read_prompts(fields.find("prompt"), "prompt", context.model));
    if (prompts.size() != 1) return unexpected(bad_request("prompt", "has to be one text: /v1/completions takes several"));
    made.fields.options.prompt = std::move(prompts.front());
    const auto text = context.model.model().detokenize(made.fields.options.prompt, KRAIT_DETOKENIZE_CONTROL);
    if (!text) return unexpected(error_of(text.failure()));
    made.prompt = *text;
    return made;
}

void complete(Context& context, const ExchangePtr& exchange) {
    prepare_then(
        context, exchange, [&context](const Request& request) { return prepare(context, request); },
        [&context, exchange](Completion made) {
            made.fields.options.key = exchange->client();
            auto format = std::make_unique<CompletionFormat>(context.model.name(), made.prompt, made.with_tokens);
            Answer::start(context, exchange, {made.fields.options}, made.fields.is_stream, std::move(format));
        });
}

}  // namespace

void add_completion(Router& router) {
    router.add("POST", "/completion", complete);
    router.add("POST", "/completions", complete);
}

}  // namespace krait::server::llamacpp
