// SPDX-License-Identifier: Apache-2.0
//
// A conversation of a user and a model through a chat template: each turn is rendered as a whole, and only what the model's
// state has not read yet is read.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "tools/chat_template_file.hpp"
#include "tools/generator.hpp"
#include "tools/messages.hpp"

namespace krait::tools {

class Chat {
  public:
    // All of the context, and the template, must outlive it.
    Chat(const GeneratorContext& context, const ChatTemplateFile& chat_template, Messages messages)
        : context_(context), template_(chat_template), messages_(std::move(messages)) {}

    // The control token that the template writes behind an answer, where it writes one: the model may end its answers with it
    // though the file does not list it among its ends. Also the test whether the template can be used.
    api::Result<std::optional<int32_t>> end_of_answer() const;

    // A message of the user; the answer goes to standard output. After a failure the message is not part of the conversation;
    // but an answer that Ctrl-C has cut stays as far as it came.
    api::Status say(Generator& generator, std::string_view text);
    // The answer to the messages as they are, where the last one is the user's.
    api::Status answer(Generator& generator);

    Messages& messages() { return messages_; }

  private:
    // The prompt as far as the state has not read it.
    api::Result<std::vector<int32_t>> unread_part(Generator& generator, const std::vector<int32_t>& prompt);

    GeneratorContext context_;
    const ChatTemplateFile& template_;
    Messages messages_;
    std::vector<int32_t> read_;  // the tokens that the model's state has read
};

}  // namespace krait::tools
