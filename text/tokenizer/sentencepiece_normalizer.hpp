// SPDX-License-Identifier: Apache-2.0
//
// How sentencepiece prepares a text: characters become others by the character map, blanks become U+2581, extra ones vanish,
// and one is put before the text. T. Kudo, J. Richardson, "SentencePiece", EMNLP 2018, section 3.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "text/tokenizer/byte_trie.hpp"
#include "text/tokenizer/charsmap.hpp"
#include "text/tokenizer/vocabulary.hpp"

namespace krait {

inline constexpr std::string_view kSpaceMark = "\u2581";

class SentencePieceNormalizer {
  public:
    // `keeps_bytes`: bytes that are no UTF-8 stay as they are, for a vocabulary that has tokens for them; else U+FFFD.
    [[nodiscard]] static Result<SentencePieceNormalizer> create(const TokenizerSpec& spec, const Vocabulary& vocabulary,
                                                                bool keeps_bytes);

    [[nodiscard]] std::string normalize(std::string_view part, bool begins_text) const;
    // User-defined pieces, which stay whole.
    [[nodiscard]] const ByteTrie& user_defined() const { return user_defined_; }

  private:
    SentencePieceNormalizer() = default;
    struct Step {
        size_t length;  // of the text
        std::string_view becomes;
    };
    [[nodiscard]] Step step(std::string_view text) const;

    Charsmap charsmap_;
    ByteTrie user_defined_;
    SpacePrefix prefix_ = SpacePrefix::never;
    bool suffix_ = false, removes_extra_ = false, keeps_bytes_ = false;
};

// The bytes of a token: U+2581 is a blank, and the unknown token is shown as sentencepiece shows it.
[[nodiscard]] std::string sentencepiece_bytes_of(std::string_view text, TokenType type);

}  // namespace krait
