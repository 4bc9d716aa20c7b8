// SPDX-License-Identifier: Apache-2.0
#include "tools/generated_text.hpp"

#include <utility>

namespace krait::tools {

api::Result<std::string> GeneratedText::echo(std::span<const int32_t> prompt) {
    std::string out;
    if (text_) {
        TOOLS_TRY(out, text_->prompt(prompt));
    } else {
        for (const int32_t token : prompt) out += as_id(token);
    }
    return out;
}

api::Result<std::string> GeneratedText::push(int32_t token) {
    if (!text_) return as_id(token);
    TOOLS_TRY(const std::string_view text, text_->push(token));
    return std::string(text);
}

api::Result<std::string> GeneratedText::finish() {
    has_ids_ = false;
    if (!text_) return std::string();
    TOOLS_TRY(const std::string_view rest, text_->finish());
    return std::string(rest);
}

std::string GeneratedText::as_id(int32_t token) {
    const bool is_first = !std::exchange(has_ids_, true);
    return (is_first ? "" : ",") + std::to_string(token);
}

}  // namespace krait::tools
