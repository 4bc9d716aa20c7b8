// SPDX-License-Identifier: Apache-2.0
#include "tools/generated_text.hpp"

#include <utility>

namespace krait::tools {

GeneratedText::GeneratedText(const Tokenizer* tokenizer, StopMatcher stops) : stops_(std::move(stops)) {
    if (tokenizer) text_.emplace(*tokenizer);
}

std::string GeneratedText::echo(std::span<const int32_t> prompt) {
    std::string out;
    for (const int32_t token : prompt) {
        if (!text_) {
            out += as_id(token);
        } else if (const auto text = text_->push(token)) {  // the model may have more tokens than its tokenizer
            out += *text;
        }
    }
    return out;
}

Result<std::string> GeneratedText::push(int32_t token) {
    if (!text_) return as_id(token);
    KRAIT_TRY(const std::string text, text_->push(token));
    return stops_.push(text);
}

std::string GeneratedText::finish() {
    has_ids_ = false;
    std::string rest = text_ ? stops_.push(text_->flush()) : "";
    rest += stops_.flush();
    return rest;
}

std::string GeneratedText::as_id(int32_t token) {
    const bool is_first = !std::exchange(has_ids_, true);
    return (is_first ? "" : ",") + std::to_string(token);
}

}  // namespace krait::tools
