// SPDX-License-Identifier: Apache-2.0
//
// The rules by which models' texts were cut into pieces, by the names that files give them (`tokenizer.ggml.pre`). For
// PreTokenizer.
#pragma once

#include <array>
#include <span>
#include <string_view>

namespace krait {

struct PreTokenizerRule {
    std::array<const char*, 3> regexes{};  // PCRE2, one after the other, each inside the pieces of the one before; null = none
    bool numerals_in_threes = false;       // at last: runs of numerals apart, every three digits a piece
    bool whole_pieces_first = false;
    bool nfc = false;
};

struct PreTokenizerName {
    std::string_view name;
    const PreTokenizerRule& rule;
    bool adds_bos = false;  // where the file does not say
};

// By name, ascending.
[[nodiscard]] std::span<const PreTokenizerName> pre_tokenizer_names();
// Null for an unknown one.
[[nodiscard]] const PreTokenizerName* find_pre_tokenizer(std::string_view name);

}  // namespace krait
