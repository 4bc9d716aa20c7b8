// SPDX-License-Identifier: Apache-2.0
//
// Errors as clients of each family expect them, and JSON as an answer.
#pragma once

#include "server/http/exchange.hpp"
#include "server/json.hpp"

namespace krait::server {

// {"error": {"message", "type", "param", "code"}}
Json openai_error(const Error& error);

Json anthropic_error(const Error& error);  // {"type": "error", "error": {"type", "message"}}
Json ollama_error(const Error& error);     // {"error": "message"}

// In the form of the family that the path belongs to. A 503 asks for patience: clients try again at once otherwise.
void send_error(Exchange& exchange, const Error& error);
void send_json(Exchange& exchange, const Json& json);

}  // namespace krait::server
