// SPDX-License-Identifier: Apache-2.0
#include "models/memory/sequence_memory.hpp"

#include <algorithm>

#include "core/base/format_bytes.hpp"

namespace krait {
namespace {

bool are_of_one_class(const MemorySpec& a, const MemorySpec& b) {
    return a.name == b.name && a.has_pages() == b.has_pages() && a.dtype == b.dtype && a.rank == b.rank && a.extent == b.extent;
}

// In double: sizes come from a file and may be absurd.
double bytes_of(const MemorySpec& spec, const MemorySizes& sizes) {
    double bytes = static_cast<double>(row_bytes(spec.dtype, 1));
    bytes *= static_cast<double>(spec.has_pages() ? sizes.n_pages * kRowsPerPage : sizes.n_slots);
    for (const int64_t extent : spec.extent) bytes *= static_cast<double>(extent);
    return bytes;
}

std::string describe(const MemorySizes& sizes, const Architecture& architecture) {
    const std::string pages = fmt::format("{} pages of {} tokens", sizes.n_pages, kRowsPerPage);
    if (!architecture.has_slots()) return pages;
    return fmt::format("{} slots of state{}", sizes.n_slots, architecture.has_pages() ? " and " + pages : "");
}

}  // namespace

Result<SequenceMemory> SequenceMemory::create(const Architecture& architecture,
                                              std::span<const std::shared_ptr<const Device>> devices,
                                              const Placement& placement, const MemorySizes& sizes) {
    SequenceMemory memory;
    memory.sizes_ = sizes;
    memory.has_slots_ = architecture.has_slots();
    memory.slots_ = std::make_shared<SlotPool>(static_cast<int32_t>(sizes.n_slots));
    if (architecture.has_pages()) memory.pages_ = std::make_shared<PagePool>(sizes.n_pages);
    std::vector<double> total(devices.size(), 0);
    for (size_t i = 0; i < architecture.memories().size(); ++i)
        total[static_cast<size_t>(placement.device_of_memory(i))] += bytes_of(architecture.memories()[i].spec, sizes);
    for (size_t d = 0; d < devices.size(); ++d) {
        const auto limit = static_cast<double>(devices[d]->info().memory_total);
        if (limit > 0 && total[d] > limit)
            return fail(ErrorCode::out_of_memory,
                        "{} take {}, and {} has {} of memory: ask for fewer {}, or name one more device",
                        describe(sizes, architecture), format_bytes(total[d]), placement.labels()[d], format_bytes(limit),
                        memory.pages_ ? "sequences, snapshots and tokens" : "sequences and snapshots");
    }
    for (size_t i = 0; i < architecture.memories().size(); ++i) {
        const MemorySpec& spec = architecture.memories()[i].spec;
        const auto device = static_cast<size_t>(placement.device_of_memory(i));
        KRAIT_TRY(Buffer buffer, devices[device]->create_memory(spec.desc(sizes), spec.uses()));
        memory.memories_.push_back(
            {spec, static_cast<size_t>(spec.unit_bytes()), device, std::make_shared<const Buffer>(std::move(buffer))});
        const auto same = std::find_if(memory.classes_.begin(), memory.classes_.end(), [&](const MemoryClass& other) {
            return are_of_one_class(memory.memories_[other.front()].spec, spec);
        });
        if (same != memory.classes_.end()) same->push_back(i);
        else memory.classes_.push_back({i});
    }
    return memory;
}

uint64_t SequenceMemory::device_bytes() const {
    uint64_t bytes = 0;
    for (const Memory& memory : memories_) bytes += memory.buffer->size();
    return bytes;
}

Result<void> SequenceMemory::copy_slot(graph::Executor& executor, int32_t from, int32_t to) const {
    for (const Memory& memory : memories_)
        if (memory.unit_bytes > 0 && !memory.spec.has_pages())
            KRAIT_CHECK(executor.queue(memory.device).copy_memory(*memory.buffer, from, to));
    return {};
}

Result<void> SequenceMemory::reserve_pages(graph::Executor& executor, std::span<const Growth> growths) const {
    if (!pages_) return {};
    // A list goes on in a copy of its last page where another one has it too; of lists that all go on, the last keeps the page.
    std::vector<PageList*> leaving;
    int64_t n_missing = 0;
    for (const Growth& growth : growths) {
        n_missing += growth.pages->n_missing(growth.n_rows);
        if (!growth.pages->ends_in_shared_page()) continue;
        const int32_t page = growth.pages->pages().back();
        const auto n_left =
            std::count_if(leaving.begin(), leaving.end(), [&](const auto* l) { return l->pages().back() == page; });
        if (pages_->n_lists(page) - n_left > 1) leaving.push_back(growth.pages);
    }
    n_missing += static_cast<int64_t>(leaving.size());
    if (n_missing > pages_->n_free())
        return fail(
            ErrorCode::out_of_memory,
            "{} more page{} of {} tokens are needed, and {} of {} are free: reset sequences or drop snapshots that are not "
            "needed, or make the session for more tokens (max_cached_tokens)",
            n_missing, n_missing == 1 ? "" : "s", kRowsPerPage, pages_->n_free(), pages_->n_pages());
    for (const Growth& growth : growths) growth.pages->reserve(growth.pages->n_missing(growth.n_rows));
    std::vector<std::pair<PageList*, PageList>> copies;
    for (PageList* list : leaving) {
        PageList& copy = copies.emplace_back(list, PageList()).second;
        copy.reserve(1);
        copy.add_pages(pages_, 1);
    }
    const auto queue_copies = [&]() -> Result<void> {
        for (const auto& [list, copy] : copies)
            for (const Memory& memory : memories_)
                if (memory.spec.has_pages())
                    KRAIT_CHECK(
                        executor.queue(memory.device).copy_memory(*memory.buffer, list->pages().back(), copy.pages().front()));
        return {};
    };
    if (!copies.empty()) KRAIT_CHECK(transfer(executor, queue_copies));
    for (auto& [list, copy] : copies) list->replace_last(std::move(copy));
    for (const Growth& growth : growths) growth.pages->add_pages(pages_, growth.pages->n_missing(growth.n_rows));
    return {};
}

Result<void> SequenceMemory::copy_unit(graph::Executor& executor, const SequenceMemory& to, graph::Executor& to_executor,
                                       bool of_pages, int32_t unit) const {
    std::vector<std::vector<std::byte>> bytes(memories_.size());
    for (size_t i = 0; i < memories_.size(); ++i)
        if (memories_[i].spec.has_pages() == of_pages) bytes[i].resize(memories_[i].unit_bytes);
    const auto queue_exports = [&]() -> Result<void> {
        for (size_t i = 0; i < memories_.size(); ++i)
            if (!bytes[i].empty())
                KRAIT_CHECK(executor.queue(memories_[i].device).export_memory(*memories_[i].buffer, unit, bytes[i]));
        return {};
    };
    const auto queue_imports = [&]() -> Result<void> {
        for (size_t i = 0; i < memories_.size(); ++i)
            if (!bytes[i].empty())
                KRAIT_CHECK(to_executor.queue(to.memories_[i].device).import_memory(*to.memories_[i].buffer, unit, bytes[i]));
        return {};
    };
    KRAIT_CHECK(transfer(executor, queue_exports));
    return transfer(to_executor, queue_imports);
}

Result<void> SequenceMemory::other_cache_type(DType found, DType wanted) {
    return fail(ErrorCode::invalid_argument,
                "keys and values of the sequence are {}, and this model keeps {}: load it with the cache type that it had",
                dtype_name(found), dtype_name(wanted));
}

Result<void> SequenceMemory::move_to(graph::Executor& executor, SequenceMemory& to, graph::Executor& to_executor) const {
    for (size_t i = 0; i < memories_.size(); ++i)
        if (memories_[i].spec.dtype != to.memories_[i].spec.dtype)
            return other_cache_type(memories_[i].spec.dtype, to.memories_[i].spec.dtype);
    for (int32_t slot = 0; slot < slots_->n_slots(); ++slot)
        if (slots_->is_used(slot)) KRAIT_CHECK(copy_unit(executor, to, to_executor, false, slot));
    for (int32_t page = 0; pages_ && page < pages_->n_pages(); ++page)
        if (pages_->n_lists(page) > 0) KRAIT_CHECK(copy_unit(executor, to, to_executor, true, page));
    to.slots_ = slots_;
    to.pages_ = pages_;
    return {};
}

}  // namespace krait
