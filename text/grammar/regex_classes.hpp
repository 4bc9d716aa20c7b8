// SPDX-License-Identifier: Apache-2.0
//
// The sets of characters that regular expressions have names for.
#pragma once

#include <optional>
#include <string_view>

#include "text/grammar/code_points.hpp"

namespace krait::grammar {

// Of \d, \w, \s and the same in capitals.
std::optional<CodePointSet> class_of_escape(char name);
// All but the ends of lines.
CodePointSet any_in_line();
// A general category of Unicode: "L", "Lu", "Nd", or a few long names, "Letter".
std::optional<CodePointSet> general_category(std::string_view name);

}  // namespace krait::grammar
