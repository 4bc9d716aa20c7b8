// SPDX-License-Identifier: Apache-2.0
//
// Handles on slots of state. A slot is in use as long as a handle on it is alive: a sequence, a snapshot, a run under way.
// Nobody gives one back by hand, and a run that fails drops what it had taken. Handles may outlive the session; the state they
// name does not.
//   KRAIT_TRY(SlotRef slot, slots->acquire());
//   SlotRef same = slot.share();              // both read it; a run that writes it takes a slot of its own first
// One thread at a time for all handles of one SlotPool.
#pragma once

#include <cassert>
#include <memory>
#include <utility>
#include <vector>

#include "core/base/result.hpp"

namespace krait {

class SlotPool;

// Move-only. Empty: no state, as of a sequence without tokens.
class SlotRef {
  public:
    SlotRef() = default;
    SlotRef(SlotRef&& other) noexcept
        : slots_(std::move(other.slots_)), slot_(std::exchange(other.slot_, -1)), is_snapshot_(other.is_snapshot_) {}
    SlotRef& operator=(SlotRef&& other) noexcept {
        SlotRef taken(std::move(other));
        std::swap(slots_, taken.slots_);
        std::swap(slot_, taken.slot_);
        std::swap(is_snapshot_, taken.is_snapshot_);
        return *this;
    }
    inline ~SlotRef();

    explicit operator bool() const { return slot_ >= 0; }
    int32_t slot() const { return slot_; }  // -1: empty
    inline bool is_shared() const;
    // One more handle on the same slot. As a snapshot it counts among those that a session keeps (SlotPool::n_snapshots).
    inline SlotRef share() const;
    inline SlotRef share_as_snapshot() const;
    bool is_of(const std::shared_ptr<SlotPool>& slots) const { return slots_ == slots; }

  private:
    friend class SlotPool;
    inline SlotRef(std::shared_ptr<SlotPool> slots, int32_t slot, bool is_snapshot);

    std::shared_ptr<SlotPool> slots_;
    int32_t slot_ = -1;
    bool is_snapshot_ = false;
};

class SlotPool : public std::enable_shared_from_this<SlotPool> {
  public:
    explicit SlotPool(int32_t n_slots) : slots_(static_cast<size_t>(n_slots)) {
        for (int32_t slot = n_slots; slot > 0; --slot) free_.push_back(slot - 1);
    }

    // A free slot. Its content is undefined: read it only after a run has written it.
    Result<SlotRef> acquire() {
        if (free_.empty()) return fail(ErrorCode::out_of_memory, "all {} state slots are in use", n_slots());
        return SlotRef(shared_from_this(), free_.back(), false);
    }
    SlotRef share(int32_t slot) {  // of a slot that is in use
        assert(at(slot).n_handles > 0);
        return {shared_from_this(), slot, false};
    }
    bool is_used(int32_t slot) const { return at(slot).n_handles > 0; }
    bool is_shared(int32_t slot) const { return at(slot).n_handles > 1; }

    int32_t n_slots() const { return static_cast<int32_t>(slots_.size()); }
    size_t n_free() const { return free_.size(); }
    // Slots that snapshots hold, each once, however many of them share it.
    int32_t n_snapshots() const { return n_snapshots_; }
    bool has_snapshot(int32_t slot) const { return at(slot).n_snapshots > 0; }

  private:
    friend class SlotRef;
    struct Slot {
        int32_t n_handles = 0, n_snapshots = 0;
    };
    Slot& at(int32_t slot) { return slots_[static_cast<size_t>(slot)]; }
    const Slot& at(int32_t slot) const { return slots_[static_cast<size_t>(slot)]; }
    void add(int32_t slot, bool is_snapshot) noexcept {
        if (at(slot).n_handles++ == 0) free_.pop_back();
        if (is_snapshot) n_snapshots_ += at(slot).n_snapshots++ == 0;
    }
    void drop(int32_t slot, bool is_snapshot) noexcept {
        if (is_snapshot) n_snapshots_ -= --at(slot).n_snapshots == 0;
        if (--at(slot).n_handles == 0) free_.push_back(slot);  // there has been room for it since the beginning
    }

    std::vector<Slot> slots_;
    std::vector<int32_t> free_;  // the last one is taken next
    int32_t n_snapshots_ = 0;
};

inline SlotRef::SlotRef(std::shared_ptr<SlotPool> slots, int32_t slot, bool is_snapshot)
    : slots_(std::move(slots)), slot_(slot), is_snapshot_(is_snapshot) {
    slots_->add(slot, is_snapshot);
}
inline SlotRef::~SlotRef() {
    if (slot_ >= 0) slots_->drop(slot_, is_snapshot_);
}
inline bool SlotRef::is_shared() const { return slot_ >= 0 && slots_->is_shared(slot_); }
inline SlotRef SlotRef::share() const { return slot_ < 0 ? SlotRef() : SlotRef(slots_, slot_, false); }
inline SlotRef SlotRef::share_as_snapshot() const { return slot_ < 0 ? SlotRef() : SlotRef(slots_, slot_, true); }

}  // namespace krait
