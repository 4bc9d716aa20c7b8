// SPDX-License-Identifier: Apache-2.0
//
// A regular expression of the user's that names of nodes and weights are searched for (Perl's syntax, by PCRE2). Whatever it
// says, compiling and searching end soon and need little memory: what would not is an error.
#pragma once

#include <string>

#include "core/base/pcre2.hpp"
#include "core/base/result.hpp"

namespace krait::graph {

class Pattern {
  public:
    static constexpr size_t kLongest = 1000;  // bytes

    // Fails with what is wrong, and at which byte.
    static Result<Pattern> compile(std::string_view text);
    // Whether it occurs in the name. Fails where finding out takes too many steps.
    Result<bool> occurs_in(std::string_view name) const;

  private:
    Pattern(std::string text, pcre2::Code code) : text_(std::move(text)), code_(std::move(code)) {}
    std::string text_;
    pcre2::Code code_;
};

}  // namespace krait::graph
