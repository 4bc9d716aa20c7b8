// SPDX-License-Identifier: Apache-2.0
//
// Runs graphs on one device or on several. A graph is compiled once for a shape (divided between the devices, memory plans,
// programs of the backends) and kept under a key of the caller's; the latest kMaxPrograms stay. All of them share one
// arena a device, as large as the largest needs.
//   Executor executor(device);
//   KRAIT_TRY(Compiled* step, executor.prepare("decode 1", [&] { return build_graph(...); }));
//   KRAIT_CHECK(executor.run(*step, {{ids, bytes}}));
//   KRAIT_CHECK(executor.read(*step, logits, bytes));
// Between devices tensors go through pinned memory of the device that they leave: it copies, the host waits for it, and gives
// the bytes to the other one. In a run that has been seen before nothing is allocated here.
#pragma once

#include <list>

#include "graph/pipeline.hpp"
#include "graph/run_observer.hpp"

namespace krait::graph {

// A graph and the device of each node, by index into the executor's devices; none named: all on the first.
struct PlacedGraph {
    Graph graph;
    std::vector<int32_t> device;
    PlacedGraph(Graph whole) : graph(std::move(whole)) {}  // implicit: a graph for one device
    PlacedGraph(Graph whole, std::vector<int32_t> devices) : graph(std::move(whole)), device(std::move(devices)) {}
};

class Executor {
  public:
    static constexpr size_t kMaxPrograms = 64;

    // observer: of every run(), where there is one.
    static Result<Executor> create(std::vector<std::shared_ptr<const Device>> devices, RunObserver* observer = nullptr);
    static Result<Executor> create(std::shared_ptr<const Device> device) { return create(std::vector{std::move(device)}); }

    // The compiled graph under `key`, built by `build` (which gives a Result<Graph> or Result<PlacedGraph>) where there is
    // none. The pointer is good until the next prepare(). An error names the node that is wrong or that its device declines.
    template <class Build>
    Result<Compiled*> prepare(std::string_view key, Build&& build) {
        KRAIT_TRY(Compiled * known, find(key));
        if (known) return known;
        KRAIT_TRY(auto built, build());
        return compile(std::string(key), PlacedGraph(std::move(built)));
    }

    // Checks and writes every input of the graph, then runs it. Returns before the work is done where the devices allow.
    // Inputs that an earlier run has computed (copy_output) may come from the device: then the host need not wait for them.
    // sizes: of the graph's dynamic dimensions; empty = all at their largest.
    Result<void> run(Compiled& compiled, std::span<const InputBytes> inputs, std::span<const DeviceBytes> on_device = {},
                     std::span<const int64_t> sizes = {});

    // Copies an output to a buffer of the device that computes it, after the run and without waiting for it.
    Result<void> copy_output(Compiled& compiled, const DeviceBytes& output);

    // Waits for the run, then copies outputs to the host.
    Result<void> read(Compiled& compiled, std::span<const OutputBytes> outputs);
    Result<void> read(Compiled& compiled, TensorId output, std::span<std::byte> bytes) {
        const OutputBytes one{output, bytes};
        return read(compiled, std::span(&one, 1));
    }

    // Makes the arenas large enough for this graph, which need not run: for the largest of many, so that no other one makes
    // them grow.
    Result<void> reserve(const PlacedGraph& largest);

    // Whether the graph is compiled: prepare() changes nothing then that pending runs use.
    bool is_ready(std::string_view key) const;
    // For several runs at once, which nobody observes; run() and read() are not to be called meanwhile. Starts a thread a
    // device when first asked for.
    Result<Pipeline*> pipeline();

    // Waits for all devices; the first error that any met since the last time.
    Result<void> sync();
    // Waits for what a run that has failed may have left, whose errors nobody needs to hear again.
    void drain() noexcept;

    size_t n_devices() const { return contexts_.size(); }
    Queue& queue(size_t device = 0) { return contexts_[device]->queue; }
    const Device& device(size_t device = 0) const { return contexts_[device]->queue.device(); }
    uint64_t arena_bytes() const;  // of all devices

    // Since the executor was made: graphs compiled, programs bound to an arena that has grown, arenas made.
    struct Counts {
        uint64_t n_compiled = 0, n_bound_again = 0, n_arenas = 0;
    };
    const Counts& counts() const { return counts_; }

  private:
    Executor(std::vector<std::unique_ptr<DeviceContext>> contexts, RunObserver* observer) : contexts_(std::move(contexts)) {
        if (observer) times_.emplace(*observer);
    }
    Result<Compiled*> find(std::string_view key);
    Result<Compiled*> compile(std::string key, PlacedGraph placed);
    Result<void> check_nodes(const Subgraph& subgraph) const;
    Result<void> submit(Compiled& compiled, std::span<const InputBytes> inputs, std::span<const DeviceBytes> on_device,
                        std::span<const int64_t> sizes);
    std::vector<uint64_t> alignments() const;  // of arenas, by device
    Result<void> grow_arena(size_t device, uint64_t bytes);
    void forget_inputs();  // of all graphs: they are written anew
    Result<void> bind(Compiled& compiled);
    bool is_bound(const Compiled& compiled) const;

    std::vector<std::unique_ptr<DeviceContext>> contexts_;  // by device
    Staging staging_;
    std::list<Compiled> programs_;  // the latest used first
    std::unique_ptr<Pipeline> pipeline_;
    Counts counts_;
    std::optional<RunTimes> times_;  // where runs are observed
};

}  // namespace krait::graph
