// SPDX-License-Identifier: Apache-2.0
//
// A graph as its devices run it: shares, programs, memory plans, copies; and the functions that submit pieces of it. Executor
// and Pipeline are made of these.
#pragma once

#include <algorithm>
#include <span>

#include "graph/check_indices.hpp"
#include "graph/passes/insert_copies.hpp"

namespace krait::graph {

// The bytes of one input, for one run.
struct InputBytes {
    TensorId tensor;
    std::span<const std::byte> bytes;
};

// An input, or an output, and where its bytes stand in a buffer of the device that runs the graph.
struct DeviceBytes {
    TensorId tensor = kNoTensor;
    const Buffer* buffer = nullptr;
    uint64_t offset = 0;
};

// Where one output of a run goes: its first `bytes.size()` bytes, whole rows.
struct OutputBytes {
    TensorId tensor = kNoTensor;
    std::span<std::byte> bytes;
};

// Of every tensor in a device's arena: what the device asks for, and a line of a processor's cache at least.
inline uint64_t arena_alignment(const Device& device) { return std::max<uint64_t>(device.info().alignment, 64); }

class Compiled;

// A device's queue, and the arena in which values of all graphs lie, one run after another.
struct Lane {
    std::shared_ptr<const Device> device;
    Queue queue;
    std::shared_ptr<const Buffer> arena;
    uint64_t usable_bytes = 0;  // of the arena: what it was made for
    bool has_left = false;      // Executor: copies out have been submitted and not been waited for
    // Whose inputs stand in the arena as they were written last; null after a failure.
    const Compiled* latest = nullptr;
};

// Pinned memory of each device, for what leaves it.
class Staging {
  public:
    // Makes room for `bytes` that leave this device. What was there is gone.
    Result<void> reserve(size_t n_devices, size_t device, const Device& of, uint64_t bytes);
    const Buffer& buffer(size_t device) const { return rooms_[device].buffer; }
    std::byte* bytes(size_t device) const { return rooms_[device].bytes; }

  private:
    struct Room {
        Buffer buffer;
        std::byte* bytes = nullptr;
        uint64_t size = 0;
    };
    std::vector<Room> rooms_;
};

class Compiled {
  public:
    const Graph& graph() const { return graph_; }
    const DividedGraph& divided() const { return divided_; }
    const MemoryPlan& plan(size_t share = 0) const { return plans_[share]; }

    // What is wrong with inputs of a run; nothing is allocated where all is right. Those that stand on the device are indices
    // that a node has computed, within bounds by the contract of its operator: only where they go is looked at.
    Result<void> check(std::span<const InputBytes> inputs, std::span<const DeviceBytes> on_device = {}) const;

    // The pieces of a run, in this order on each device: inputs, then for its parts in turn copies in, program, copies out.
    // What the run before wrote, and stands there still, is not written again.
    Result<void> write_inputs(uint32_t share, Lane& lane, std::span<const InputBytes> inputs,
                              std::span<const DeviceBytes> on_device = {});
    Result<void> copy_in(uint32_t part, Lane& lane, const Staging& staging) const;  // the sources have been waited for
    Result<void> run_part(uint32_t part, Lane& lane) const { return lane.queue.run(programs_[part]); }
    Result<void> copy_out(uint32_t part, Lane& lane, const Staging& staging) const;
    bool has_copies_out(uint32_t part) const { return sends_[part]; }

    // The share that computes an output; an error where it is none, or bytes are not whole rows of it.
    Result<uint32_t> share_of(const OutputBytes& output) const;
    Result<void> read_output(uint32_t share, Lane& lane, const OutputBytes& output) const;
    Result<void> copy_output(uint32_t share, Lane& lane, const DeviceBytes& to) const;  // the whole of it

    uint64_t staging_bytes(uint32_t share) const { return staging_bytes_[share]; }
    size_t device_of(uint32_t share) const { return static_cast<size_t>(divided_.shares[share].device); }

  private:
    friend class Executor;
    std::vector<std::byte>& standing(uint32_t share, TensorId input);
    uint64_t offset(uint32_t share, TensorId local) const { return plans_[share].offset[static_cast<size_t>(local)]; }

    std::string key_;
    Graph graph_;  // the whole
    size_t n_inputs_ = 0;
    IndexChecks checks_;
    DividedGraph divided_;
    std::vector<MemoryPlan> plans_;                      // by share
    std::vector<std::shared_ptr<const Buffer>> arenas_;  // by share: what the programs are bound to
    std::vector<Program> programs_;                      // by part
    std::vector<bool> sends_;                            // by part
    std::vector<uint64_t> staging_offset_;               // by copy, in the memory of the share that it leaves
    std::vector<uint64_t> staging_bytes_;                // by share
    std::vector<std::vector<std::byte>> standing_;       // by share and input (n_inputs_ each): what lane.latest has there
};

}  // namespace krait::graph
