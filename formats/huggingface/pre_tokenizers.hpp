// SPDX-License-Identifier: Apache-2.0
//
// GGUF's names (tokenizer.ggml.pre) of the pre-tokenizers of tokenizer.json.
#pragma once

#include "formats/json/json_value.hpp"

namespace krait::huggingface {

// One name of each rule of byte-level BPE: "gpt-2", "mpt" (with Unicode's NFC, GPT-NeoX), "llama-bpe". The error describes a
// pre-tokenizer that has none.
Result<std::string> pre_tokenizer_name(const JsonValue& normalizer, const JsonValue& pre_tokenizer, bool ignores_merges);

}  // namespace krait::huggingface
