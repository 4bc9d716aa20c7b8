// SPDX-License-Identifier: Apache-2.0
//
// Tokenizes for scripts. Each line of standard input is {"spec": {...}}, which makes the tokenizer of the lines behind it, or
// {"text": "...", "parse_special": false}, or {"ids": [...]}. Each line of the output is {"ids": [...]}, {"text": "..."} or
// {"error": "..."}; {} for a spec.
#include <iostream>
#include <optional>

#include "tests/text/tokenizer_json.hpp"
#include "text/tokenizer/tokenizer.hpp"

namespace {

nlohmann::json answer(std::optional<krait::Tokenizer>& tokenizer, const nlohmann::json& request) {
    if (request.contains("spec")) {
        auto made = krait::Tokenizer::create(krait::test::tokenizer_spec_of(request.at("spec")));
        if (!made) return {{"error", made.error().message}};
        tokenizer = *std::move(made);
        return nlohmann::json::object();
    }
    if (!tokenizer) return {{"error", "no tokenizer yet"}};
    if (request.contains("ids")) {
        const auto text = tokenizer->decode(request.at("ids").get<std::vector<int32_t>>());
        if (!text) return {{"error", text.error().message}};
        return {{"text", *text}};
    }
    const auto text = request.at("text").get<std::string>();
    const auto ids = tokenizer->encode(text, {.parse_special = request.value("parse_special", false)});
    if (!ids) return {{"error", ids.error().message}};
    return {{"ids", *ids}};
}

}  // namespace

int main() {
    std::ios::sync_with_stdio(false);
    std::optional<krait::Tokenizer> tokenizer;
    for (std::string line; std::getline(std::cin, line);)
        std::cout
            << answer(tokenizer, nlohmann::json::parse(line)).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
            << std::endl;
    return 0;
}
