// SPDX-License-Identifier: Apache-2.0
//
// Why a request is refused or failed: what all families of endpoints know of an error, before it takes the shape of one.
//   return unexpected(bad_request("temperature", "is 3; it has to be from 0 to 2"));
//   SERVER_TRY(const Json body, parse_json(text));   // declares the value, or returns the error
#pragma once

#include <krait/result.hpp>
#include <string>
#include <tl/expected.hpp>

namespace krait::server {

struct Error {
    int status = 400;
    std::string message;
    std::string param;  // the field that it is about; empty = none
    std::string code;   // a word for programs, "model_not_found"; empty = none
};

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> unexpected(Error error) { return tl::unexpected<Error>(std::move(error)); }

// "'temperature' is 3: ..."
Error bad_request(std::string param, std::string_view message);
// A feature that clients may know, and that is not there: refused, because an answer without it would be another one.
Error not_supported(std::string param, std::string_view why);
// The failure of a call of Krait: 400 for what was asked, 503 for what is not possible now, else 500.
Error error_of(const api::Failure& failure);

// OpenAI's word for a status: "invalid_request_error".
std::string_view type_of(int status);

}  // namespace krait::server

#define SERVER_CONCAT_(a, b) a##b
#define SERVER_CONCAT(a, b) SERVER_CONCAT_(a, b)
#define SERVER_TRY(declaration, expression) SERVER_TRY_(SERVER_CONCAT(server_result_, __LINE__), declaration, expression)
#define SERVER_TRY_(result, declaration, expression)                            \
    auto result = (expression);                                                 \
    if (!result) return ::krait::server::unexpected(std::move(result).error()); \
    declaration = std::move(*result)
