// SPDX-License-Identifier: Apache-2.0
//
// The chat template that a command uses: the model's own, or one from a file.
#pragma once

#include <krait/chat.hpp>
#include <string>

namespace krait::tools {

// path: empty = the model's.
api::Result<api::ChatTemplate> open_chat_template(const api::Model& model, const std::string& path);

}  // namespace krait::tools
