// SPDX-License-Identifier: Apache-2.0
//
// Renders templates for scripts: each line of standard input is {"template": "...", "variables": {...}}, each line of the
// output {"text": "..."} or {"error": "..."}. Its clock stands at 2026-03-01 12:34:56.
#include <iostream>
#include <nlohmann/json.hpp>

#include "tests/text/render.hpp"

int main() {
    std::ios::sync_with_stdio(false);
    std::string line;
    while (std::getline(std::cin, line)) {
        const auto request = nlohmann::ordered_json::parse(line);
        const auto text = krait::test::render(request.at("template").get<std::string>(), request.at("variables").dump());
        nlohmann::json answer;
        if (text) {
            answer["text"] = text->bytes;
        } else {
            answer["error"] = text.error().message;
        }
        std::cout << answer.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << std::endl;
    }
    return 0;
}
