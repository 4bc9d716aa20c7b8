// SPDX-License-Identifier: Apache-2.0
//
// GBNF, the notation of grammars that llama.cpp has introduced:
//
//   name ::= alternative | alternative         names of letters, digits, '-' and '_'; the text begins with the rule `root`
//   "literal"   [a-z]   [^a-z]   .   ( ... )   a class has ranges; '.' is any character, also a newline
//   x*  x+  x?  x{m}  x{m,}  x{m,n}  x{0,n}
//   <[123]>  <text>  !<[123]>  !<text>         one token, by its id or its text; any other token
//   # comment                                  until the end of the line
//
// Escapes in literals and classes: \n \r \t \\ \" \[ \] \xHH \uHHHH \UHHHHHHHH; the last three are code points. A rule ends
// with its line, but newlines are free inside of ( ), behind '|' and behind "::=".
#pragma once

#include <string_view>

#include "core/base/result.hpp"
#include "text/grammar/program.hpp"

namespace krait::grammar {

// triggers: of a lazy grammar (ProgramBuilder::finish).
Result<Program> compile_gbnf(std::string_view source, std::vector<std::string> triggers = {});

}  // namespace krait::grammar
