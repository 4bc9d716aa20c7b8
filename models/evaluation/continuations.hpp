// SPDX-License-Identifier: Apache-2.0
//
// Logits after every token of several sequences, side by side, in bounded memory. What does not fit one decode call is cut
// into several: 512 tokens of a vocabulary of 50,000 are already 100 MB of logits.
#pragma once

#include "models/session/session.hpp"

namespace krait {

// Tokens that a sequence of the session goes on with; it may have none.
struct Continuation {
    int32_t sequence = 0;
    std::span<const int32_t> tokens;
};

// The logits after token `row` of a continuation: of the tokens that exist, without what pads the head. Good during the call.
using LogitsVisitor = std::function<Result<void>(size_t continuation, size_t row, std::span<const float> logits)>;

// Rows of one decode call: as many as fit 64 MiB of logits, and at least one.
int64_t logits_rows(const Model& model);

// Rows of one continuation are visited in order; those of different ones alternate in stretches. control.progress counts tokens
// of all of them together. At most logits_rows() rows are held at a time, or one a continuation where these are more.
Result<void> visit_logits(Session& session, std::span<const Continuation> continuations, const DecodeControl& control,
                          const LogitsVisitor& visit);

}  // namespace krait
