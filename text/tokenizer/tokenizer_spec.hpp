// SPDX-License-Identifier: Apache-2.0
//
// The parts of a tokenizer, as plain data: the fields that a model file holds, and nothing of the file itself.
// Whoever reads a file fills this in; Tokenizer::create checks it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "text/tokenizer/build_check.hpp"

namespace krait {

// The numbers that model files store.
enum class TokenType : uint8_t {
    normal = 1,        // text, as the model writes it
    unknown = 2,       // stands for what the vocabulary cannot say
    control = 3,       // no text: document boundary, turn markers
    user_defined = 4,  // literal text, cut out before anything else
    unused = 5,        // fills the table up to a round size; with "llama": a piece that is taken apart again
    byte = 6,          // one raw byte, written <0x0A>
};

// Where a text gets a blank that it does not have, so that its first word is the token that it is inside of a text
// ("llama", "t5"). A part is what lies between two tokens that were cut out of the text.
enum class SpacePrefix : uint8_t {
    never,
    every_part,  // before each part, even if it begins with a blank: sentencepiece; "legacy" of Hugging Face
    text_start,  // before the text, unless it begins with a blank: "prepend_scheme": "first" of Hugging Face
};

// How a token is cut out of text, where it is not by the rule of its type: control and unknown tokens as they stand,
// user-defined ones in the text as the model normalizes it, neither with what surrounds them.
struct TokenRule {
    int64_t id = 0;
    bool lstrip = false, rstrip = false;  // white space before it, behind it belongs to it
    bool single_word = false;             // not beside a letter, digit or mark
    bool normalized = false;              // is searched in the normalized text; control and unknown tokens never are
};

struct TokenizerSpec {
    std::string file;  // whose tokenizer it is: why it takes no text begins with it; may be empty
    // The family: "gpt2" = byte-level BPE, "llama" = BPE of sentencepiece, "t5" = Unigram of sentencepiece, "bert" = WordPiece,
    // "rwkv" = the longest token, "plamo2" = the cheapest tokens.
    std::string model = "gpt2";
    std::string pre = "default";       // "gpt2": which rule cuts text into pieces: see PreTokenizer
    std::vector<std::string> tokens;   // text of every id
    std::vector<int32_t> token_types;  // a TokenType for every id; empty = all normal
    std::vector<float> scores;         // "llama", "t5", "plamo2": of every id, higher is better
    std::vector<std::string> merges;   // "gpt2": "left right", best first
    std::optional<int64_t> bos, eos, unk, pad, sep;
    std::vector<int64_t> ends;  // tokens that end a text, besides eos: the end of a turn or of a message, and others
    bool add_bos = false;       // a text begins with bos
    bool add_eos = false;       // a text ends with eos
    bool add_sep = false;       // a text ends with sep
    std::vector<TokenRule> rules;

    // For "llama" and "t5", as sentencepiece names them (its proto NormalizerSpec and TrainerSpec).
    SpacePrefix space_prefix = SpacePrefix::never;
    bool treat_whitespace_as_suffix = false;  // the blank of space_prefix stands behind the part
    bool remove_extra_whitespaces = false;    // blanks at both ends vanish, several between words become one
    std::string precompiled_charsmap;         // which characters become others; empty = none (charsmap.hpp)
    // For "bert".
    bool lowercase = true;
    bool strip_accents = true;

    KeepGoing keep_going;  // asked by Tokenizer::create, from its thread, every few ms; the error is then `cancelled`

    [[nodiscard]] bool has_token(int64_t id) const { return id >= 0 && static_cast<uint64_t>(id) < tokens.size(); }
};

}  // namespace krait
