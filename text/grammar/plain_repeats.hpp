// SPDX-License-Identifier: Apache-2.0
//
// Repetitions of rules that take every plain character (token_index.hpp), such as the characters of a string.
#pragma once

#include "text/grammar/automaton.hpp"

namespace krait::grammar {

// Sets Repeat::takes_plain and plain_entries. The rules are run, so it does not matter how they are written.
void find_plain_repeats(Program& program);

// How many plain characters may follow in this state one after another, whatever they are: 0 to `limit`.
uint32_t plain_run(const Automaton& automaton, SetId state, uint32_t limit);

}  // namespace krait::grammar
