// SPDX-License-Identifier: Apache-2.0
//
// The words that a shell offers when Tab is pressed, from the tables of a program's commands: their names, options, words that
// options take, and files where these are wanted.
#pragma once

#include "tools/command_line/command_line.hpp"

namespace krait::tools {

// Scripts for the three shells: to be sourced, or to be installed where the shell looks for them.
std::string bash_completion(const Command& program);
std::string zsh_completion(const Command& program);
std::string fish_completion(const Command& program);

}  // namespace krait::tools
