// SPDX-License-Identifier: Apache-2.0
#include "models/random/random_vocabulary.hpp"

#include <fmt/format.h>

#include "text/tokenizer/byte_alphabet.hpp"

namespace krait {

TokenizerSpec random_vocabulary(int64_t n_vocab) {
    const auto size = static_cast<size_t>(n_vocab);
    TokenizerSpec spec;
    spec.pre = "gpt-2";
    spec.bos = spec.eos = spec.unk = 0;
    const auto add = [&](std::string text, TokenType type) {
        spec.tokens.push_back(std::move(text));
        spec.token_types.push_back(static_cast<int32_t>(type));
    };
    add("<|endoftext|>", TokenType::control);
    for (int byte = 0; byte < 256; ++byte) add(byte_to_alphabet(static_cast<uint8_t>(byte)), TokenType::normal);

    const auto add_merge = [&](const std::string& left, const std::string& right) {
        if (spec.tokens.size() >= size) return;
        spec.merges.push_back(left + " " + right);
        add(left + right, TokenType::normal);
    };
    const std::string blank = byte_to_alphabet(' ');
    std::vector<std::string> letters, pairs;
    for (char c = 'a'; c <= 'z'; ++c) letters.emplace_back(1, c);
    for (const std::string& a : letters) add_merge(blank, a);
    for (const std::string& a : letters)
        for (const std::string& b : letters) {
            pairs.push_back(a + b);
            add_merge(a, b);
        }
    for (const std::string& a : letters)
        for (const std::string& b : letters) add_merge(blank + a, b);
    for (const std::string& pair : pairs)
        for (const std::string& c : letters) add_merge(pair, c);

    while (spec.tokens.size() < size) add(fmt::format("<unused_{}>", spec.tokens.size()), TokenType::unused);
    return spec;
}

}  // namespace krait
