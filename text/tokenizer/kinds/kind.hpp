// SPDX-License-Identifier: Apache-2.0
//
// A kind of tokenizer: how text between special tokens becomes ids. Tables that never change make an encoder for each call.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "text/tokenizer/vocabulary.hpp"

namespace krait {

// The arguments of one call of Tokenizer::encode.
struct EncodeContext {
    std::string_view text;             // the whole, for messages
    bool replace_unencodable = false;  // U+FFFD for a byte that has no token, instead of an error

    // "byte 3 of the text", or words where the byte lies in a copy.
    [[nodiscard]] std::string place_of(const char* byte) const;
    // The error for a byte that has no token.
    [[nodiscard]] tl::unexpected<Error> no_token(const char* byte, bool replacement_missing) const;
    // A character without a token, in kinds of sentencepiece: its bytes, where each has a token; else the unknown token, one
    // for all that stand together.
    Result<void> append_unknown(std::string_view character, bool has_all_bytes, bool is_behind_unknown,
                                const Vocabulary& vocabulary, std::vector<int32_t>& ids) const;
};

// Scratch of one call, on one thread.
class PartEncoder {
  public:
    PartEncoder() = default;
    PartEncoder(const PartEncoder&) = delete;
    PartEncoder& operator=(const PartEncoder&) = delete;
    virtual ~PartEncoder() = default;
    // Appends the ids of a part of the text, any bytes, not empty. `begins_text`: nothing stands before it.
    virtual Result<void> encode(std::string_view part, bool begins_text, std::vector<int32_t>& ids) = 0;
};

class TokenizerKind {
  public:
    TokenizerKind() = default;
    TokenizerKind(const TokenizerKind&) = delete;
    TokenizerKind& operator=(const TokenizerKind&) = delete;
    virtual ~TokenizerKind() = default;

    // Text as it is when tokens with TokenRule::normalized are searched in it; nothing where it stays as it is.
    [[nodiscard]] virtual std::optional<std::string> normalized(std::string_view) const { return std::nullopt; }
    // An encoder, which is gone before `context` and this.
    [[nodiscard]] virtual std::unique_ptr<PartEncoder> encoder(const EncodeContext& context) const = 0;
};

// One that a TokenizerSpec can name. `create` completes the vocabulary where the kind knows more of it (byte_tokens,
// warnings), and keeps a reference to it.
struct KindEntry {
    std::string_view model;
    Vocabulary::BytesOf bytes_of;
    bool cuts_user_defined;  // user-defined tokens are cut out as control tokens are; else the encoder finds them
    bool strips_blank;       // tokens of a whole text say one blank more than the text has, if it got a prefix
    Result<std::unique_ptr<const TokenizerKind>> (*create)(const TokenizerSpec& spec, Vocabulary& vocabulary);
};

extern const KindEntry kByteLevelBpe, kSentencePieceBpe, kUnigram, kWordPiece, kRwkv, kPlamo2;

}  // namespace krait
