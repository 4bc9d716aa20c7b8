// SPDX-License-Identifier: Apache-2.0
//
// The messages of a chat as chat templates read them.
#pragma once

#include "server/json.hpp"

namespace krait::server::openai {

// Variables for a template, of the body of a request: "messages" whose contents are texts, and what chat_template_kwargs and
// reasoning_effort say. Contents that are lists of parts are put together; "developer" is a system message.
Result<Json> read_chat_variables(const Json& body);

}  // namespace krait::server::openai
