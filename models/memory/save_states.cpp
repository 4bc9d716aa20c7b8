// SPDX-License-Identifier: Apache-2.0
//
// SequenceMemory: states as sections of a file, and back.
#include <algorithm>
#include <cstring>

#include "models/memory/sequence_memory.hpp"

namespace krait {
namespace {

// "2 memories of slots (F32 [3, 1536])"
std::string describe(const StateSection& section) {
    std::string text = section.n_memory == 1 ? "a memory" : std::to_string(section.n_memory) + " memories";
    text.append(section.has_pages ? " of pages (" : " of slots (").append(dtype_name(section.dtype));
    for (size_t i = 0; i < section.rank; ++i) text.append(i == 0 ? " [" : ", ").append(std::to_string(section.extent[i]));
    return text + "])";
}

}  // namespace

StateSection SequenceMemory::section_of(const MemoryClass& memories) const {
    const MemorySpec& spec = memories_[memories.front()].spec;
    return {.name = spec.name,
            .has_pages = spec.has_pages(),
            .dtype = spec.dtype,
            .rank = static_cast<uint32_t>(spec.rank),
            .n_memory = static_cast<uint32_t>(memories.size()),
            .extent = spec.extent,
            .bytes = {}};
}

uint64_t SequenceMemory::section_bytes(const MemoryClass& memories, size_t n_tok, size_t n_states) const {
    const MemorySpec& spec = memories_[memories.front()].spec;
    const size_t n = n_tok == 0 ? 0 : spec.has_pages() ? n_tok : n_states;
    return n * memories.size() * static_cast<uint64_t>(spec.row_bytes());
}

std::vector<SequenceMemory::StoredUnit> SequenceMemory::stored_units(const MemoryClass& memories,
                                                                     std::span<const int32_t> slots,
                                                                     const PageList& pages) const {
    const Memory& first = memories_[memories.front()];
    std::vector<StoredUnit> units;
    size_t offset = 0;
    const auto add = [&](size_t memory, int32_t unit, size_t size) {
        if (unit >= 0 && size > 0) units.push_back({memory, unit, offset, size});
        offset += size;
    };
    if (first.spec.has_pages()) {
        for (const size_t i : memories)
            for (int64_t row = 0; row < pages.n_rows(); row += kRowsPerPage)
                add(i, pages.pages()[static_cast<size_t>(row / kRowsPerPage)],
                    static_cast<size_t>(std::min(kRowsPerPage, pages.n_rows() - row) * first.spec.row_bytes()));
    } else {
        for (const int32_t slot : slots)
            for (const size_t i : memories) add(i, slot, first.unit_bytes);
    }
    return units;
}

Result<std::vector<StateSection>> SequenceMemory::save(graph::Executor& executor, const StateRef& state,
                                                       std::span<const Snapshot> snapshots) const {
    std::vector<int32_t> slots;
    for (const Snapshot& snapshot : snapshots) slots.push_back(snapshot.state.slot.slot());
    if (state) slots.push_back(state.slot.slot());
    std::vector<StateSection> sections;
    for (const MemoryClass& memories : classes_) {
        StateSection& section = sections.emplace_back(section_of(memories));
        const std::vector<StoredUnit> stored = stored_units(memories, slots, state.pages);
        section.bytes.resize(stored.empty() ? 0 : stored.back().offset + stored.back().size);
        std::vector<std::vector<std::byte>> pages(stored.size());  // those of which the section has the first rows alone
        for (size_t i = 0; i < stored.size(); ++i)
            if (const size_t size = memories_[stored[i].memory].unit_bytes; stored[i].size < size) pages[i].resize(size);
        const auto queue_exports = [&]() -> Result<void> {
            for (size_t i = 0; i < stored.size(); ++i) {
                const Memory& memory = memories_[stored[i].memory];
                std::span<std::byte> bytes = std::span(section.bytes).subspan(stored[i].offset, stored[i].size);
                if (!pages[i].empty()) bytes = pages[i];
                KRAIT_CHECK(executor.queue(memory.device).export_memory(*memory.buffer, stored[i].unit, bytes));
            }
            return {};
        };
        KRAIT_CHECK(transfer(executor, queue_exports));
        for (size_t i = 0; i < stored.size(); ++i)
            if (!pages[i].empty()) std::memcpy(section.bytes.data() + stored[i].offset, pages[i].data(), stored[i].size);
    }
    return sections;
}

Result<void> SequenceMemory::check_sections(const StateFile& file) const {
    if (file.sections.size() != classes_.size())
        return fail(ErrorCode::corrupt_file, "the saved state has {} kinds of memory, this model has {}", file.sections.size(),
                    classes_.size());
    for (size_t c = 0; c < classes_.size(); ++c) {
        const StateSection &found = file.sections[c], wanted = section_of(classes_[c]);
        if (found.name == wanted.name && found.has_pages && wanted.has_pages && found.dtype != wanted.dtype)
            return other_cache_type(found.dtype, wanted.dtype);
        if (found.name != wanted.name || describe(found) != describe(wanted))
            return fail(ErrorCode::corrupt_file, "section {} of the saved state is '{}', {}; this model has '{}', {}", c,
                        found.name, describe(found), wanted.name, describe(wanted));
        const uint64_t n_bytes = section_bytes(classes_[c], file.tokens.size(), file.snapshots.size() + 1);
        if (found.bytes.size() != n_bytes)
            return fail(ErrorCode::corrupt_file,
                        "section {} of the saved state, '{}', has {} bytes: {} tokens and {} snapshots take {}", c, found.name,
                        found.bytes.size(), file.tokens.size(), file.snapshots.size(), n_bytes);
    }
    return {};
}

Result<std::vector<StateRef>> SequenceMemory::load(graph::Executor& executor, const StateFile& file, size_t n_snapshots) const {
    const size_t n_left_out = file.snapshots.size() - n_snapshots;
    std::vector<StateRef> states(n_snapshots + 1);
    for (StateRef& state : states) {
        KRAIT_TRY(state.slot, slots_->acquire());
    }
    PageList& pages = states.back().pages;
    if (pages_) {
        const Growth all{&pages, static_cast<int64_t>(file.tokens.size())};
        KRAIT_CHECK(reserve_pages(executor, {&all, 1}));
        pages.append(all.n_rows);
        for (size_t s = 0; s < n_snapshots; ++s)
            states[s].pages = pages.share(static_cast<int64_t>(file.snapshots[n_left_out + s].n_tok));
    }
    std::vector<int32_t> slots(n_left_out, -1);
    for (const StateRef& state : states) slots.push_back(state.slot.slot());
    for (size_t c = 0; c < classes_.size(); ++c) {
        std::vector<std::byte> unit;
        const auto queue_imports = [&]() -> Result<void> {
            for (const StoredUnit& stored : stored_units(classes_[c], slots, pages)) {
                const Memory& memory = memories_[stored.memory];
                std::span<const std::byte> bytes = std::span(file.sections[c].bytes).subspan(stored.offset, stored.size);
                if (bytes.size() < memory.unit_bytes) {  // the first rows of a page; an import may reuse its bytes at once
                    unit.assign(bytes.begin(), bytes.end());
                    unit.resize(memory.unit_bytes);
                    bytes = unit;
                }
                KRAIT_CHECK(executor.queue(memory.device).import_memory(*memory.buffer, stored.unit, bytes));
            }
            return {};
        };
        KRAIT_CHECK(transfer(executor, queue_imports));
    }
    return states;
}

}  // namespace krait
