// SPDX-License-Identifier: Apache-2.0
#include "tools/chat_template_file.hpp"

#include "tools/input.hpp"
#include "tools/shown.hpp"

namespace krait::tools {

static api::Failure within(const std::string& name, const api::Failure& inner) {
    return failure(inner.code, "{}{}{}", name, name.empty() ? "" : ": ", inner.message);
}

api::Result<ChatTemplateFile> ChatTemplateFile::open(const api::Model& model, const std::string& path) {
    std::string name = printable(path);
    auto parsed = [&]() -> api::Result<api::ChatTemplate> {
        if (path.empty()) return api::ChatTemplate::of(model);
        TOOLS_TRY(const std::string source, read_text(path));
        auto made = api::ChatTemplate::parse(model, source);
        return made ? std::move(made) : within(name, made.failure());
    }();
    if (!parsed) return parsed.failure();
    return ChatTemplateFile(std::move(*parsed), std::move(name));
}

api::Result<api::ChatPrompt> ChatTemplateFile::render(std::string_view messages, bool generation_prompt,
                                                      const std::string& messages_file) const {
    auto prompt = parsed_.render(messages, generation_prompt);
    if (prompt) return prompt;
    // Messages that cannot be read never come to the template, and the library's error begins with their name.
    if (prompt.failure().message.starts_with("the messages: ")) return within(printable(messages_file), prompt.failure());
    api::Failure of_template = within(name_, prompt.failure());
    if (messages_file.empty()) return of_template;
    return failure(of_template.code, "{} through {}", printable(messages_file), of_template.message);
}

}  // namespace krait::tools
