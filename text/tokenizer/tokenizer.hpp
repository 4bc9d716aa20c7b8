// SPDX-License-Identifier: Apache-2.0
//
// Text to token ids and back, for every kind of vocabulary that GGUF files of the family have (TokenizerSpec::model).
//
//   text -> control tokens and user-defined tokens are cut out, the leftmost and there the longest (special_tokens.hpp)
//        -> what lies between is encoded by the kind (kinds/) -> ids
//
// Any bytes are text. Where bytes are no UTF-8, or say what the vocabulary has no token for: kinds with a token for each byte
// (byte-level BPE, "rwkv", "llama" with byte pieces) encode them exactly, so decode(encode(x)) == x; the others write the
// unknown token. Where there is neither, encode says so, or writes U+FFFD if asked to. Time: O(n log n) for n bytes, whatever
// they are, in "gpt2" and "llama"; in the others n times the length of the longest token at most.
//
// A Tokenizer never changes once it is made: share it between threads without a lock. A copy costs one reference.
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
    // Other text stands before. Else the blank that a kind puts before a text (SpacePrefix) is taken away.
    bool continues = false;
};

class Tokenizer {
  public:
    // Fails, and says why, on an unknown model and an empty vocabulary. Flaws that can be got over are warnings: tables of
    // different length, equal and empty texts, merges that name no token, ids out of range. With an unknown pre-tokenizer,
    // scores that are none or a damaged character map, ids become text, and encode says why text does not become ids. Also
    // fails, with `cancelled`, when spec.keep_going says so. Memory: about 80 bytes a token with its merge.
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
