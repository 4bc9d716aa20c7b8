// SPDX-License-Identifier: Apache-2.0
//
// Settings beside a tokenizer: what Krait reads of tokenizer_config.json, and ids of special tokens in generation_config.json
// and config.json. A setting that is null is as good as absent. Errors are corrupt_file and name the file, the setting, the
// byte and the kind of value that is needed.
#pragma once

#include "formats/huggingface/config.hpp"
#include "formats/huggingface/tokenizer_parts.hpp"

namespace krait::huggingface {

// Fails on the first setting that is of another kind than its name has. Other names may have values of any kind.
Result<void> check_tokenizer_config(const Config& config);
// The same for "bos_token_id" and the like: a whole number, or a list of them. Whether there is such a token is not asked.
Result<void> check_token_ids(const Config& config);

// "added_tokens_decoder" of tokenizer_config.json: {"32000": {"content": "<x>", "special": true, ...}}.
Result<std::vector<AddedToken>> added_tokens_of(const Config& config);

}  // namespace krait::huggingface
