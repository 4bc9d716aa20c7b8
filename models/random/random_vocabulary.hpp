// SPDX-License-Identifier: Apache-2.0
//
// A vocabulary for models that no text was used for: byte-level BPE that reads and writes any text.
//   id 0          <|endoftext|>: bos, eos, unk
//   1 .. 256      the bytes
//   then          pairs and triples of small letters, with a blank before them or not, as merges of what precedes them
//   the rest      tokens of type `unused`
#pragma once

#include "text/tokenizer/tokenizer_spec.hpp"

namespace krait {

// 256 bytes, the end of text, and one merge: readers want at least one.
inline constexpr int64_t kMinRandomVocabulary = 258;

// n_vocab >= kMinRandomVocabulary.
TokenizerSpec random_vocabulary(int64_t n_vocab);

}  // namespace krait
