// SPDX-License-Identifier: Apache-2.0
//
// /v1/messages: answers the last message of a conversation. /v1/messages/count_tokens: how long its prompt is.
#include <fmt/format.h>

#include "server/anthropic/endpoints.hpp"
#include "server/anthropic/message_format.hpp"
#include "server/random.hpp"
#include "server/request_fields.hpp"

namespace krait::server::anthropic {
namespace {

struct Conversation {
    GenerationOptions options;
    bool is_stream = false;
};

// Variables for the template: the system message in front of the others.
Result<Json> read_messages(Fields& fields) {
    const Json* messages = fields.list("messages");
    if (!messages || messages->empty()) fields.fail("messages", messages ? "is empty" : "is missing");
    if (fields.error()) return unexpected(*fields.error());
    Json list = Json::array();
    if (const Json* system = fields.find("system")) {
        SERVER_TRY(Json content, read_text_content(*system, "system"));
        list.push_back({{"role", "system"}, {"content", std::move(content)}});
    }
    std::string role;
    for (size_t i = 0; i < messages->size(); ++i) {
        const std::string path = fmt::format("messages.{}", i);
        if (!(*messages)[i].is_object()) return unexpected(bad_request(path, "has to be an object"));
        Fields message((*messages)[i], path);
        role = message.text("role").value_or("");
        if (role != "user" && role != "assistant") message.fail("role", "has to be user or assistant");
        const Json* content = message.find("content");
        if (!content) message.fail("content", "is missing");
        if (message.error()) return unexpected(*message.error());
        SERVER_TRY(Json text, read_text_content(*content, path + ".content"));
        list.push_back({{"role", role}, {"content", std::move(text)}});
    }
    if (role == "assistant")
        return unexpected(not_supported("messages", "the last one has to be a user's, answers are not continued"));
    return Json{{"messages", std::move(list)}};
}

// {"type": "none"}
std::string type_of_object(Fields& fields, std::string_view name) {
    const Json* object = fields.object(name);
    return object ? Fields(*object).text("type").value_or("") : "";
}

void refuse_what_is_missing(Fields& fields) {
    const bool may_call = type_of_object(fields, "tool_choice") != "none";
    if (const Json* tools = fields.list("tools"); tools && !tools->empty() && may_call)
        fields.fail(not_supported("tools", "calls of tools are not read from answers yet"));
    if (type_of_object(fields, "thinking") == "enabled")
        fields.fail(not_supported("thinking", "thinking is not told apart from answers yet"));
}

Result<Conversation> prepare(const Context& context, const Request& request) {
    SERVER_TRY(const Json body, parse_json(request.body));
    Fields fields(body);
    Conversation made;
    GenerationOptions& options = made.options;
    check_model(fields, context.model);
    refuse_what_is_missing(fields);
    const auto max_tokens = fields.integer("max_tokens", 1, INT32_MAX);
    if (!max_tokens) fields.fail("max_tokens", "is missing");
    options.max_tokens = std::min(max_tokens.value_or(1), context.max_answer_tokens);
    options.stops = read_stops(fields, "stop_sequences");
    options.sampler.seed = random_number();
    options.sampler.temperature = static_cast<float>(fields.number("temperature", 0, 1).value_or(options.sampler.temperature));
    options.sampler.top_p = static_cast<float>(fields.number("top_p", 0, 1).value_or(options.sampler.top_p));
    options.sampler.top_k = static_cast<int32_t>(fields.integer("top_k", 0, INT32_MAX).value_or(options.sampler.top_k));
    made.is_stream = fields.boolean("stream").value_or(false);
    SERVER_TRY(const Json variables, read_messages(fields));
    SERVER_TRY(ChatPrompt prompt, context.model.render(variables));
    options.prompt = std::move(prompt.tokens);
    options.message_ends = std::move(prompt.message_ends);
    return made;
}

void answer(Context& context, const ExchangePtr& exchange) {
    prepare_then(
        context, exchange, [&context](const Request& request) { return prepare(context, request); },
        [&context, exchange](Conversation made) {
            made.options.key = exchange->client();
            auto format =
                std::make_unique<MessageFormat>("msg_" + random_id(), context.model.name(), made.options.prompt.size());
            Answer::start(context, exchange, {made.options}, made.is_stream, std::move(format));
        });
}

Result<Json> count(const Context& context, const Request& request) {
    SERVER_TRY(const Json body, parse_json(request.body));
    Fields fields(body);
    check_model(fields, context.model);
    refuse_what_is_missing(fields);
    SERVER_TRY(const Json variables, read_messages(fields));
    SERVER_TRY(const ChatPrompt prompt, context.model.render(variables));
    return Json{{"input_tokens", prompt.tokens.size()}};
}

}  // namespace

void add_messages(Router& router) {
    router.add("POST", "/v1/messages", answer);
    router.add("POST", "/v1/messages/count_tokens", [](Context& context, const ExchangePtr& exchange) {
        prepare_then(
            context, exchange, [&context](const Request& request) { return count(context, request); },
            [exchange](const Json& json) { send_json(*exchange, json); });
    });
}

}  // namespace krait::server::anthropic
