// SPDX-License-Identifier: Apache-2.0
//
// What a tokenizer is made of, as plain data: the fields that a model file holds, and nothing of the file itself.
// Whoever reads a file fills this in; Tokenizer::create checks it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace krait {

// The numbers that model files store.
enum class TokenType : uint8_t {
    normal = 1,        // text in the byte alphabet
    unknown = 2,       // stands for what the vocabulary cannot say
    control = 3,       // no text: document boundary, turn markers
    user_defined = 4,  // literal text, cut out before anything else
    unused = 5,        // fills the table up to a round size
    byte = 6,          // one raw byte, written <0x0A>
};

struct TokenizerSpec {
    std::string model = "gpt2";        // the family; "gpt2" = byte-level BPE
    std::string pre = "default";       // which rule cuts text into pieces: see PreTokenizer
    std::vector<std::string> tokens;   // text of every id
    std::vector<int32_t> token_types;  // a TokenType for every id; empty = all normal
    std::vector<std::string> merges;   // "left right", best first
    std::optional<int64_t> bos, eos, unk, pad;
    std::vector<int64_t> ends;  // tokens that end a text, besides eos: the end of a turn or of a message, and others
    bool add_bos = false;       // a text begins with bos
    bool add_eos = false;       // a text ends with eos

    [[nodiscard]] bool has_token(int64_t id) const { return id >= 0 && static_cast<uint64_t>(id) < tokens.size(); }
};

}  // namespace krait
