// SPDX-License-Identifier: Apache-2.0
//
// The chat template that a command uses: the model's own, or one from a file, which errors name.
#pragma once

#include <krait/chat.hpp>
#include <string>
#include <string_view>

namespace krait::tools {

class ChatTemplateFile {
  public:
    // path: empty = the model's.
    static api::Result<ChatTemplateFile> open(const api::Model& model, const std::string& path);

    // messages: JSON, of a file of that name; empty = of none.
    api::Result<api::ChatPrompt> render(std::string_view messages, bool generation_prompt = true,
                                        const std::string& messages_file = {}) const;

    std::string name() const { return name_.empty() ? "the chat template of the model" : name_; }

  private:
    ChatTemplateFile(api::ChatTemplate parsed, std::string name) : parsed_(std::move(parsed)), name_(std::move(name)) {}

    api::ChatTemplate parsed_;
    std::string name_;  // empty: the model's
};

}  // namespace krait::tools
