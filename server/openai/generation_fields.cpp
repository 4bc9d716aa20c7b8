// SPDX-License-Identifier: Apache-2.0
#include "server/openai/generation_fields.hpp"

#include <fmt/format.h>

#include "server/context.hpp"
#include "server/random.hpp"
#include "server/request_fields.hpp"

namespace krait::server::openai {
namespace {

void refuse_if_set(Fields& fields, std::string_view name, std::string_view why) {
    const Json* value = fields.find(name);
    const bool is_set = value && !(value->is_structured() && value->empty()) && *value != Json(0) && *value != Json(false) &&
                        *value != Json("");
    if (is_set) fields.fail(not_supported(fields.path_of(name), why));
}

void refuse_what_is_missing(Fields& fields) {
    refuse_if_set(fields, "logit_bias", "the engine samples without biases");
    refuse_if_set(fields, "presence_penalty", "the engine has repetition_penalty");
    refuse_if_set(fields, "frequency_penalty", "the engine has repetition_penalty");
    refuse_if_set(fields, "grammar", "the engine takes no grammars yet");
    refuse_if_set(fields, "guided_json", "the engine takes no grammars yet");
    if (const Json* format = fields.object("response_format")) {
        Fields inner(*format, "response_format");
        const auto type = inner.text("type");
        if (inner.error()) return fields.fail(*inner.error());
        if (!type || (*type != "text" && *type != "json_object" && *type != "json_schema"))
            return fields.fail("response_format", "has no 'type': text, json_object or json_schema");
        if (*type != "text")
            fields.fail(
                not_supported("response_format", fmt::format("the engine takes no grammars yet, which {} needs", *type)));
    }
}

void read_sampler(Fields& fields, krait_sampler_options& sampler) {
    const auto number = [&](std::string_view name, double min, double max, float& target) {
        if (const auto value = fields.number(name, min, max)) target = static_cast<float>(*value);
    };
    number("temperature", 0, 100, sampler.temperature);
    number("top_p", 0, 1, sampler.top_p);
    number("min_p", 0, 1, sampler.min_p);
    number("repetition_penalty", 0.01, 100, sampler.repetition_penalty);
    number("repeat_penalty", 0.01, 100, sampler.repetition_penalty);  // llama.cpp's name
    if (const auto top_k = fields.integer("top_k", -1, INT32_MAX))
        sampler.top_k = static_cast<int32_t>(std::max<int64_t>(*top_k, 0));
    if (const auto window = fields.integer("repeat_last_n", 0, 1024)) sampler.repetition_window = static_cast<int32_t>(*window);
    const auto seed = fields.integer("seed", INT64_MIN, INT64_MAX);
    sampler.seed = seed && *seed != -1 ? static_cast<uint64_t>(*seed) : random_number();  // -1: llama.cpp's "any"
}

}  // namespace

GenerationFields read_generation_fields(Fields& fields, const Context& context, int64_t default_max_tokens) {
    GenerationFields read;
    GenerationOptions& options = read.options;
    check_model(fields, context.model);
    refuse_what_is_missing(fields);
    read_sampler(fields, options.sampler);
    read.is_stream = fields.boolean("stream").value_or(false);
    if (const Json* stream = fields.object("stream_options")) {
        Fields inner(*stream, "stream_options");
        read.includes_usage = inner.boolean("include_usage").value_or(false);
        if (inner.error()) fields.fail(*inner.error());
    }
    options.n = static_cast<int32_t>(fields.integer("n", 1, context.model.max_sequences()).value_or(1));
    // Longer answers are cut there, and say so by their finish_reason.
    const auto max_tokens = fields.integer("max_tokens", 0, INT32_MAX);
    const auto max_completion_tokens = fields.integer("max_completion_tokens", 0, INT32_MAX);
    options.max_tokens =
        std::min(max_completion_tokens.value_or(max_tokens.value_or(default_max_tokens)), context.max_answer_tokens);
    options.stops = read_stops(fields, "stop");
    options.ignore_ends = fields.boolean("ignore_eos").value_or(false);
    options.reuse = fields.boolean("cache_prompt").value_or(true);
    return read;
}

}  // namespace krait::server::openai
