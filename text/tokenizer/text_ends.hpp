// SPDX-License-Identifier: Apache-2.0
//
// The tokens that end a text. A model of conversations has several: it ends a turn with another token than a document.
#pragma once

#include <cstdint>
#include <vector>

#include "text/tokenizer/tokenizer_spec.hpp"

namespace krait {

// eos, the other ends that the spec names, and control tokens whose text says that they end something ("<|im_end|>"), since
// files often name one of several. Ascending, each once; ids that no token has are left out. Needs no more of the spec than its
// tokens, types and ids, so it also serves a vocabulary that Tokenizer cannot read.
[[nodiscard]] std::vector<int32_t> text_ends(const TokenizerSpec& spec);

}  // namespace krait
