// SPDX-License-Identifier: Apache-2.0
//
// One result against what was expected. NaN must stand where NaN is expected and nowhere else, infinities likewise with
// their signs; over the rest the squared error is bounded for the whole and for each row. A row that is expected to be all
// zero must be.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "core/tensor/tensor_desc.hpp"

namespace krait::harness {

struct Comparison {
    std::string what;      // "y", "state of slot 3"
    double tolerance = 0;  // 0: bit for bit (any NaN equals any NaN)
    double row_tolerance = 0;
    int64_t row_elements = 1;
};

// The first difference, or nothing.
std::optional<std::string> compare(const Comparison& how, std::span<const float> got, std::span<const double> expected);
std::optional<std::string> compare(const Comparison& how, std::span<const int32_t> got, std::span<const double> expected);
// Bit for bit, NaN payloads too.
std::optional<std::string> compare_bits(std::string_view what, std::span<const std::byte> got,
                                        std::span<const std::byte> expected, int64_t row_elements);

}  // namespace krait::harness
