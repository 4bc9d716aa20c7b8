// SPDX-License-Identifier: Apache-2.0
#include "server/openai/chat_messages.hpp"

#include <fmt/format.h>

#include "server/request_fields.hpp"

namespace krait::server::openai {
namespace {

Result<Json> read_message(const Json& message, const std::string& path) {
    if (!message.is_object()) return unexpected(bad_request(path, "has to be an object"));
    Fields fields(message, path);
    const auto role = fields.text("role");
    if (!role) fields.fail("role", "is missing");
    if (fields.error()) return unexpected(*fields.error());
    Json made = message;
    if (*role == "developer") made["role"] = "system";
    const Json* content = fields.find("content");
    if (!content && !fields.find("tool_calls")) return unexpected(bad_request(fields.path_of("content"), "is missing"));
    SERVER_TRY(made["content"], read_text_content(content ? *content : Json(""), fields.path_of("content")));
    return made;
}

}  // namespace

Result<Json> read_chat_variables(const Json& body) {
    Fields fields(body);
    const Json* messages = fields.list("messages");
    if (!messages || messages->empty()) fields.fail("messages", messages ? "is empty" : "is missing");
    for (const char* name : {"tools", "functions"}) {
        const Json* tools = fields.list(name);
        const Json* choice = fields.find("tool_choice");
        if (tools && !tools->empty() && !(choice && *choice == "none"))
            fields.fail(not_supported(name, "calls of tools are not read from answers yet"));
    }
    if (const Json* audio = fields.find("audio"); audio && !audio->empty())
        fields.fail(not_supported("audio", "the models write text alone"));
    const Json* extra = fields.object("chat_template_kwargs");
    const auto effort = fields.text("reasoning_effort");
    if (fields.error()) return unexpected(*fields.error());

    Json variables = extra ? *extra : Json::object();
    if (effort) variables["reasoning_effort"] = *effort;
    Json list = Json::array();
    for (size_t i = 0; i < messages->size(); ++i) {
        SERVER_TRY(Json message, read_message((*messages)[i], fmt::format("messages.{}", i)));
        list.push_back(std::move(message));
    }
    variables["messages"] = std::move(list);
    return variables;
}

}  // namespace krait::server::openai
