// SPDX-License-Identifier: Apache-2.0
//
// The recurrent state of many sequences: for every memory of every layer one pool of slots on the device where the operator
// that uses it runs, and handles on the slots. A slot number means the same in all pools. Sequences may share a slot as long as
// none of them writes it.
#pragma once

#include "graph/executor.hpp"
#include "models/architectures/architecture.hpp"
#include "models/memory/state_ref.hpp"
#include "models/placement/placement.hpp"

namespace krait {

class StatePool {
  public:
    static Result<StatePool> create(const Architecture& architecture, std::span<const std::shared_ptr<const Device>> devices,
                                    const Placement& placement, int32_t n_slots);

    const std::shared_ptr<StateSlots>& slots() const { return slots_; }
    int32_t n_slots() const { return slots_->n_slots(); }
    // The pool of a memory, by its place in Architecture::memories().
    std::shared_ptr<const Buffer> buffer(size_t memory) const { return pools_[memory].buffer; }
    uint64_t device_bytes() const;  // of all devices

    // All memories of a slot in the canonical layouts of core/ops, in the order of Architecture::memories(): slot_bytes() in
    // all. Work that is still queued is waited for.
    size_t slot_bytes() const;
    Result<void> export_slot(graph::Executor& executor, int32_t slot, std::span<std::byte> bytes) const;
    // Queues a copy of all layers' states.
    Result<void> copy_slot(graph::Executor& executor, int32_t from, int32_t to) const;
    Result<void> import_slot(graph::Executor& executor, int32_t slot, std::span<const std::byte> bytes) const;

  private:
    struct Pool {
        size_t slot_bytes = 0;  // 0: nothing to copy, a convolution of one tap for instance
        size_t device = 0;
        std::shared_ptr<const Buffer> buffer;
    };
    std::vector<Pool> pools_;  // by memory
    std::shared_ptr<StateSlots> slots_;
};

}  // namespace krait
