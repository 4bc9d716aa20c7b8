// SPDX-License-Identifier: Apache-2.0
#include "server/served_model.hpp"

#include <algorithm>
#include <ctime>

namespace krait::server {
namespace {

// For a model that knows no conversations: texts, with empty lines between them, that it continues.
constexpr std::string_view kPlainTemplate =
    "{% for message in messages %}{{ message.content }}{% if not loop.last or add_generation_prompt %}\n\n{% endif %}"
    "{% endfor %}";

// "/models/mamba-130m.Q8_0.gguf" -> "mamba-130m.Q8_0"
std::string name_of(const api::Model& model) {
    std::string name(model.name());
    if (name == "the demo model") return "krait-demo";
    while (name.ends_with('/')) name.pop_back();
    name = name.substr(name.find_last_of('/') + 1);
    if (name.ends_with(".gguf")) name.resize(name.size() - 5);
    return name;
}

struct Template {
    api::ChatTemplate parsed;
    std::string origin;
};

api::Result<Template> open_template(const api::Model& model, const std::string& given) {
    auto parsed = given.empty() ? api::ChatTemplate::of(model) : api::ChatTemplate::parse(model, given);
    if (parsed) return Template{std::move(*parsed), given.empty() ? "the model's" : "given"};
    if (!given.empty() || parsed.failure().code != KRAIT_NOT_FOUND) return parsed.failure();
    auto plain = api::ChatTemplate::parse(model, kPlainTemplate);
    if (!plain) return plain.failure();
    return Template{std::move(*plain), "plain"};
}

bool begins_with(const std::vector<int32_t>& tokens, const std::vector<int32_t>& prefix) {
    return prefix.size() < tokens.size() && std::equal(prefix.begin(), prefix.end(), tokens.begin());
}

}  // namespace

ServedModel::ServedModel(api::Model model, api::Engine engine, api::ChatTemplate chat_template, const Options& options)
    : model_(std::move(model)),
      engine_(std::move(engine)),
      template_(std::move(chat_template)),
      name_(options.name.empty() ? name_of(model_) : options.name),
      loaded_at_(std::time(nullptr)),
      max_sequences_(options.engine.max_sequences) {}

api::Result<std::unique_ptr<ServedModel>> ServedModel::create(api::Model model, const Options& options) {
    auto chat_template = open_template(model, options.chat_template);
    if (!chat_template) return chat_template.failure();
    auto engine = api::Engine::create(model, options.engine);
    if (!engine) return engine.failure();
    std::unique_ptr<ServedModel> served(
        new ServedModel(std::move(model), std::move(*engine), std::move(chat_template->parsed), options));
    served->template_origin_ = chat_template->origin;
    served->find_ends();
    return served;
}

// The template may end answers with a control token that the file does not list among its ends.
void ServedModel::find_ends() {
    ends_ = model_.ends();
    const auto prompt = template_.render(R"([{"role":"user","content":"a"},{"role":"assistant","content":"b"}])", false);
    if (!prompt) return;
    const auto token = prompt->end_of_answer(model_);
    if (token && !model_.is_end(*token)) ends_.push_back(*token);
}

Result<ChatPrompt> ServedModel::render(const Json& messages, bool generation_prompt) const {
    const auto rendered = template_.render(to_text(messages), generation_prompt);
    if (!rendered) return unexpected(error_of(rendered.failure()));
    auto tokens = rendered->tokenize();
    if (!tokens) return unexpected(error_of(tokens.failure()));
    if (tokens->empty()) return unexpected(bad_request("messages", "make an empty prompt: there is nothing to answer"));
    ChatPrompt prompt{std::string(rendered->text()), std::move(*tokens), {}};
    // What the next prompt of the conversation has in common with this one ends with the last message.
    const auto closed = generation_prompt ? template_.render(to_text(messages), false) : api::Failure{};
    const auto common = closed ? closed->tokenize() : api::Failure{};
    if (common && !common->empty() && begins_with(prompt.tokens, *common)) prompt.message_ends.push_back(common->size());
    return prompt;
}

Result<std::vector<int32_t>> ServedModel::tokenize_prompt(std::string_view text) const {
    auto tokens = model_.tokenize(text, KRAIT_TOKENIZE_CONTROL | KRAIT_TOKENIZE_BEGIN);
    if (!tokens) return unexpected(error_of(tokens.failure()));
    return std::move(*tokens);
}

}  // namespace krait::server
