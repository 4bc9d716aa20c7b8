// SPDX-License-Identifier: Apache-2.0
//
// The tokenizer of a folder as GGUF's keys "tokenizer.*": tokens, scores or merges, how text is prepared, which tokens begin
// and end a text, and chat templates. Keys "krait.tokenizer.*" say what GGUF has no keys for (docs/tokenizers.md).
//
//   tokenizer.json and others   vocabulary, and what the file says of added tokens, of how text is cut and of what is put
//                            around it (token_files.hpp)
//   tokenizer_config.json    bos, eos, unk and pad by their texts; add_bos_token, add_eos_token; the chat template; where
//                            there is no tokenizer.json the added tokens, and "legacy": where blanks are put
//   chat_template.jinja      instead of that template
//   config.json, generation_config.json   ids of bos, eos and pad; all that end a text
#pragma once

#include "formats/gguf/gguf_value.hpp"
#include "formats/huggingface/config.hpp"

namespace krait::huggingface {

struct TokenizerFiles {
    std::filesystem::path place;    // a folder where the tokenizer is, or is not; or the file with the tokens itself
    const Config* model = nullptr;  // config.json of the model; nullptr where there is none
    int64_t n_vocab = 0;            // rows of the embedding: ids up to there that nobody names become tokens of type `unused`
};

// not_found where the place has no file with tokens. Sentences about what is not taken over go to
// warnings.
Result<std::vector<GgufMetadata>> read_tokenizer(const TokenizerFiles& files, std::vector<std::string>& warnings);

}  // namespace krait::huggingface
