// SPDX-License-Identifier: Apache-2.0
//
// Snapshots of a session's sequences: states that it goes back to later. A snapshot holds a slot of the pool like a sequence does, so
// taking one copies nothing; the sequence gets a new slot when it goes on. Sequences that were forked share their snapshots.
#pragma once

#include "models/memory/state_pool.hpp"

namespace krait {

struct Snapshot {
    size_t n_tok = 0;      // how many tokens the state has seen
    int64_t position = 0;  // of the token that would come next
    int32_t slot = -1;
};

// Who holds which slot for snapshots. A slot counts once, however many sequences share it.
class SnapshotCounts {
  public:
    SnapshotCounts(int32_t n_slots, int32_t max_snapshots) : holders_(static_cast<size_t>(n_slots), 0), max_(max_snapshots) {}

    int32_t max() const { return max_; }
    int32_t in_use() const { return in_use_; }
    bool has(int32_t slot) const { return holders_[static_cast<size_t>(slot)] > 0; }

    // One more holder of a slot that the caller has shared or acquired.
    void add(int32_t slot) { in_use_ += holders_[static_cast<size_t>(slot)]++ == 0; }
    // One less, in the pool too.
    void drop(int32_t slot, StatePool& states) {
        in_use_ -= --holders_[static_cast<size_t>(slot)] == 0;
        states.release(slot);
    }

  private:
    std::vector<int32_t> holders_;
    int32_t max_ = 0, in_use_ = 0;
};

}  // namespace krait
