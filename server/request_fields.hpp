// SPDX-License-Identifier: Apache-2.0
//
// Fields of requests that all families of endpoints have, whatever they call them.
#pragma once

#include "server/fields.hpp"
#include "server/served_model.hpp"

namespace krait::server {

inline constexpr size_t kMaxStops = 16;  // texts before which an answer ends

// "model": fails with 404 where the request names one that is not served.
void check_model(Fields& fields, const ServedModel& model);

// Texts that have characters, and no NUL.
std::vector<std::string> read_stops(Fields& fields, std::string_view name);

// A content as text: a text, or a list of parts of text, put together.
Result<Json> read_text_content(const Json& content, const std::string& path);

}  // namespace krait::server
