// SPDX-License-Identifier: Apache-2.0
#include "server/openai/prompts.hpp"

#include <fmt/format.h>

namespace krait::server::openai {
namespace {

constexpr size_t kMaxPrompts = 256;

Result<std::vector<int32_t>> read_tokens(const Json& list, const std::string& name, const api::Model& model) {
    std::vector<int32_t> tokens;
    for (const Json& item : list) {
        const bool is_token = item.is_number_unsigned() && item.get<uint64_t>() < static_cast<uint64_t>(model.n_vocab());
        if (!is_token)
            return unexpected(bad_request(
                name, fmt::format("has {}: token ids are from 0 to {}", to_text(item).substr(0, 40), model.n_vocab() - 1)));
        tokens.push_back(item.get<int32_t>());
    }
    return tokens;
}

Result<std::vector<int32_t>> read_prompt(const Json& prompt, const std::string& name, const ServedModel& model) {
    if (prompt.is_array()) return read_tokens(prompt, name, model.model());
    if (!prompt.is_string()) return unexpected(bad_request(name, "has to be a text, a list of token ids, or a list of them"));
    return model.tokenize_prompt(prompt.get_ref<const std::string&>());
}

}  // namespace

Result<std::vector<std::vector<int32_t>>> read_prompts(const Json* field, const std::string& name, const ServedModel& model) {
    if (!field) return unexpected(bad_request(name, "is missing"));
    const bool is_one = !field->is_array() || (!field->empty() && field->front().is_number());
    const Json list = is_one ? Json::array({*field}) : *field;
    if (list.empty() || list.size() > kMaxPrompts)
        return unexpected(bad_request(name, fmt::format("has {} texts: 1 to {}", list.size(), kMaxPrompts)));
    std::vector<std::vector<int32_t>> prompts;
    for (const Json& item : list) {
        SERVER_TRY(std::vector<int32_t> tokens, read_prompt(item, name, model));
        if (tokens.empty()) return unexpected(bad_request(name, "is empty: there is nothing to read"));
        prompts.push_back(std::move(tokens));
    }
    return prompts;
}

}  // namespace krait::server::openai
