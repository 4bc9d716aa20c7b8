// SPDX-License-Identifier: Apache-2.0
//
// The index operands of a ragged run (core/ops/ragged.hpp), as ssm_conv and ssm_scan read them.
#pragma once

#include "backends/cpu/cpu_backend.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

struct Sequence {
    int64_t begin, end;   // its rows
    const float* source;  // slot that its state comes from; nullptr = it starts from zero
    float* destination;   // slot that its state goes to; nullptr = nowhere
};

class Sequences {
  public:
    template <class In>
    explicit Sequences(const In& in)
        : pool_(&plugin::host::memory_pool(in.state)),
          start_(in.seq_start.index()),
          source_(in.src_slot.index()),
          destination_(in.dst_slot.index()),
          snapshots_(in.snapshots.index()) {}

    int64_t size() const { return static_cast<int64_t>(source_.size()); }

    Sequence operator[](int64_t index) const {
        const size_t b = static_cast<size_t>(index);
        return {start_[b], start_[b + 1], source_[b] < 0 ? nullptr : pool_->slot(source_[b]),
                destination_[b] < 0 ? nullptr : pool_->slot(destination_[b])};
    }

    // The first row in begin .. end whose state is to be kept; `end` where there is none.
    int64_t next_snapshot(int64_t begin, int64_t end) const {
        int64_t next = end;
        for (size_t s = 0; s + 1 < snapshots_.size(); s += 2)
            if (snapshots_[s] >= begin && snapshots_[s] < next) next = snapshots_[s];
        return next;
    }
    // Calls keep(slot) for each snapshot of that row.
    template <class Keep>
    void for_snapshots(int64_t row, Keep&& keep) const {
        for (size_t s = 0; s + 1 < snapshots_.size(); s += 2)
            if (snapshots_[s] == row) keep(pool_->slot(snapshots_[s + 1]));
    }

  private:
    const plugin::host::MemoryPool* pool_;
    std::span<const int32_t> start_, source_, destination_, snapshots_;
};

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
