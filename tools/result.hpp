// SPDX-License-Identifier: Apache-2.0
//
// Results of the tools: those of krait.hpp, with a way to make a failure from a sentence and to hand one on.
//
//   return failure(KRAIT_NOT_FOUND, "there is no '{}'", name);
//   TOOLS_TRY(const std::string text, read_text(path));   // declares or assigns the value, or returns the failure
//   TOOLS_CHECK(file.finish());                           // for api::Status
#pragma once

#include <fmt/core.h>

#include <krait/result.hpp>
#include <utility>

namespace krait::tools {

template <class... T>
api::Failure failure(krait_code code, fmt::format_string<T...> text, T&&... values) {
    return {code, fmt::format(text, std::forward<T>(values)...)};
}

}  // namespace krait::tools

#define TOOLS_CONCAT_(a, b) a##b
#define TOOLS_CONCAT(a, b) TOOLS_CONCAT_(a, b)

#define TOOLS_TRY(declaration, expression) TOOLS_TRY_(TOOLS_CONCAT(tools_result_, __LINE__), declaration, expression)
#define TOOLS_TRY_(result, declaration, expression) \
    auto result = (expression);                     \
    if (!result) return result.failure();           \
    declaration = std::move(*result)

#define TOOLS_CHECK(expression)                                                          \
    do {                                                                                 \
        if (auto tools_check = (expression); !tools_check) return tools_check.failure(); \
    } while (false)
