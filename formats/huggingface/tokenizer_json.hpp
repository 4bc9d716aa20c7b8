// SPDX-License-Identifier: Apache-2.0
//
// tokenizer.json, the file of Hugging Face's library tokenizers: byte-level BPE. Vocabulary and merges are read as they come,
// so that memory is theirs alone.
#pragma once

#include "formats/json/json_value.hpp"

namespace krait::huggingface {

struct AddedToken {
    std::string text;
    int64_t id = 0;
    bool is_special = false, strips = false, single_word = false;
};

struct TokenizerJson {
    std::string file;
    std::vector<std::pair<std::string, int64_t>> vocabulary;  // texts in the byte alphabet
    std::vector<std::string> merges;                          // "left right", best first
    std::vector<AddedToken> added;
    std::string pre;           // the name that GGUF has for the pre-tokenizer
    JsonValue post_processor;  // what is put around a text

    // Fails for tokenizers that are no byte-level BPE, and for pre-tokenizers without a name, with what they are.
    static Result<TokenizerJson> open(const std::filesystem::path& path);
};

}  // namespace krait::huggingface
