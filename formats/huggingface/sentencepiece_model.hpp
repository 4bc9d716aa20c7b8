// SPDX-License-Identifier: Apache-2.0
//
// tokenizer.model, the file of sentencepiece: a protocol buffer (ModelProto) of pieces with scores, how they were trained and
// how text is normalized. BPE and Unigram are read. Errors name the file, the field and the byte.
#pragma once

#include <filesystem>

#include "core/base/result.hpp"
#include "formats/huggingface/tokenizer_parts.hpp"

namespace krait::huggingface {

Result<TokenizerParts> read_sentencepiece_model(const std::filesystem::path& path);
// file stands for the file in messages.
Result<TokenizerParts> parse_sentencepiece_model(std::string_view bytes, const std::string& file);

}  // namespace krait::huggingface
