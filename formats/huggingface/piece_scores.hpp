// SPDX-License-Identifier: Apache-2.0
//
// A BPE of sentencepiece has a score for each piece, and joins any two pieces whose text is one; tokenizer.json lists the pairs
// instead, best first. The two are the same where the list has every pair that makes a piece, piece after piece.
#pragma once

#include <span>

#include "core/base/result.hpp"
#include "formats/huggingface/tokenizer_parts.hpp"

namespace krait::huggingface {

// Scores normal pieces by the place of their merges. unsupported where scores do not say what the merges do.
Result<void> score_by_merges(std::span<const std::string> merges, std::vector<Piece>& pieces);

}  // namespace krait::huggingface
