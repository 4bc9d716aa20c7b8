// SPDX-License-Identifier: Apache-2.0
//
// The value of a call of the C++ API that has to succeed.
#pragma once

#include <gtest/gtest.h>

#include <krait/krait.hpp>
#include <utility>

namespace krait::test {

template <class T>
T value(api::Result<T> result) {
    EXPECT_TRUE(static_cast<bool>(result)) << result.failure().message;
    return std::move(*result);
}

}  // namespace krait::test
