// SPDX-License-Identifier: Apache-2.0
//
// /api/generate and /api/chat: an answer to a prompt or to a conversation.
#include "server/ollama/endpoints.hpp"
#include "server/ollama/line_format.hpp"
#include "server/openai/chat_messages.hpp"
#include "server/random.hpp"
#include "server/request_fields.hpp"

namespace krait::server::ollama {
namespace {

struct Task {
    GenerationOptions options;
    bool is_stream = true;
};

void read_options(Fields& fields, const Context& context, GenerationOptions& options) {
    krait_sampler_options& sampler = options.sampler;
    sampler.seed = random_number();
    options.max_tokens = context.max_answer_tokens;
    const Json* object = fields.object("options");
    if (!object) return;
    Fields inner(*object, "options");
    const auto number = [&](std::string_view name, double min, double max, float& target) {
        if (const auto value = inner.number(name, min, max)) target = static_cast<float>(*value);
    };
    number("temperature", 0, 100, sampler.temperature);
    number("top_p", 0, 1, sampler.top_p);
    number("min_p", 0, 1, sampler.min_p);
    number("repeat_penalty", 0.01, 100, sampler.repetition_penalty);
    if (const auto top_k = inner.integer("top_k", 0, INT32_MAX)) sampler.top_k = static_cast<int32_t>(*top_k);
    if (const auto window = inner.integer("repeat_last_n", 0, 1024)) sampler.repetition_window = static_cast<int32_t>(*window);
    if (const auto seed = inner.integer("seed", INT64_MIN, INT64_MAX)) sampler.seed = static_cast<uint64_t>(*seed);
    const auto n_predict = inner.integer("num_predict", -2, INT32_MAX);  // -1, -2: as long as it takes
    if (n_predict && *n_predict >= 0) options.max_tokens = std::min(*n_predict, context.max_answer_tokens);
    options.stops = read_stops(inner, "stop");
    for (const char* name : {"presence_penalty", "frequency_penalty"})
        if (inner.number(name, -2, 2).value_or(0) != 0)
            inner.fail(not_supported(inner.path_of(name), "there is repeat_penalty"));
    if (inner.error()) fields.fail(*inner.error());
}

void refuse_what_is_missing(Fields& fields) {
    const Json* format = fields.find("format");
    if (format && *format != Json("")) fields.fail(not_supported("format", "the engine takes no grammars yet"));
    if (!fields.text("suffix").value_or("").empty()) fields.fail(not_supported("suffix", "the models read from left to right"));
    if (const Json* images = fields.list("images"); images && !images->empty())
        fields.fail(not_supported("images", "the models read text alone"));
    const Json* think = fields.find("think");
    if (think && *think != Json(false)) fields.fail(not_supported("think", "thinking is not told apart from answers yet"));
}

Result<Task> read_task(Fields& fields, const Context& context) {
    Task task;
    check_model(fields, context.model);
    refuse_what_is_missing(fields);
    read_options(fields, context, task.options);
    task.is_stream = fields.boolean("stream").value_or(true);
    if (fields.error()) return unexpected(*fields.error());
    return task;
}

Result<void> set_prompt(Task& task, const Context& context, const Json& variables) {
    SERVER_TRY(ChatPrompt prompt, context.model.render(variables));
    task.options.prompt = std::move(prompt.tokens);
    task.options.message_ends = std::move(prompt.message_ends);
    return {};
}

// The prompt is a user's message, or with "raw" a text that is continued.
Result<Task> prepare_generate(const Context& context, const Request& request) {
    SERVER_TRY(const Json body, parse_json(request.body));
    Fields fields(body);
    const auto prompt = fields.text("prompt");
    const auto system = fields.text("system");
    const bool is_raw = fields.boolean("raw").value_or(false);
    if (!prompt || prompt->empty()) fields.fail("prompt", prompt ? "is empty: there is nothing to answer" : "is missing");
    SERVER_TRY(Task task, read_task(fields, context));
    if (is_raw) {
        SERVER_TRY(task.options.prompt, context.model.tokenize_prompt(*prompt));
        return task;
    }
    Json messages = Json::array();
    if (system) messages.push_back({{"role", "system"}, {"content", *system}});
    messages.push_back({{"role", "user"}, {"content", *prompt}});
    if (auto done = set_prompt(task, context, messages); !done) return unexpected(done.error());
    return task;
}

Result<Task> prepare_chat(const Context& context, const Request& request) {
    SERVER_TRY(const Json body, parse_json(request.body));
    Fields fields(body);
    SERVER_TRY(Task task, read_task(fields, context));
    SERVER_TRY(const Json variables, openai::read_chat_variables(body));
    if (auto done = set_prompt(task, context, variables); !done) return unexpected(done.error());
    return task;
}

void add(Router& router, std::string_view path, bool is_chat, Result<Task> (*prepare)(const Context&, const Request&)) {
    router.add("POST", path, [is_chat, prepare](Context& context, const ExchangePtr& exchange) {
        prepare_then(
            context, exchange, [&context, prepare](const Request& request) { return prepare(context, request); },
            [&context, exchange, is_chat](Task task) {
                task.options.key = exchange->client();
                Answer::start(context, exchange, {task.options}, task.is_stream,
                              std::make_unique<LineFormat>(context.model.name(), is_chat));
            });
    });
}

}  // namespace

void add_generate(Router& router) {
    add(router, "/api/generate", false, prepare_generate);
    add(router, "/api/chat", true, prepare_chat);
}

}  // namespace krait::server::ollama
