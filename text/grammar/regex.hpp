// SPDX-License-Identifier: Apache-2.0
//
// Regular expressions, as ECMA-262 writes them and PCRE for the most part too:
//
//   abc  .  [a-z]  [^a-z]  a|b  (a)  (?:a)  (?<name>a)  *  +  ?  {m}  {m,}  {m,n}  ^ and $ at the ends
//   \d \D \w \W \s \S  \t \n \r \f \v \0 \xHH \uHHHH \u{H...}  \p{L} and the other general categories of Unicode, \P{..}
//   \ and a sign that is neither letter nor digit: that sign
//
// `.` is any character but the ends of lines; \d and \w are ASCII, \s has the blanks of Unicode. `*?` and `+?` are as `*` and
// `+`: a text matches or not. A regular expression that looks around, refers to a group or has flags is refused.
#pragma once

#include <functional>
#include <string_view>

#include "core/base/result.hpp"
#include "text/grammar/program_builder.hpp"

namespace krait::grammar {

// How a character of the text is written: in UTF-8, or as in a string of JSON.
using CharacterWriter = std::function<Part(ProgramBuilder& builder, const CodePointSet& set)>;

struct RegexOptions {
    // The text may have more in front of a match and behind it, except where ^ and $ stand: what `pattern` of a schema means.
    bool is_search = false;
    std::string name = "the regular expression";  // in front of messages
    CharacterWriter write = [](ProgramBuilder& builder, const CodePointSet& set) { return builder.characters(set); };
};

Result<Part> add_regex(ProgramBuilder& builder, std::string_view source, const RegexOptions& options);

Result<Program> compile_regex(std::string_view source, std::vector<std::string> triggers = {});

}  // namespace krait::grammar
