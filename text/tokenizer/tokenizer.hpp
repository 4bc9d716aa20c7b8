// SPDX-License-Identifier: Apache-2.0
//
// Text to token ids and back: byte-level byte-pair encoding, as GPT-2, GPT-NeoX and the Mamba models use it.
//
//   text -> control tokens and user-defined tokens are cut out, literally, the leftmost and there the longest first
//        -> runs of valid UTF-8 are cut into pieces by a regular expression (pre_tokenizer.hpp)
//        -> every piece is a row of byte tokens that merges join, the best rank first (bpe.hpp) -> ids
//
// Any bytes are text. Bytes that are no UTF-8 form pieces of their own, so decode(encode(x)) == x for every x, as long
// as the vocabulary has a token for each byte. Where it lacks one (some have none for bytes that UTF-8 never uses) encode
// says so, or writes U+FFFD if asked to.
//
// A Tokenizer never changes once it is made: share it between threads without a lock. A copy costs one reference.
//
// R. Sennrich, B. Haddow, A. Birch, "Neural Machine Translation of Rare Words with Subword Units", ACL 2016 (BPE);
// A. Radford et al., "Language Models are Unsupervised Multitask Learners", 2019, section 2.2 (on bytes).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/byte_range.hpp"
#include "core/base/result.hpp"
#include "text/tokenizer/tokenizer_spec.hpp"

namespace krait {

struct EncodeOptions {
    bool add_bos = true;         // bos in front, if the model wants it
    bool add_eos = true;         // eos behind, if the model wants it; not where the text is to be continued
    bool parse_special = false;  // "<|endoftext|>" in the text is the control token; else it is these letters
    // With parse_special: parts of the text where nothing is a control token, as others wrote them; ascending, without overlap.
    std::span<const ByteRange> plain_parts = {};
    bool replace_unencodable = false;  // a byte without token: U+FFFD in its place, instead of an error
};

struct DecodeOptions {
    bool control = false;  // control tokens as their text; else they leave no trace
};

class Tokenizer {
  public:
    // Fails, and says why, on an unknown model and an empty vocabulary. Flaws that can be got over are warnings: tables of
    // different length, equal and empty texts, merges that name no token, ids out of range. With an unknown pre-tokenizer ids
    // become text, and encode says why text does not become ids. Memory: about 80 bytes a token with its merge.
    [[nodiscard]] static Result<Tokenizer> create(TokenizerSpec spec);

    // Names that `TokenizerSpec::model` may have, and `TokenizerSpec::pre`, for messages: "default, falcon, gpt-2, ...".
    [[nodiscard]] static std::string supported_models();
    [[nodiscard]] static std::string supported_pre_tokenizers();

    // Sentences for the user: what is wrong with the vocabulary, and what was made of it.
    [[nodiscard]] const std::vector<std::string>& warnings() const;

    // Fails only on a byte that has no token, a text of more than 682 MiB, and an unknown pre-tokenizer.
    [[nodiscard]] Result<std::vector<int32_t>> encode(std::string_view text, EncodeOptions options = {}) const;

    // The exact bytes, which need not be UTF-8: ids may start or end inside a character. Fails on an id out of range.
    [[nodiscard]] Result<std::string> decode(std::span<const int32_t> ids, DecodeOptions options = {}) const;

    // The bytes one token stands for (a control token: its text). Empty for an id out of range.
    [[nodiscard]] std::string_view token_bytes(int32_t id) const;
    // The token as the vocabulary writes it ("\u0120the" for " the"), to be shown. Empty for an id out of range.
    [[nodiscard]] std::string_view token_text(int32_t id) const;
    [[nodiscard]] TokenType token_type(int32_t id) const;  // unused for an id out of range
    // The id whose vocabulary text this is; the first of several.
    [[nodiscard]] std::optional<int32_t> find(std::string_view token_text) const;

    [[nodiscard]] int32_t size() const;
    [[nodiscard]] std::optional<int32_t> bos() const;
    [[nodiscard]] std::optional<int32_t> eos() const;
    [[nodiscard]] std::optional<int32_t> unk() const;
    [[nodiscard]] std::optional<int32_t> pad() const;
    [[nodiscard]] bool is_control(int32_t id) const { return token_type(id) == TokenType::control; }
    // Ids that begin with bos twice: a text that has it already got another one, which no model has seen.
    [[nodiscard]] bool has_second_bos(std::span<const int32_t> ids) const;
    // Every one of the 256 bytes has a token, so encode cannot fail on content.
    [[nodiscard]] bool covers_all_bytes() const;

  private:
    struct Data;
    explicit Tokenizer(std::shared_ptr<const Data> data) : data_(std::move(data)) {}
    std::shared_ptr<const Data> data_;
};

}  // namespace krait
