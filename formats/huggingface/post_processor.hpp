// SPDX-License-Identifier: Apache-2.0
//
// The special tokens that the post-processor of tokenizer.json puts around a text: TemplateProcessing, BertProcessing,
// RobertaProcessing, or a sequence with one of them.
#pragma once

#include "formats/huggingface/tokenizer_parts.hpp"
#include "formats/json/json_value.hpp"

namespace krait::huggingface {

// Sets first and last. Where there are several tokens at one side, the outermost is taken, with a warning.
void read_post_processor(const JsonValue& processor, TokenizerParts& parts);

}  // namespace krait::huggingface
