// SPDX-License-Identifier: Apache-2.0
//
// The tokens of a vocabulary as matching needs them: their bytes as a trie, so that tokens with a common beginning are looked
// at together, and masks of plain tokens. Made once for a vocabulary; it never changes, and threads share it.
//
// A plain character is any but '"', '\' and those below U+0020: what a string of JSON may hold as it is. A plain token has
// plain characters alone, all of them whole. Most tokens are plain; where a grammar repeats a rule that takes any plain
// character, the plain tokens that are short enough are all allowed, and the others alone have to be tried.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "text/grammar/code_points.hpp"

namespace krait::grammar {

// A bit for each token, the lowest bit of word 0 first.
using TokenMask = std::vector<uint64_t>;

inline bool has_token(std::span<const uint64_t> mask, size_t token) { return (mask[token / 64] >> (token % 64) & 1) != 0; }

CodePointSet plain_characters();

struct TokenEntry {
    std::string_view bytes;   // empty = it stands for no text
    bool is_special = false;  // a control token and the like: no part of a text, whatever its bytes are
};

// The nodes of a trie, each in front of all below it.
struct TrieNode {
    uint32_t end;    // behind the last node below this one
    int32_t token;   // -1 = none ends here
    uint16_t depth;  // bytes up to here, this one included
    uint8_t byte;
    // No token from here on has more plain characters, or kNotPlain: one of them is not plain or has more than kMaxPlain.
    uint8_t plain;
};

class TokenIndex {
  public:
    static constexpr uint8_t kMaxPlain = 32, kNotPlain = 255;

    // ends: the tokens that end a text, allowed where the grammar accepts. INVALID_ARGUMENT for no tokens, for one of more than
    // 65,535 bytes, and for an end that is none of them.
    static Result<TokenIndex> create(std::span<const TokenEntry> tokens, std::span<const int32_t> ends);

    [[nodiscard]] size_t n_token() const { return texts_.size(); }
    [[nodiscard]] size_t n_word() const { return (texts_.size() + 63) / 64; }  // of a mask
    [[nodiscard]] uint32_t max_bytes() const { return max_bytes_; }            // of a token
    [[nodiscard]] std::string_view text(int32_t token) const { return texts_[token]; }
    [[nodiscard]] bool is_special(int32_t token) const { return kinds_[token] == Kind::special; }
    [[nodiscard]] bool is_end(int32_t token) const { return kinds_[token] == Kind::end; }
    [[nodiscard]] std::span<const int32_t> ends() const { return ends_; }
    [[nodiscard]] std::span<const int32_t> specials() const { return specials_; }
    // The token of this text, whatever it is.
    [[nodiscard]] std::optional<int32_t> find(std::string_view text) const;

    [[nodiscard]] std::span<const TrieNode> all() const { return all_; }
    [[nodiscard]] std::span<const TrieNode> not_plain() const { return not_plain_; }  // those of kNotPlain alone
    // The next token with the same bytes; -1 = none.
    [[nodiscard]] int32_t same(int32_t token) const { return same_.empty() ? -1 : same_[token]; }
    // Plain tokens of 1 to n_character characters; n_character: 1 to kMaxPlain.
    [[nodiscard]] std::span<const uint64_t> plain(uint32_t n_character) const { return plain_[n_character - 1]; }

  private:
    enum class Kind : uint8_t { text, special, end };

    std::vector<std::string> texts_;
    std::vector<Kind> kinds_;
    std::vector<int32_t> ends_, specials_, same_;
    std::vector<TrieNode> all_, not_plain_;
    std::vector<TokenMask> plain_;
    uint32_t max_bytes_ = 0;
};

}  // namespace krait::grammar
