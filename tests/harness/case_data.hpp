// SPDX-License-Identifier: Apache-2.0
//
// The bytes of a case: every input as it is handed to a device, and what stands in its memory before the run. Each row of
// pages is taken as a slot, of words of 4 bytes whatever its elements are.
// Slots that some sequence reads hold numbers; all others are filled with NaN, each with a payload of its own, so that
// reading a slot that must not be read shows in the result and writing one that must not be written shows in its bits.
#pragma once

#include "tests/harness/case.hpp"

namespace krait::harness {

struct CaseData {
    std::array<std::vector<std::byte>, KRAIT_MAX_INPUTS> in;  // contiguous; empty for the memory and for absent operands
    std::array<TensorDesc, KRAIT_MAX_OUTPUTS> out{};          // rank 0: the op has no such output
    int64_t n_slots = 0;
    int64_t slots_per_unit = 1;  // rows of a page
    int64_t slot_elements = 0;
    std::vector<float> states;  // [n_slots, slot_elements]

    std::span<const int32_t> ids(size_t operand) const {
        return {reinterpret_cast<const int32_t*>(in[operand].data()), in[operand].size() / sizeof(int32_t)};
    }
    std::span<const float> state_of(int64_t slot) const {
        return std::span(states).subspan(static_cast<size_t>(slot * slot_elements), static_cast<size_t>(slot_elements));
    }
};

// The data of a legal case. An error is a mistake of the list: the op's contract refuses the shapes.
Result<CaseData> materialize(const Case& of);

// Other numbers of the same shapes, and the plainest indices: ids 0, one sequence that owns all rows, no slot read or written.
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

}  // namespace krait::harness
