// SPDX-License-Identifier: Apache-2.0
//
// What Tokenizer::create makes of a TokenizerSpec, and Tokenizer reads. For the tokenizer's own files.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer/bpe.hpp"
#include "text/tokenizer/literal_matcher.hpp"
#include "text/tokenizer/pre_tokenizer.hpp"
#include "text/tokenizer/text_table.hpp"
#include "text/tokenizer/tokenizer.hpp"

namespace krait {

struct Tokenizer::Data {
    explicit Data(Result<PreTokenizer> rule) : pre_tokenizer(std::move(rule)) {}

    // The steps of Tokenizer::create, in their order.
    void read_special(const TokenizerSpec& spec);
    void read_tokens(const std::vector<std::string>& tokens, size_t n_bytes);
    void read_merges(const std::vector<std::string>& texts_of_merges);
    Result<void> add_merge(std::string_view merge, int32_t rank);

    TextTable texts;  // as the vocabulary writes them
    TextTable bytes;  // what they stand for
    std::vector<TokenType> types;
    TextIndex ids;                           // of `texts`
    std::array<int32_t, 256> byte_tokens{};  // -1 = none
    MergeTable merges;
    Result<PreTokenizer> pre_tokenizer;  // the error: ids become text, but text no ids
    LiteralMatcher control, user_defined;
    std::optional<int32_t> bos, eos, unk, pad;
    bool add_bos = false, add_eos = false;
    std::vector<std::string> warnings;

    [[nodiscard]] std::optional<int32_t> find(std::string_view text) const { return ids.find(texts, text); }
    [[nodiscard]] bool has(int32_t id) const { return id >= 0 && static_cast<size_t>(id) < texts.size(); }
};

}  // namespace krait
