// SPDX-License-Identifier: Apache-2.0
//
// The memory of a sequence: a handle on its slot, and its pages. Units are in use as long as a handle on them lives; nobody
// gives them back by hand. Handles may outlive the session; the states that they name do not.
#pragma once

#include "models/memory/page_list.hpp"
#include "models/memory/slot_ref.hpp"

namespace krait {

// Move-only. Empty: no state, as of a sequence without tokens.
struct StateRef {
    SlotRef slot;
    PageList pages;  // a row for each token; none where the model has no memories of pages

    explicit operator bool() const { return static_cast<bool>(slot); }
    // One more handle on the same state. As a snapshot it counts among those that a session keeps (SlotPool::n_snapshots).
    StateRef share() const { return {slot.share(), pages.share()}; }
    StateRef share_as_snapshot() const { return {slot.share_as_snapshot(), pages.share()}; }
};

// A state that a sequence can go back to, or that another one can go on from.
struct Snapshot {
    size_t n_tok = 0;      // how many tokens the state has seen
    int64_t position = 0;  // of the token that would come next
    StateRef state;
    Snapshot share() const { return {n_tok, position, state.share_as_snapshot()}; }
};

}  // namespace krait
