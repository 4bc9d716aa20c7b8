// SPDX-License-Identifier: Apache-2.0
#include "server/error_response.hpp"

namespace krait::server {

Json openai_error(const Error& error) {
    const auto or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
    return {{"error",
             {{"message", error.message},
              {"type", type_of(error.status)},
              {"param", or_null(error.param)},
              {"code", or_null(error.code)}}}};
}

void send_error(Exchange& exchange, const Error& error) {
    Response response{
        .status = error.status, .content_type = "application/json", .body = to_text(openai_error(error)), .headers = {}};
    if (error.status == 503 || error.status == 429) response.headers.push_back({"Retry-After", "1"});
    if (error.status == 401) response.headers.push_back({"WWW-Authenticate", "Bearer"});
    exchange.send(std::move(response));
}

void send_json(Exchange& exchange, const Json& json) {
    exchange.send({.status = 200, .content_type = "application/json", .body = to_text(json), .headers = {}});
}

}  // namespace krait::server
