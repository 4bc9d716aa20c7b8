// SPDX-License-Identifier: Apache-2.0
//
// Errors as values. A function that can fail on bad input, bad files or missing devices returns Result<T>; its Error
// says what is wrong, where, and what would be right.
#pragma once

#include <fmt/core.h>

#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "core/abi/backend_abi.h"

namespace krait {

enum class ErrorCode : int32_t {
    invalid_argument = KRAIT_STATUS_INVALID_ARGUMENT,
    not_found = KRAIT_STATUS_NOT_FOUND,
    corrupt_file = KRAIT_STATUS_CORRUPT_FILE,
    unsupported = KRAIT_STATUS_UNSUPPORTED,
    out_of_memory = KRAIT_STATUS_OUT_OF_MEMORY,
    device_lost = KRAIT_STATUS_DEVICE_LOST,
    unavailable = KRAIT_STATUS_UNAVAILABLE,
    io = KRAIT_STATUS_IO,
    cancelled = KRAIT_STATUS_CANCELLED,
    internal = KRAIT_STATUS_INTERNAL,
};

struct Error {
    ErrorCode code = ErrorCode::internal;
    std::string message;

    // The same error, told from one level up: "loading 'x.gguf': ..."
    [[nodiscard]] Error within(std::string_view context) && { return {code, fmt::format("{}: {}", context, message)}; }
};

template <class T = void>
using Result = tl::expected<T, Error>;

// return fail(ErrorCode::not_found, "no device '{}'", name);
template <class... Args>
[[nodiscard]] tl::unexpected<Error> fail(ErrorCode code, fmt::format_string<Args...> text, Args&&... args) {
    return tl::unexpected<Error>(Error{code, fmt::format(text, std::forward<Args>(args)...)});
}

}  // namespace krait

#define KRAIT_CONCAT_(a, b) a##b
#define KRAIT_CONCAT(a, b) KRAIT_CONCAT_(a, b)

// KRAIT_TRY(auto file, MappedFile::open(path)); -- declares or assigns the value, or returns the error.
#define KRAIT_TRY(declaration, expression) KRAIT_TRY_(KRAIT_CONCAT(krait_result_, __LINE__), declaration, expression)
#define KRAIT_TRY_(result, declaration, expression)                              \
    auto result = (expression);                                                  \
    if (!result) return tl::unexpected<krait::Error>(std::move(result).error()); \
    declaration = std::move(*result)

// KRAIT_CHECK(write_header(out)); -- for Result<void>.
#define KRAIT_CHECK(expression)                                                  \
    do {                                                                         \
        if (auto krait_check = (expression); !krait_check)                       \
            return tl::unexpected<krait::Error>(std::move(krait_check).error()); \
    } while (false)
