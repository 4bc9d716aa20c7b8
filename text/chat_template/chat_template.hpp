// SPDX-License-Identifier: Apache-2.0
//
// Chat templates: Jinja as transformers runs it, from messages to the text that a model continues.
//
//   KRAIT_TRY(const ChatTemplate chat, ChatTemplate::parse(source));
//   KRAIT_TRY(const MarkedText text, chat.render({.json = messages}, {}));
//
// A template never changes once it is parsed: share it between threads without a lock.
#pragma once

#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.hpp"
#include "text/chat_template/limits.hpp"
#include "text/chat_template/marked_text.hpp"

namespace krait::chat {

struct Syntax;

struct ChatInput {
    std::string_view json;  // an object of variables, or a list of messages; its texts are users'
    // Texts of the application: bos_token. Where the JSON has the name too, the JSON's value counts.
    std::vector<std::pair<std::string, std::string>> texts;
    std::vector<std::string> none;      // variables that are none where the JSON does not have them
    bool add_generation_prompt = true;  // where the JSON does not say
};

struct RenderOptions {
    Limits limits;
    std::tm now{};  // the local time, for strftime_now
};

class ChatTemplate {
  public:
    // Fails with the line and column of what is wrong. name: of the template, in front of its errors.
    static Result<ChatTemplate> parse(std::string_view source, std::string name = "the chat template");

    // invalid_argument with line and column where the template fails, where it refuses the messages (raise_exception), and
    // where it takes more than the limits. Messages are a list of objects, each with a role. Roles that are plain words count
    // as the template's text: the application chooses them, and templates make special tokens of them.
    Result<MarkedText> render(const ChatInput& input, const RenderOptions& options) const;

  private:
    ChatTemplate(std::string name, std::shared_ptr<const Syntax> syntax) : name_(std::move(name)), syntax_(std::move(syntax)) {}
    std::string name_;
    std::shared_ptr<const Syntax> syntax_;
};

}  // namespace krait::chat
