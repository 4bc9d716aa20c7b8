// SPDX-License-Identifier: Apache-2.0
//
// An observer of an executor's runs, for profiles: it is told when a run began and ended, and where it wants that, when each
// node did. For times of nodes each node becomes a program of its own, and the host waits for its device after it: the results
// are the same, but nodes that a backend fuses inside a program run apart, and the device has nothing to do while the host
// prepares the next one.
#pragma once

#include <chrono>
#include <span>

#include "graph/compiled.hpp"

namespace krait::graph {

using Clock = std::chrono::steady_clock;

// From the submission of a node's program, with the device idle, until the host has seen its end: the way to the device and
// back is in it (microseconds on a CPU, tens of them on a GPU).
struct NodeTime {
    uint32_t node = 0;  // of the graph
    size_t device = 0;  // of the executor
    Clock::time_point start, end;
};

// A run that has succeeded. Good during the call.
struct ObservedRun {
    const Graph& graph;
    std::span<const InputBytes> inputs;  // those that the host gave
    std::span<const NodeTime> nodes;     // in running order, each node once; empty where the observer does not want them
    Clock::time_point start, end;        // from the first input that is written until all devices are idle
};

// Called by the thread that calls Executor::run(), before that returns. It outlives the executor. Runs in a pipeline are not
// observed.
class RunObserver {
  public:
    virtual ~RunObserver() = default;
    virtual bool wants_nodes() const = 0;  // the same answer each time
    virtual void ran(const ObservedRun& run) = 0;
};

// The times of the current run; an executor with an observer has one.
class RunTimes {
  public:
    explicit RunTimes(RunObserver& observer) : observer_(&observer), wants_nodes_(observer.wants_nodes()) {}
    bool wants_nodes() const { return wants_nodes_; }
    void begin();
    Result<void> run_segment(const Compiled& compiled, uint32_t segment, DeviceContext& context,
                             std::span<const int64_t> sizes);
    // Behind the last segment, with idle devices: tells the observer.
    void end(const Compiled& compiled, std::span<const InputBytes> inputs);

  private:
    RunObserver* observer_;
    bool wants_nodes_;
    std::vector<NodeTime> nodes_;
    Clock::time_point start_;
};

}  // namespace krait::graph
