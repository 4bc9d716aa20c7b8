// SPDX-License-Identifier: Apache-2.0
//
// One node on one device, in memory that the harness laid out itself: every operand in one buffer, with poisoned bytes before,
// between and behind. A run hands over the image, runs, reads the whole image back and finds every byte changed that is not
// a result's.
#pragma once

#include "core/runtime/device.hpp"
#include "tests/harness/case_data.hpp"

namespace krait::harness {

enum class Layout : uint8_t {
    plain,  // operands contiguous, at the device's alignment
    views,  // operands are views: rows further apart, an odd number of elements from the start of their memory
};

// Buffers that live longer than a program: uploaded constants and the memory.
struct Resources {
    std::shared_ptr<const Device> device;
    std::array<std::shared_ptr<const Buffer>, KRAIT_MAX_INPUTS> constants{};
    std::shared_ptr<const Buffer> memory;
    int64_t n_units = 0;
    int64_t unit_bytes = 0;

    // persist: constants are handed over as bytes that stay (data must then outlive this); else from memory that is freed
    // right after. extra_units: of memory, behind those of the case.
    static Result<Resources> create(std::shared_ptr<const Device> device, const Case& of, const CaseData& data, bool persist,
                                    int64_t extra_units = 0);
};

struct Observed {
    std::array<std::vector<std::byte>, KRAIT_MAX_OUTPUTS> out;
    std::vector<std::byte> memory;  // all slots, or all rows of pages
    std::string damage;             // which bytes were changed that must not be; empty = none

    std::span<const float> floats(size_t output) const {
        return {reinterpret_cast<const float*>(out[output].data()), out[output].size() / sizeof(float)};
    }
    std::span<const int32_t> ints(size_t output) const {
        return {reinterpret_cast<const int32_t*>(out[output].data()), out[output].size() / sizeof(int32_t)};
    }
};

// A case compiled for a device.
class BoundCase {
  public:
    // Why the device declines the node, or nothing.
    static std::optional<Error> declined(const Device& device, const Case& of, const CaseData& data);
    static Result<BoundCase> create(const Resources& resources, const Case& of, const CaseData& data, Layout layout);

    // Writes the inputs of `data` (same shapes as at creation), poisons all results, runs once, reads back. The memory is as
    // the runs before left it.
    Result<Observed> run(const CaseData& data);
    // Runs again on what is there, without reading: for timing.
    Result<void> run_again(int times);

    // One program of all of them, a node each, on the memory that they have: for timing. They must be of one device and outlive
    // it.
    static Result<Program> in_a_row(std::span<const BoundCase* const> cases);

  private:
    struct Region {
        int operand = -1;          // input index, or -1 - output index
        TensorDesc base{};         // the memory; rank 0: nothing is placed
        TensorDesc desc{};         // what the node sees
        uint64_t base_offset = 0;  // in the buffer
        uint64_t inset = 0;        // bytes from there to the first element
    };
    BoundCase(const Case& of, Resources resources) : of_(&of), resources_(std::move(resources)) {}
    void place(Layout layout, const CaseData& data, uint64_t alignment);
    krait_graph_node describe(std::vector<krait_graph_tensor>& tensors) const;  // appends the node's tensors
    std::vector<std::byte> image_of(const CaseData& data) const;
    std::string find_damage(const std::vector<std::byte>& before, const std::vector<std::byte>& after) const;

    const Case* of_;
    Resources resources_;
    std::vector<Region> regions_;
    uint64_t arena_bytes_ = 0;
    Buffer arena_;
    Program program_;
    Queue queue_;
};

// Puts the bytes of a case's memory there / reads all of the memory.
Result<void> import_memory(Queue& queue, const Resources& resources, std::span<const std::byte> bytes);
Result<std::vector<std::byte>> export_memory(Queue& queue, const Resources& resources);

}  // namespace krait::harness
