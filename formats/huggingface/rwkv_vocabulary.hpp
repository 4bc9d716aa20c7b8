// SPDX-License-Identifier: Apache-2.0
//
// rwkv_vocab_v20230424.txt, the vocabulary of RWKV World: a line a token, its id, its text as Python writes a str or bytes, and
// how many bytes that are:
//   1 '\x00' 1
//   257 '\t\t' 2
//   10000 b'\xe6\xad' 2
// Id 0 has no line; it begins and ends texts. Tokens become texts as GGUF has them, escaped as Python escapes bytes.
#pragma once

#include <filesystem>

#include "core/base/result.hpp"
#include "formats/huggingface/tokenizer_parts.hpp"

namespace krait::huggingface {

// Errors are corrupt_file and name the file and the line.
Result<TokenizerParts> read_rwkv_vocabulary(const std::filesystem::path& path);
// file stands for the file in messages.
Result<TokenizerParts> parse_rwkv_vocabulary(std::string_view text, const std::string& file);

}  // namespace krait::huggingface
