// SPDX-License-Identifier: Apache-2.0
//
// Members of the objects of tokenizer.json by their names, each of which is of one kind wherever it stands.
#pragma once

#include "formats/huggingface/tokenizer_parts.hpp"
#include "formats/json/json_value.hpp"

namespace krait::huggingface {

// Fails on a member of another kind than its name has, at any depth; null is as good as absent. The error names the file, the
// member and the byte.
Result<void> check_fields(const JsonValue& value, std::string_view file);

// Members of a value that check_fields has passed: "" and fallback where there is none of that name.
std::string_view text_of(const JsonValue& value, std::string_view key);
bool flag_of(const JsonValue& value, std::string_view key, bool fallback);
// {"content": "<x>", "special": true, "lstrip": false, ...}, as tokenizer_config.json has it too.
AddedToken added_token_of(const JsonValue& token, int64_t id);

}  // namespace krait::huggingface
