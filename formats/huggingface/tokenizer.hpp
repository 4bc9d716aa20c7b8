// SPDX-License-Identifier: Apache-2.0
//
// tokenizer.json and the files beside it, as GGUF's keys "tokenizer.*": tokens, merges, the name of the pre-tokenizer, which
// tokens begin and end a text, and chat templates. Byte-level BPE is read; a tokenizer of another kind is an error that says
// so.
//
//   tokenizer.json           vocabulary, merges, added tokens, pre-tokenizer, what is put around a text
//   tokenizer_config.json    bos, eos, unk and pad by their texts; add_bos_token, add_eos_token; the chat template
//   chat_template.jinja      instead of that template
//   config.json, generation_config.json   ids of bos, eos and pad; all that end a text
#pragma once

#include "formats/gguf/gguf_value.hpp"
#include "formats/huggingface/config.hpp"

namespace krait::huggingface {

struct TokenizerFiles {
    std::filesystem::path folder;   // where tokenizer.json is, or is not
    const Config* model = nullptr;  // config.json of the model
    int64_t n_vocab = 0;            // rows of the embedding: ids up to there that nobody names become tokens of type `unused`
};

// not_found where the folder has no tokenizer.json. Sentences about what is not taken over go to warnings.
Result<std::vector<GgufMetadata>> read_tokenizer(const TokenizerFiles& files, std::vector<std::string>& warnings);

}  // namespace krait::huggingface
