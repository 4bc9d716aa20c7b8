// SPDX-License-Identifier: Apache-2.0
//
// The contents of tokenizer.json, before it is known which kind of tokenizer that is.
#pragma once

#include "formats/huggingface/tokenizer_parts.hpp"
#include "formats/json/json_value.hpp"

namespace krait::huggingface {

struct TokenizerJson {
    std::string file;
    std::string type;  // "BPE", "Unigram", "WordPiece"
    std::vector<Piece> pieces;
    std::vector<std::string> merges;
    std::vector<AddedToken> added;
    std::string unk_token;        // of BPE and WordPiece
    std::optional<int64_t> unk;   // of Unigram
    std::string subword_prefix;   // before a piece that goes on with a word: "##"
    std::string word_suffix;      // behind a piece that ends a word
    int64_t max_word = 100;       // WordPiece: longer words are unknown
    bool has_pairs = false;       // the vocabulary is a list of texts and scores
    bool ignores_merges = false;  // a piece of text that is a token stays whole
    bool has_byte_fallback = false;
    JsonValue normalizer, pre_tokenizer, post_processor;
};

// The kind, and how it prepares text. The error describes the part that no kind has.
Result<TextRules> text_rules_of(const TokenizerJson& json);

}  // namespace krait::huggingface
