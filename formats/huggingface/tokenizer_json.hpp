// SPDX-License-Identifier: Apache-2.0
//
// tokenizer.json, the file of Hugging Face's library tokenizers: byte-level BPE, BPE and Unigram of sentencepiece, WordPiece.
// Vocabulary and merges are read as they come, so that memory is theirs alone.
#pragma once

#include <filesystem>

#include "core/base/result.hpp"
#include "formats/huggingface/tokenizer_parts.hpp"

namespace krait::huggingface {

// Fails where Krait would cut texts in another way than tokenizers does, with the part of the file that it does not know.
Result<TokenizerParts> read_tokenizer_json(const std::filesystem::path& path);
// file stands for the file in messages.
Result<TokenizerParts> parse_tokenizer_json(std::string_view text, const std::string& file);

}  // namespace krait::huggingface
