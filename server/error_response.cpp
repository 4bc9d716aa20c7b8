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

static std::string_view anthropic_type(int status) {
    switch (status) {
        case 413: return "request_too_large";
        case 503: return "overloaded_error";
        default: return status >= 500 ? "api_error" : type_of(status);
    }
}

Json anthropic_error(const Error& error) {
    return {{"type", "error"}, {"error", {{"type", anthropic_type(error.status)}, {"message", error.message}}}};
}

Json ollama_error(const Error& error) { return {{"error", error.message}}; }

static Json error_of_family(std::string_view path, const Error& error) {
    if (path.starts_with("/v1/messages")) return anthropic_error(error);
    if (path.starts_with("/api/")) return ollama_error(error);
    return openai_error(error);
}

void send_error(Exchange& exchange, const Error& error) {
    Response response{.status = error.status,
                      .content_type = "application/json",
                      .body = to_text(error_of_family(exchange.request().path, error)),
                      .headers = {}};
    if (error.status == 503 || error.status == 429) response.headers.push_back({"Retry-After", "1"});
    if (error.status == 401) response.headers.push_back({"WWW-Authenticate", "Bearer"});
    exchange.send(std::move(response));
}

void send_json(Exchange& exchange, const Json& json) {
    exchange.send({.status = 200, .content_type = "application/json", .body = to_text(json), .headers = {}});
}

}  // namespace krait::server
