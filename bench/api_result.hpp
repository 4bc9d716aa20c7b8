// SPDX-License-Identifier: Apache-2.0
//
// Between results of core and those of the public API, which number the same errors.
//   KRAIT_TRY(const api::Session session, from_api(api::Session::create(model)));
#pragma once

#include <krait/result.hpp>

#include "core/base/result.hpp"

namespace krait::bench {

inline api::Failure failure_of(Error error) { return {static_cast<krait_code>(error.code), std::move(error.message)}; }
inline Error error_of(api::Failure failure) { return {static_cast<ErrorCode>(failure.code), std::move(failure.message)}; }

template <class T>
Result<T> from_api(api::Result<T> result) {
    if (!result) return tl::unexpected<Error>(error_of(result.failure()));
    return std::move(*result);
}
inline Result<void> from_api(const api::Status& status) {
    if (!status) return tl::unexpected<Error>(error_of(status.failure()));
    return {};
}

inline api::Status to_api(const Result<void>& done) {
    if (!done) return failure_of(done.error());
    return api::Done{};
}

}  // namespace krait::bench
