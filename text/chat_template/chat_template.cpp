// SPDX-License-Identifier: Apache-2.0
#include "text/chat_template/chat_template.hpp"

#include <algorithm>

#include "text/chat_template/interpreter.hpp"
#include "text/chat_template/json_input.hpp"

namespace krait::chat {
namespace {

constexpr size_t kMaxRole = 32;  // bytes

bool is_plain_word(std::string_view text) {
    const auto is_word = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    };
    return !text.empty() && text.size() <= kMaxRole && std::ranges::all_of(text, is_word);
}

// Looks at the messages, and makes plain roles the template's text.
Result<void> read_roles(const Value& messages, Heap& heap) {
    const auto wrong = [](std::string_view what) {
        return fail(ErrorCode::invalid_argument,
                    "{}; messages are a list of objects: [{{\"role\": \"user\", \"content\": \"Hello\"}}]", what);
    };
    if (!messages.is(Kind::list)) return wrong("they are no list");
    for (size_t i = 0; i < messages.list->items.size(); ++i) {
        const Value& message = messages.list->items[i];
        Value* role = message.is(Kind::dict) ? message.dict->find("role", heap.budget()) : nullptr;
        if (!role || !role->is(Kind::text))
            return wrong(fmt::format("message {} of {} has no role that is a text", i + 1, messages.list->items.size()));
        if (is_plain_word(bytes_of(*role))) *role = heap.text(bytes_of(*role));
    }
    return {};
}

Result<std::vector<Variable>> read_variables(const ChatInput& input, Heap& heap) {
    KRAIT_TRY(const Value given, read_json(input.json, Author::user, heap));
    std::vector<Variable> variables;
    if (given.is(Kind::list)) {
        variables.push_back({"messages", given});
    } else if (given.is(Kind::dict)) {
        for (const auto& [name, value] : given.dict->entries) variables.push_back({bytes_of(name), value});
    } else {
        return fail(ErrorCode::invalid_argument, "the JSON is neither a list of messages nor an object that has \"messages\"");
    }
    for (const Variable& variable : variables) {
        if (variable.name == "messages") KRAIT_CHECK(read_roles(variable.value, heap));
    }
    const auto add = [&](std::string_view name, const Value& value) {
        if (std::ranges::find(variables, name, &Variable::name) == variables.end()) variables.push_back({name, value});
    };
    for (const auto& [name, text] : input.texts) add(name, heap.text(text));
    for (const std::string& name : input.none) add(name, Value::none());
    add("add_generation_prompt", Value::of(input.add_generation_prompt));
    return variables;
}

auto within(std::string_view part) {
    return [part](Error error) { return std::move(error).within(part); };
}

}  // namespace

Result<ChatTemplate> ChatTemplate::parse(std::string_view source, std::string name) {
    KRAIT_TRY(auto syntax, parse_template(source).map_error(within(name)));
    return ChatTemplate(std::move(name), std::shared_ptr<const Syntax>(std::move(syntax)));
}

Result<MarkedText> ChatTemplate::render(const ChatInput& input, const RenderOptions& options) const {
    // The limits are the template's; what the application gives it does not count.
    Budget input_budget(Limits{UINT64_MAX, UINT64_MAX, 0});
    Heap input_heap(input_budget);
    KRAIT_TRY(const auto variables, read_variables(input, input_heap).map_error(within("the messages")));
    Budget budget(options.limits);
    Heap heap(budget);
    Environment environment{heap, options.now};
    return Interpreter(*syntax_, environment, options.limits.depth).run(variables).map_error(within(name_));
}

}  // namespace krait::chat
