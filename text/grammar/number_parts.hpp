// SPDX-License-Identifier: Apache-2.0
//
// Numbers of JSON between bounds, and multiples, as parts of a program. Such numbers are written without an exponent.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "text/grammar/program_builder.hpp"

namespace krait::grammar {

// A decimal number that is not negative: digits without zeros in front ("0" alone has one) and, in the fraction, behind.
struct Decimal {
    bool is_negative = false;
    std::string digits = "0", fraction;
    // "-12.5e3" and the like, as JSON writes numbers. Nothing where it has more than 400 digits.
    static std::optional<Decimal> parse(std::string_view text);
    [[nodiscard]] bool is_zero() const { return digits == "0" && fraction.empty(); }
    // Below zero, zero or above zero as this number is less than the other one, equal to it or greater.
    [[nodiscard]] int compare(const Decimal& other) const;
};

struct NumberBound {
    Decimal value;
    bool is_exclusive = false;
};

struct NumberShape {
    bool is_integer = false;
    std::optional<NumberBound> min, max;
    std::vector<Decimal> multiples;  // it is a multiple of each

    [[nodiscard]] bool is_free() const { return !min && !max && multiples.empty(); }
};

// Not for a free one. Fails on multiples that need too many states.
Result<Part> add_number(ProgramBuilder& builder, const NumberShape& shape);

}  // namespace krait::grammar
