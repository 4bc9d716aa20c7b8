// SPDX-License-Identifier: Apache-2.0
//
// A tokenizer as plain data, whichever file of a folder it was read from (token_files.hpp).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace krait::huggingface {

inline constexpr int64_t kMaxTokens = int64_t{1} << 24;  // more than any vocabulary has; ids are below it

// As GGUF numbers them.
enum class PieceType : uint8_t { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };

struct Piece {
    std::string text;
    int64_t id = 0;
    float score = 0;  // higher is better; nothing for byte-level BPE, WordPiece and RWKV
    PieceType type = PieceType::normal;
};

// A token that is cut out of text before anything else.
struct AddedToken {
    std::string text;
    int64_t id = 0;
    bool is_special = false;
    bool lstrip = false, rstrip = false;  // white space before it, behind it belongs to it
    bool single_word = false;             // not beside a letter or a digit
    bool normalized = false;              // is searched in the normalized text
};

// Where a text gets a blank that it does not have.
enum class Blank : uint8_t { never, every_part, text_start };

// How a text is prepared and cut.
struct TextRules {
    std::string model;  // GGUF's name of the kind: "gpt2", "llama", "t5", "bert", "rwkv", "plamo2"
    std::string pre;    // of "gpt2": GGUF's name of the rule that cuts text into pieces
    // For "llama" and "t5".
    Blank blank = Blank::never;
    bool treat_whitespace_as_suffix = false;
    bool remove_extra_whitespaces = false;
    std::string charsmap;  // which characters become others, as sentencepiece compiles it
    // For "bert".
    bool lowercase = true, strip_accents = true;
};

struct TokenizerParts {
    std::string file;
    TextRules rules;
    std::vector<Piece> pieces;        // of "bert": with U+2581 where a word begins, as GGUF has them
    std::vector<std::string> merges;  // of "gpt2": "left right", best first
    std::vector<AddedToken> added;    // may repeat pieces
    std::optional<int64_t> bos, eos, unk, pad;
    std::optional<int64_t> eot;  // ends a turn of a conversation
    bool has_added = false;      // `added` is all of them; else tokenizer_config.json has them
    // The special tokens before and behind a text; "" = none, nullopt = the file does not say.
    std::optional<std::string> first, last;
    std::vector<std::string> warnings;  // about what is not taken over
};

}  // namespace krait::huggingface
