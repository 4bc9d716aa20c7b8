// SPDX-License-Identifier: Apache-2.0
//
// JSON of clients, with bounds, and JSON for them.
#pragma once

#include <nlohmann/json.hpp>

#include "server/error.hpp"

namespace krait::server {

// Keys keep their order: clients' schemas have a meaning in theirs.
using Json = nlohmann::ordered_json;

inline constexpr size_t kMaxJsonDepth = 100;         // the chat templates take 128, two of which are ours
inline constexpr size_t kMaxJsonValues = 4'000'000;  // about 100 MiB of memory: a prompt of that many token ids

// An object; error for what is no JSON, no object, deeper or larger than that, has a number that is no double, or text that is
// not UTF-8.
Result<Json> parse_json(std::string_view text);

// Text that is not UTF-8 becomes U+FFFD.
std::string to_text(const Json& json);

}  // namespace krait::server
