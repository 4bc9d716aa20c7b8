// SPDX-License-Identifier: Apache-2.0
//
// tokenizer.jsonl, the vocabulary of PLaMo 2: a line a token, in the order of ids, each a list of JSON with its text, its score
// and its type; what follows is not read.
//   ["<|plamo:bos|>", 0.0, "CONTROL"]
//   ["<0x0A>", -100.0, "BYTE"]
//   ["hello", -8.5, "NORMAL"]
#pragma once

#include <filesystem>

#include "core/base/result.hpp"
#include "formats/huggingface/tokenizer_parts.hpp"

namespace krait::huggingface {

// Errors are corrupt_file and name the file and the byte.
Result<TokenizerParts> read_plamo_vocabulary(const std::filesystem::path& path);
// file stands for the file in messages.
Result<TokenizerParts> parse_plamo_vocabulary(std::string_view text, const std::string& file);

}  // namespace krait::huggingface
