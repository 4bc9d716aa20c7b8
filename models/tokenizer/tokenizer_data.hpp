// SPDX-License-Identifier: Apache-2.0
//
// What Tokenizer::create makes of a TokenizerSpec, and Tokenizer reads. For the tokenizer's own files.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "models/tokenizer/bpe.hpp"
#include "models/tokenizer/literal_matcher.hpp"
#include "models/tokenizer/pre_tokenizer.hpp"
#include "models/tokenizer/tokenizer.hpp"

namespace krait {

struct Tokenizer::Data {
    explicit Data(Result<PreTokenizer> rule) : pre_tokenizer(std::move(rule)) {}
    Data(const Data&) = delete;  // `ids` points into `texts`
    Data& operator=(const Data&) = delete;

    // The steps of Tokenizer::create, in their order.
    void read_special(const TokenizerSpec& spec);
    void read_tokens(std::vector<std::string> tokens);
    void read_merges(const std::vector<std::string>& texts_of_merges);
    Result<void> add_merge(std::string_view merge, int32_t rank);

    std::vector<std::string> texts;  // as the vocabulary writes them
    std::vector<std::string> bytes;  // what they stand for
    std::vector<TokenType> types;
    std::unordered_map<std::string_view, int32_t> ids;  // by text
    std::array<int32_t, 256> byte_tokens{};             // -1 = none
    MergeTable merges;
    Result<PreTokenizer> pre_tokenizer;  // the error: ids become text, but text no ids
    LiteralMatcher control, user_defined;
    std::optional<int32_t> bos, eos, unk, pad;
    bool add_bos = false, add_eos = false;
    std::vector<std::string> warnings;

    [[nodiscard]] std::optional<int32_t> find(std::string_view text) const {
        const auto found = ids.find(text);
        return found == ids.end() ? std::nullopt : std::optional(found->second);
    }
    [[nodiscard]] bool has(int32_t id) const { return id >= 0 && static_cast<size_t>(id) < texts.size(); }
};

}  // namespace krait
