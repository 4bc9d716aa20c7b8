// SPDX-License-Identifier: Apache-2.0
//
// A vocabulary of 128,000 tokens for measurements, made like those that byte-pair encoding makes of texts and code: all bytes,
// numbers to 999, runs of blanks, signs and signs with quotes, words of syllables in three spellings with and without a blank
// in front, words of Cyrillic and Chinese characters, and parts of characters. The same on every machine.
#pragma once

#include <random>
#include <set>
#include <string>
#include <vector>

#include "core/base/utf8.hpp"
#include "text/grammar/token_index.hpp"

namespace krait::test {

inline std::vector<std::string> made_vocabulary(size_t n_token = 128'000) {
    std::vector<std::string> tokens;
    std::set<std::string> known;
    const auto add = [&](const std::string& text) {
        if (tokens.size() < n_token && !text.empty() && known.insert(text).second) tokens.push_back(text);
    };
    for (int byte = 0; byte < 256; ++byte) add(std::string(1, static_cast<char>(byte)));
    for (int number = 0; number < 1000; ++number) {
        add(std::to_string(number));
        add(fmt::format("{:02}", number));
        add(fmt::format("{:03}", number));
    }
    for (const char* unit : {" ", "\n", "\t", "\r\n", "-", "=", "*", "#", "_", ".", "/"})
        for (size_t n = 1; n <= 80; n = n < 20 ? n + 1 : n + 12) {
            std::string run;
            for (size_t i = 0; i < n; ++i) run += unit;
            add(run);
            add("\n" + run);
            add(run + "\n");
        }
    const std::vector<std::string> signs{"\"", "'", ",", ":", ";", "{", "}", "[", "]", "(",  ")",
                                         "\\", "/", "<", ">", "=", "+", ".", "!", "?", "\n", " "};
    for (const std::string& a : signs)
        for (const std::string& b : signs)
            for (const std::string& c : signs) {
                add(a + b);
                add(a + b + c);
            }
    std::mt19937 random(1);
    const auto one_of = [&](const auto& list) { return list[random() % list.size()]; };
    const std::vector<std::string> heads{"b", "br", "c",  "ch", "d", "f", "g",  "gr", "h",  "j", "k", "l", "m",
                                         "n", "p",  "pl", "qu", "r", "s", "st", "t",  "tr", "v", "w", "z", ""};
    const std::vector<std::string> vowels{"a", "e", "i", "o", "u", "ai", "ea", "io", "ou"};
    const std::vector<std::string> tails{"", "n", "r", "s", "t", "l", "ng", "ck", "nt", "m", "x"};
    while (tokens.size() < n_token * 3 / 4) {
        std::string word;
        for (size_t i = 0, n = 1 + random() % 4; i < n; ++i) word += one_of(heads) + one_of(vowels) + one_of(tails);
        add(word);
        add(" " + word);
        std::string capital = word;
        capital[0] = static_cast<char>(capital[0] - 'a' + 'A');
        if (random() % 2 == 0) add(capital);
        if (random() % 2 == 0) add(" " + capital);
        if (random() % 12 == 0) add(one_of(signs) + word);
        if (random() % 24 == 0) add(word + one_of(signs));
        if (random() % 24 == 0) add("_" + word);
    }
    while (tokens.size() < n_token) {
        std::string word(random() % 2, ' ');
        const bool is_cyrillic = random() % 2 == 0;
        for (size_t i = 0, n = 1 + random() % (is_cyrillic ? 6 : 3); i < n; ++i)
            append_utf8(word, is_cyrillic ? 0x430 + random() % 32 : 0x4E00 + random() % 0x3000);
        add(word);
        if (random() % 8 == 0) add(word.substr(0, word.size() - 1));
        if (random() % 16 == 0) add(word.substr(word.size() - 1 - word.size() % 2));
    }
    return tokens;
}

inline std::shared_ptr<const grammar::TokenIndex> made_tokens(const std::vector<std::string>& texts) {
    std::vector<grammar::TokenEntry> entries{{"</s>", true}};
    for (const std::string& text : texts) entries.push_back({text, false});
    const std::vector<int32_t> ends{0};
    return std::make_shared<const grammar::TokenIndex>(*grammar::TokenIndex::create(entries, ends));
}

}  // namespace krait::test
