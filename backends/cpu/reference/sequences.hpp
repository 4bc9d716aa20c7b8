// SPDX-License-Identifier: Apache-2.0
//
// The sequences of a ragged run (core/ops/ragged.hpp) and their way from a slot of state to another, for ops with state.
#pragma once

#include <algorithm>

#include "backends/common/host_device.hpp"
#include "core/ops/ragged.hpp"

namespace krait::reference {

struct Sequence {
    int64_t first_row;
    int64_t end_row;
    int32_t src_slot;
    int32_t dst_slot;
};

template <class In>
class Sequences {
  public:
    // The host has checked the values; the oracle checks again, for those who are debugging a host. in is kept by reference.
    explicit Sequences(const In& in) : in_(in), pool_(plugin::host::memory_pool(in.state)) {
        plugin::value_or_throw(ops::check_ragged(in.x.extent(0), pool_.n_units(), in.seq_start.index(), in.src_slot.index(),
                                                 in.dst_slot.index(), in.snapshots.index()));
    }

    size_t count() const { return in_.src_slot.index().size(); }
    Sequence operator[](size_t b) const {
        return {in_.seq_start.index()[b], in_.seq_start.index()[b + 1], in_.src_slot.index()[b], in_.dst_slot.index()[b]};
    }

    // The state before the first row, copied: what the sequence writes later cannot change what it has read.
    std::vector<float> load(const Sequence& sequence) const {
        std::vector<float> state(static_cast<size_t>(pool_.canonical_count()), 0.0f);
        if (sequence.src_slot >= 0) std::copy_n(pool_.slot(sequence.src_slot), state.size(), state.begin());
        return state;
    }

    // After the last row.
    template <class T>
    void store(const Sequence& sequence, const std::vector<T>& state) const {
        if (sequence.dst_slot >= 0) write(sequence.dst_slot, state);
    }

    // Calls make_state(), the state right after the row, for each slot that wants it.
    template <class MakeState>
    void store_snapshots(int64_t row, MakeState&& make_state) const {
        const std::span<const int32_t> pairs = in_.snapshots.index();
        for (size_t s = 0; s < pairs.size(); s += 2)
            if (pairs[s] == row) write(pairs[s + 1], make_state());
    }

  private:
    template <class T>
    void write(int32_t slot, const std::vector<T>& state) const {
        float* to = pool_.slot(slot);
        for (size_t i = 0; i < state.size(); ++i) to[i] = static_cast<float>(state[i]);
    }

    const In& in_;
    const plugin::host::MemoryPool& pool_;
};

}  // namespace krait::reference
