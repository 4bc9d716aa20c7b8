// SPDX-License-Identifier: Apache-2.0
//
// The memories of a session's sequences: for every memory of every layer its units, slots or pages, on the device where the
// operators that use it run, and handles on the units. A number of a slot means the same in all memories of slots, one of a
// page the same in all memories of pages. Sequences may share a unit as long as none of them writes it.
#pragma once

#include "core/base/scope_exit.hpp"
#include "graph/executor.hpp"
#include "models/architectures/architecture.hpp"
#include "models/memory/state_file.hpp"
#include "models/memory/state_ref.hpp"
#include "models/placement/placement.hpp"

namespace krait {

class SequenceMemory {
  public:
    static Result<SequenceMemory> create(const Architecture& architecture,
                                         std::span<const std::shared_ptr<const Device>> devices, const Placement& placement,
                                         const MemorySizes& sizes);

    const MemorySizes& sizes() const { return sizes_; }
    const std::shared_ptr<SlotPool>& slots() const { return slots_; }
    // Null where the model has no memories of pages.
    const std::shared_ptr<PagePool>& pages() const { return pages_; }
    bool has_slots() const { return has_slots_; }
    // The units of a memory, by its place in Architecture::memories().
    std::shared_ptr<const Buffer> buffer(size_t memory) const { return memories_[memory].buffer; }
    uint64_t device_bytes() const;  // of all devices

    // Queues a copy of all layers' states.
    Result<void> copy_slot(graph::Executor& executor, int32_t from, int32_t to) const;

    // Reserves pages for rows that a run is going to write behind those of a list. All lists get theirs, or out_of_memory says
    // how many pages are needed and free, and nothing has changed. PageList::drop_reserved() gives back the rest.
    struct Growth {
        PageList* pages;
        int64_t n_rows;
    };
    Result<void> reserve_pages(graph::Executor& executor, std::span<const Growth> growths) const;

    // States as sections of a file: of the sequence, and of its snapshots, whose rows are the first ones of the sequence's.
    Result<std::vector<StateSection>> save(graph::Executor& executor, const StateRef& state,
                                           std::span<const Snapshot> snapshots) const;
    // Whether the sections are those of this model, as long as its tokens and snapshots call for.
    Result<void> check_sections(const StateFile& file) const;
    // Reads the states of a checked file into new units: those of its latest snapshots, then its own.
    Result<std::vector<StateRef>> load(graph::Executor& executor, const StateFile& file, size_t n_snapshots) const;

    // All units that are in use, to the same units of `to`, of the same model and sizes. Handles are on the units of both then.
    Result<void> move_to(graph::Executor& executor, SequenceMemory& to, graph::Executor& to_executor) const;

  private:
    struct Memory {
        MemorySpec spec;
        size_t unit_bytes = 0;  // 0: nothing to copy, a convolution of one tap for instance
        size_t device = 0;
        std::shared_ptr<const Buffer> buffer;
    };
    // Memories that differ in their layers alone, by their places in memories_: they are one section of a file.
    using MemoryClass = std::vector<size_t>;
    // The bytes of a unit in a section of a file: all of them, or the first rows of a list's last page.
    struct StoredUnit {
        size_t memory = 0;
        int32_t unit = 0;
        size_t offset = 0, size = 0;
    };
    // Calls queue_each, which queues transfers, and waits for them.
    template <class QueueEach>
    static Result<void> transfer(graph::Executor& executor, QueueEach&& queue_each) {
        bool is_queued = false;
        const ScopeExit nothing_stays([&] {  // also where memory runs out: nothing may still write to what is gone then
            if (!is_queued) executor.drain();
        });
        KRAIT_CHECK(queue_each());
        is_queued = true;
        return executor.sync();
    }
    Result<void> copy_unit(graph::Executor& executor, const SequenceMemory& to, graph::Executor& to_executor, bool of_pages,
                           int32_t unit) const;
    StateSection section_of(const MemoryClass& memories) const;
    // The units that are saved of a class, in their order in the section; those of slot -1 are left out.
    std::vector<StoredUnit> stored_units(const MemoryClass& memories, std::span<const int32_t> slots,
                                         const PageList& pages) const;
    static Result<void> other_cache_type(DType found, DType wanted);
    uint64_t section_bytes(const MemoryClass& memories, size_t n_tok, size_t n_states) const;

    MemorySizes sizes_;
    std::vector<Memory> memories_;
    std::vector<MemoryClass> classes_;
    bool has_slots_ = false;
    std::shared_ptr<SlotPool> slots_;
    std::shared_ptr<PagePool> pages_;
};

}  // namespace krait
