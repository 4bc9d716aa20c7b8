// SPDX-License-Identifier: Apache-2.0
//
// Runs graphs on one device. A graph is compiled once for a shape (memory plan, program of the backend) and kept under a key
// of the caller's; the latest kMaxPrograms stay. All of them share one arena, as large as the largest needs.
//   Executor executor(device);
//   KRAIT_TRY(Compiled* step, executor.prepare("decode 1", [&] { return build_graph(...); }));
//   KRAIT_CHECK(executor.run(*step, {{ids, bytes}}));
//   KRAIT_CHECK(executor.read(*step, logits, bytes));
#pragma once

#include <functional>
#include <list>
#include <span>

#include "graph/check_indices.hpp"
#include "graph/graph.hpp"
#include "graph/passes/plan_memory.hpp"

namespace krait::graph {

// The bytes of one input, for one run.
struct InputBytes {
    TensorId tensor;
    std::span<const std::byte> bytes;
};

class Compiled {
  public:
    const Graph& graph() const { return graph_; }
    const MemoryPlan& plan() const { return plan_; }

  private:
    friend class Executor;
    std::string key_;
    Graph graph_;
    MemoryPlan plan_;
    IndexChecks checks_;
    std::shared_ptr<const Buffer> arena_;
    Program program_;
};

class Executor {
  public:
    static constexpr size_t kMaxPrograms = 16;

    static Result<Executor> create(std::shared_ptr<const Device> device);

    // The compiled graph under `key`, built by `build` where there is none. The pointer is good until the next prepare().
    // An error names the node that is wrong or that the device declines.
    Result<Compiled*> prepare(const std::string& key, const std::function<Result<Graph>()>& build);

    // Checks and writes every input of the graph, then runs it. Returns before the work is done where the device allows.
    Result<void> run(Compiled& compiled, std::span<const InputBytes> inputs);

    // Waits for the run, then copies an output to the host.
    Result<void> read(Compiled& compiled, TensorId output, std::span<std::byte> bytes);

    Queue& queue() { return queue_; }
    const Device& device() const { return *device_; }
    uint64_t arena_bytes() const { return arena_ ? arena_->size() : 0; }

  private:
    explicit Executor(std::shared_ptr<const Device> device, Queue queue)
        : device_(std::move(device)), queue_(std::move(queue)) {}
    Result<void> bind(Compiled& compiled);

    std::shared_ptr<const Device> device_;
    std::shared_ptr<const Buffer> arena_;
    uint64_t usable_bytes_ = 0;     // of the arena: what it was made for
    std::list<Compiled> programs_;  // the latest used first
    Queue queue_;
};

}  // namespace krait::graph
