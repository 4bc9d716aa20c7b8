// SPDX-License-Identifier: Apache-2.0
//
// Which of GGUF's names (tokenizer.ggml.pre) a pre-tokenizer of tokenizer.json has.
#pragma once

#include "formats/json/json_value.hpp"

namespace krait::huggingface {

// Of byte-level BPE, one name of each rule: "gpt-2", "mpt" (with Unicode's NFC, GPT-NeoX), "llama-bpe". The error describes a
// pre-tokenizer that has none.
Result<std::string> pre_tokenizer_name(const JsonValue& normalizer, const JsonValue& pre_tokenizer, bool ignores_merges);

}  // namespace krait::huggingface
