// SPDX-License-Identifier: Apache-2.0
//
// The tokens of a tokenizer: their texts, types and bytes, and the way from a text to its id. For the tokenizer's own files.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "text/tokenizer/text_table.hpp"
#include "text/tokenizer/tokenizer_spec.hpp"

namespace krait {

struct Vocabulary {
    using BytesOf = std::string (*)(std::string_view text, TokenType type);

    // Fails on no tokens and on too many. Flaws that can be got over become warnings.
    [[nodiscard]] static Result<Vocabulary> create(const TokenizerSpec& spec, BytesOf bytes_of);

    TextTable texts;  // as the vocabulary writes them
    TextTable bytes;  // what they stand for
    std::vector<TokenType> types;
    TextIndex ids;                           // of `texts`
    std::array<int32_t, 256> byte_tokens{};  // the token of a byte; -1 = none
    std::optional<int32_t> bos, eos, unk, pad, sep;
    std::vector<std::string> warnings;

    [[nodiscard]] std::optional<int32_t> find(std::string_view text) const { return ids.find(texts, text); }
    [[nodiscard]] bool has(int32_t id) const { return id >= 0 && static_cast<size_t>(id) < texts.size(); }
    [[nodiscard]] int32_t size() const { return static_cast<int32_t>(texts.size()); }
    [[nodiscard]] bool is_control(int32_t id) const {
        return types[id] == TokenType::control || types[id] == TokenType::unknown;
    }
    [[nodiscard]] bool covers_all_bytes() const;
    // Equal texts belong to the first of their ids.
    [[nodiscard]] bool is_findable(int32_t id) const { return find(texts[id]) == id; }

  private:
    void read_tokens(const TokenizerSpec& spec, size_t n_bytes, BytesOf bytes_of);
};

// The byte that <0x0A> means.
[[nodiscard]] std::optional<char> raw_byte(std::string_view text);

// `text` where no token of another type says its bytes otherwise: the byte of <0x0A>, the text of others.
[[nodiscard]] std::string plain_bytes_of(std::string_view text, TokenType type);

// Flaws of one kind, of which there may be as many as tokens: they are counted, and the first one is told.
class Flaws {
  public:
    template <class Describe>
    void add(Describe&& describe) {
        if (count_++ == 0) first_ = describe();
    }
    void report(std::string_view consequence, std::vector<std::string>& warnings) const;

  private:
    size_t count_ = 0;
    std::string first_;
};

// The scores of a spec that needs them: as many as tokens, all of them finite.
[[nodiscard]] Result<void> check_scores(const TokenizerSpec& spec);

}  // namespace krait
