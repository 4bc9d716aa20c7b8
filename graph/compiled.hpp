// SPDX-License-Identifier: Apache-2.0
//
// A graph as its devices run it: subgraphs, programs, memory plans and copies, and the functions that submit segments of it.
// Executor and Pipeline are made of these.
#pragma once

#include <algorithm>
#include <span>

#include "graph/check_indices.hpp"
#include "graph/compile_plan.hpp"

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

// Where one output of a run goes: `bytes.size()` bytes of it from `offset` on, whole rows.
struct OutputBytes {
    TensorId tensor = kNoTensor;
    std::span<std::byte> bytes;
    uint64_t offset = 0;
};

class Compiled;

// A device's queue, and the arena in which values of all graphs lie, one run after another.
struct DeviceContext {
    std::shared_ptr<const Device> device;
    Queue queue;
    std::shared_ptr<const Buffer> arena;
    uint64_t usable_bytes = 0;    // of the arena: what it was made for
    bool copies_pending = false;  // Executor: copies out have been submitted and not been waited for
    // The graph whose inputs were written to the arena last and are still there; null after a failure.
    const Compiled* last_written = nullptr;
};

// Pinned memory of each device, for what leaves it.
class Staging {
  public:
    // Makes room for `bytes` that leave this device. What was there is gone.
    Result<void> reserve(size_t n_devices, size_t device, const Device& of, uint64_t bytes);
    const Buffer& buffer(size_t device) const { return buffers_[device].buffer; }
    std::byte* bytes(size_t device) const { return buffers_[device].bytes; }

  private:
    struct StagingBuffer {
        Buffer buffer;
        std::byte* bytes = nullptr;
        uint64_t size = 0;
    };
    std::vector<StagingBuffer> buffers_;
};

class Compiled {
  public:
    const Graph& graph() const { return graph_; }
    const PartitionedGraph& partitioned() const { return partitioned_; }
    const MemoryPlan& plan(size_t subgraph = 0) const { return plans_[subgraph]; }

    // Fails where inputs of a run are wrong; nothing is allocated where they are right. Those that stand on the device are
    // indices that a node has computed, within bounds by the contract of its operator: only where they go is looked at.
    Result<void> check(std::span<const InputBytes> inputs, std::span<const DeviceBytes> on_device = {}) const;

    // The steps of a run, in this order on each device: inputs, then for each of its segments copies in, program, copies out.
    // Inputs that the run before wrote and that have not changed are not written again.
    Result<void> write_inputs(uint32_t subgraph, DeviceContext& context, std::span<const InputBytes> inputs,
                              std::span<const DeviceBytes> on_device = {});
    Result<void> copy_in(uint32_t segment, DeviceContext& context,
                         const Staging& staging) const;  // the sources have been waited for
    const Program& program(uint32_t segment) const { return programs_[segment]; }
    Result<void> copy_out(uint32_t segment, DeviceContext& context, const Staging& staging) const;
    bool has_copies_out(uint32_t segment) const { return has_copies_out_[segment]; }

    // The subgraph that computes an output; an error where it is none, or bytes are not whole rows of it.
    Result<uint32_t> subgraph_of(const OutputBytes& output) const;
    Result<void> read_output(uint32_t subgraph, DeviceContext& context, const OutputBytes& output) const;
    Result<void> copy_output(uint32_t subgraph, DeviceContext& context, const DeviceBytes& to) const;  // the whole of it

    // The first node of a segment, by its index into graph().
    uint32_t first_node(uint32_t segment) const { return first_nodes_[segment]; }
    uint64_t staging_bytes(uint32_t subgraph) const { return staging_bytes_[subgraph]; }
    size_t device_of(uint32_t subgraph) const { return static_cast<size_t>(partitioned_.subgraphs[subgraph].device); }

  private:
    friend class Executor;
    std::vector<std::byte>& last_input(uint32_t subgraph, TensorId input);
    uint64_t offset(uint32_t subgraph, TensorId local) const { return plans_[subgraph].offset[static_cast<size_t>(local)]; }

    std::string key_;
    Graph graph_;  // the whole
    size_t n_inputs_ = 0;
    IndexChecks checks_;
    PartitionedGraph partitioned_;
    std::vector<uint32_t> first_nodes_;                  // by segment, of graph_
    std::vector<MemoryPlan> plans_;                      // by subgraph
    std::vector<std::shared_ptr<const Buffer>> arenas_;  // by subgraph: what the programs are bound to
    std::vector<Program> programs_;                      // by segment
    std::vector<bool> has_copies_out_;                   // by segment
    std::vector<uint64_t> staging_offset_;               // by copy, in the staging memory of the subgraph that it leaves
    std::vector<uint64_t> staging_bytes_;                // by subgraph
    std::vector<std::vector<std::byte>>
        last_inputs_;  // by subgraph and input (n_inputs_ each): what context.last_written wrote
};

}  // namespace krait::graph
