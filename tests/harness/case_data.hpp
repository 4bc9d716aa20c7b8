// SPDX-License-Identifier: Apache-2.0
//
// The bytes of a case: every input as it is handed to a device, and what stands in its memory before the run. Each row of
// pages is taken as a slot.
// Slots that some sequence reads hold numbers; all others are filled with NaN, each with a payload of its own, so that
// reading a slot that must not be read shows in the result and writing one that must not be written shows in its bits. Of pages
// a sequence reads its rows from the first one to the furthest place of the run.
#pragma once

#include "tests/harness/case.hpp"

namespace krait::harness {

struct CaseData {
    std::array<std::vector<std::byte>, KRAIT_MAX_INPUTS> in;  // contiguous; empty for the memory and for absent operands
    std::array<TensorDesc, KRAIT_MAX_OUTPUTS> out{};          // rank 0: the op has no such output
    int64_t n_slots = 0;
    int64_t slots_per_unit = 1;  // rows of a page
    int64_t slot_bytes = 0;
    std::vector<std::byte> memory;  // [n_slots, slot_bytes]

    std::span<const int32_t> ids(size_t operand) const {
        return {reinterpret_cast<const int32_t*>(in[operand].data()), in[operand].size() / sizeof(int32_t)};
    }
    // One slot of `bytes`: of `memory`, or of what a run left there.
    std::span<const std::byte> slot_of(std::span<const std::byte> bytes, int64_t slot) const {
        return bytes.subspan(static_cast<size_t>(slot * slot_bytes), static_cast<size_t>(slot_bytes));
    }
    // The same of slots of state, which are float32.
    std::span<const float> state_of(std::span<const std::byte> bytes, int64_t slot) const {
        const auto state = slot_of(bytes, slot);
        return {reinterpret_cast<const float*>(state.data()), state.size() / sizeof(float)};
    }
    int64_t slot_floats() const { return slot_bytes / static_cast<int64_t>(sizeof(float)); }
};

// The data of a legal case. An error is a mistake of the list: the op's contract refuses the shapes.
Result<CaseData> materialize(const Case& of);

// Other numbers of the same shapes, and the plainest indices: ids 0, one sequence that owns all rows, no slot or page read or
// written.
// Run before the case with the same program, it exposes a program that kept something of the first run's contents.
CaseData decoy(const Case& of, const CaseData& data);

// The results that a run must give.
struct Expected {
    std::array<std::vector<double>, KRAIT_MAX_OUTPUTS> out;
    std::map<int32_t, std::vector<double>> states;   // written slots; all others keep their bits
    std::map<int32_t, std::vector<std::byte>> rows;  // of pages: written rows, bit for bit
    // On a device that rounds its operands: what exact ones would have given. The rest is from the rounded ones.
    std::vector<double> exact;
};

// By the case's formula.
Expected evaluate(const Case& of, const CaseData& data);

// The slots that the run writes (dst_slot and snapshots), or the rows of pages.
std::vector<int32_t> written_slots(const Case& of, const CaseData& data);

// The slots that the run may read: those of src_slot, or of pages the rows that its sequences have, each once.
std::vector<int32_t> read_slots(const Case& of, const CaseData& data);

}  // namespace krait::harness
