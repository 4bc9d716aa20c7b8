// SPDX-License-Identifier: Apache-2.0
#include "server/error.hpp"

#include <fmt/format.h>

namespace krait::server {

Error bad_request(std::string param, std::string_view message) {
    std::string text = param.empty() ? std::string(message) : fmt::format("'{}' {}", param, message);
    return {.status = 400, .message = std::move(text), .param = std::move(param), .code = {}};
}

Error not_supported(std::string param, std::string_view why) {
    std::string text = fmt::format("'{}' is not supported: {}", param, why);
    return {.status = 400, .message = std::move(text), .param = std::move(param), .code = "unsupported_parameter"};
}

static int status_of(krait_code code) {
    switch (code) {
        case KRAIT_INVALID_ARGUMENT:
        case KRAIT_UNSUPPORTED: return 400;
        case KRAIT_NOT_FOUND: return 404;
        case KRAIT_UNAVAILABLE:
        case KRAIT_OUT_OF_MEMORY: return 503;
        default: return 500;
    }
}

Error error_of(const api::Failure& failure) {
    return {.status = status_of(failure.code), .message = failure.message, .param = {}, .code = {}};
}

std::string_view type_of(int status) {
    switch (status) {
        case 401: return "authentication_error";
        case 403: return "permission_error";
        case 404: return "not_found_error";
        case 429: return "rate_limit_error";
        default: return status >= 500 ? "server_error" : "invalid_request_error";
    }
}

}  // namespace krait::server
