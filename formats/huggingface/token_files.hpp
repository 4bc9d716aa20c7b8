// SPDX-License-Identifier: Apache-2.0
//
// The file that has the tokens of a folder, and what it says. The first that is there counts:
//   tokenizer.json              tokenizer_json.hpp; where it is of a kind that is not read, one of the others if there is one
//   tokenizer.model             sentencepiece_model.hpp; also spiece.model, and tokenizer.model.v3 of Mistral
//   rwkv_vocab_v20230424.txt    rwkv_vocabulary.hpp; every rwkv_vocab*.txt
//   tokenizer.jsonl             plamo_vocabulary.hpp
#pragma once

#include <filesystem>

#include "core/base/result.hpp"
#include "formats/huggingface/tokenizer_parts.hpp"

namespace krait::huggingface {

// place: a folder, or one of these files. not_found where it has none of them.
Result<TokenizerParts> read_token_file(const std::filesystem::path& place);

}  // namespace krait::huggingface
