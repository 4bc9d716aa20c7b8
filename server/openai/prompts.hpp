// SPDX-License-Identifier: Apache-2.0
//
// Prompts of completions, and inputs of embeddings: "text", [1, 2], ["text", "text"] or [[1, 2], [3]].
#pragma once

#include "server/served_model.hpp"

namespace krait::server::openai {

// Tokens of each prompt, none of which is empty. name: the field, for errors.
Result<std::vector<std::vector<int32_t>>> read_prompts(const Json* field, const std::string& name, const ServedModel& model);

}  // namespace krait::server::openai
