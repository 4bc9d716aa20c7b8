// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer/streaming_detokenizer.hpp"

#include <utility>

#include "core/base/utf8.hpp"

namespace krait {

StreamingDetokenizer::StreamingDetokenizer(Tokenizer tokenizer, DecodeOptions options)
    : tokenizer_(std::move(tokenizer)), options_(options) {}

Result<std::string> StreamingDetokenizer::push(int32_t id) {
    if (id < 0 || id >= tokenizer_.size()) {
        return fail(ErrorCode::invalid_argument, "there is no token {}: ids go from 0 to {}", id, tokenizer_.size() - 1);
    }
    if (tokenizer_.is_control(id) && !options_.control) return std::string();
    return push_bytes(tokenizer_.token_bytes(id));
}

std::string StreamingDetokenizer::push_bytes(std::string_view bytes) {
    held_ += bytes;
    std::string text;
    std::string_view rest = held_;
    while (!rest.empty()) {
        const Utf8Step step = utf8_step(rest);
        if (step.kind == Utf8Kind::incomplete) break;
        text += step.kind == Utf8Kind::character ? rest.substr(0, step.length) : kReplacementCharacter;
        rest.remove_prefix(step.length);
    }
    held_ = std::string(rest);
    return text;
}

std::string StreamingDetokenizer::flush() {
    if (held_.empty()) return {};
    held_.clear();
    return std::string(kReplacementCharacter);  // a prefix of one character is one maximal subpart
}

}  // namespace krait
