// SPDX-License-Identifier: Apache-2.0
//
// Runs come in few shapes. A session compiles a program for each shape of a run, which takes milliseconds and, on GPUs, a
// recording of every kernel. So a run gets the next larger shape of a short list, and its dynamic dimensions say how much of
// that it uses: devices in host memory compute no more than that, GPUs compute the padding too.
//   rows       1, 2, 4, ... 64; then multiples of 64 where a run has at most 512, else 128, 256, 384, 512, 768, 1024, 1536,
//              2048, ...
//   sequences  one more than the run can have: padding rows belong to a sequence of their own, which reads and writes no state
//   outputs    up to 64 rows as many as rows (one, where there is one sequence); beyond that none, or what one token of each
//              sequence needs
//   snapshots  none where a session keeps none, else 8, 64, 512, ...
//   hidden     none, or all rows where a run wants the hidden states of any
//   top_k      the largest that the session was asked for so far, where a run has outputs; else 0
// For up to 64 sequences with cut prompts and 2048 rows a run that is at most 23 shapes: one for each number of rows up to 64,
// two for each beyond. Not counted: runs that want the logits of all their tokens, which beyond 64 rows are shapes with more
// outputs; runs that want hidden states, which have shapes of their own; a larger top_k than before, with which every shape
// that has outputs comes again; and several numbers of snapshots.
#pragma once

#include "models/architectures/forward.hpp"

namespace krait {

class RunShapes {
  public:
    // All three as in SessionOptions.
    RunShapes(int32_t max_batch_tokens, int32_t max_sequences, int32_t max_snapshots)
        : max_rows_(max_batch_tokens), max_sequences_(max_sequences), max_snapshots_(max_snapshots) {}

    // The shape that a run gets: none of its numbers is smaller.
    RunShape padded(const RunShape& exact) const;
    int64_t rows(int64_t n) const;  // n or more, at most max_batch_tokens
    // The largest shape of runs that want the logits of each sequence's last token, without snapshots beyond the smallest
    // number, top-k and hidden states; of 2048 rows where runs may have more.
    RunShape largest() const;

  private:
    int64_t sequences(int64_t n, int64_t rows) const;
    int64_t outputs(int64_t n, int64_t rows) const;
    int64_t snapshots(int64_t n) const;

    int64_t max_rows_, max_sequences_, max_snapshots_;
};

}  // namespace krait
