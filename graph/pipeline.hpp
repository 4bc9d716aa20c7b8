// SPDX-License-Identifier: Apache-2.0
//
// Several runs at once: each device has a thread that takes its subgraph of one run after another, in the order in which
// they were submitted, so that a device computes the next run while another one still computes the one before.
//   pipeline.submit(a); pipeline.submit(b);
//   KRAIT_CHECK(pipeline.wait(a));
// Each run has staging memory of its own, so what leaves a device waits for nobody. When a run fails, those behind it that are
// not done fail too: they may build on it. The threads need no memory to say so: where there is none, that is the run's error.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "graph/compiled.hpp"

namespace krait::graph {

// A run; borrowed from submit() until wait() has returned. May be used again then.
struct PipelineRun {
    Compiled* compiled = nullptr;
    std::span<const InputBytes> inputs;  // checked (Compiled::check)
    std::span<const OutputBytes> outputs;
    std::span<const int64_t> sizes;  // of the graph's dynamic dimensions; empty = all at their largest

  private:
    friend class Pipeline;
    Staging staging;
    std::vector<uint8_t> segment_done;
    uint64_t number = 0;  // in the order of submission
    size_t n_subgraphs_left = 0;
    std::optional<Error> error;  // wait() finds the words for one without
};

class Pipeline {
  public:
    // The contexts outlive it, and are used by it alone while runs are pending. Unavailable where the system has no more
    // threads.
    static Result<std::unique_ptr<Pipeline>> create(std::span<const std::unique_ptr<DeviceContext>> contexts);
    ~Pipeline();  // waits for the runs that are pending
    Pipeline(const Pipeline&) = delete;
    Pipeline& operator=(const Pipeline&) = delete;

    Result<void> submit(PipelineRun& run);
    Result<void> wait(PipelineRun& run) noexcept;  // once for each submit()

  private:
    explicit Pipeline(std::span<const std::unique_ptr<DeviceContext>> contexts);
    void serve(size_t device) noexcept;  // a thread's life
    std::optional<Error> run_subgraph_caught(PipelineRun& run, uint32_t subgraph, DeviceContext& context) noexcept;
    Result<void> run_subgraph(PipelineRun& run, uint32_t subgraph, DeviceContext& context);
    Result<void> run_segment(PipelineRun& run, uint32_t segment, DeviceContext& context);
    Result<void> await_copies(PipelineRun& run, uint32_t segment);
    void fail_run(PipelineRun& run, Error error) noexcept;  // mutex_ is held

    std::vector<DeviceContext*> contexts_;
    std::mutex mutex_;  // of everything below, and of the private part of runs
    std::condition_variable changed_;
    std::vector<std::vector<PipelineRun*>> waiting_;  // by device; a few, the first is at work
    size_t n_running_ = 0;
    uint64_t n_submitted_ = 0;
    uint64_t first_failed_ = UINT64_MAX;  // the earliest, by number, since no run was pending
    bool stop_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace krait::graph
