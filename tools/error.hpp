// SPDX-License-Identifier: Apache-2.0
//
// Between the errors of the C++ library and the failures of the tools. For sources of tools/ and commands that use the C++
// library; those on include/krait see failures alone (tools/result.hpp).
#pragma once

#include "core/base/result.hpp"
#include "tools/result.hpp"

namespace krait::tools {

inline api::Failure failure_of(Error error) { return {static_cast<krait_code>(error.code), std::move(error.message)}; }

inline Error error_of(api::Failure failure) { return {static_cast<ErrorCode>(failure.code), std::move(failure.message)}; }

// KRAIT_TRY(const std::string text, from_tools(read_text(path)));
template <class T>
Result<T> from_tools(api::Result<T> result) {
    if (!result) return tl::unexpected<Error>(error_of(result.failure()));
    return std::move(*result);
}
inline Result<void> from_tools(const api::Status& status) {
    if (!status) return tl::unexpected<Error>(error_of(status.failure()));
    return {};
}

}  // namespace krait::tools
