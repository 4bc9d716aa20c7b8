// SPDX-License-Identifier: Apache-2.0
//
// Several runs under way at once: each device has a thread that takes its share of one run after another, in the order in which
// they were submitted, so that a device works on the next run while another still has the one before.
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

// What is run; borrowed from submit() until wait() has returned. May be used again then.
struct PipelineRun {
    Compiled* compiled = nullptr;
    std::span<const InputBytes> inputs;  // checked (Compiled::check)
    std::span<const OutputBytes> outputs;

  private:
    friend class Pipeline;
    Staging staging;
    std::vector<uint8_t> part_done;
    uint64_t number = 0;  // in the order of submission
    size_t n_shares_left = 0;
    std::optional<Error> error;  // wait() finds the words for one without
};

class Pipeline {
  public:
    // The lanes outlive it, and are used by it alone while runs are under way. Unavailable where the system has no more threads.
    static Result<std::unique_ptr<Pipeline>> create(std::span<const std::unique_ptr<Lane>> lanes);
    ~Pipeline();  // waits for what is under way
    Pipeline(const Pipeline&) = delete;
    Pipeline& operator=(const Pipeline&) = delete;

    Result<void> submit(PipelineRun& run);
    Result<void> wait(PipelineRun& run) noexcept;  // once for each submit()

  private:
    explicit Pipeline(std::span<const std::unique_ptr<Lane>> lanes);
    void serve(size_t device) noexcept;  // a thread's life
    std::optional<Error> work_caught(PipelineRun& run, uint32_t share, Lane& lane) noexcept;
    Result<void> work(PipelineRun& run, uint32_t share, Lane& lane);
    Result<void> work_part(PipelineRun& run, uint32_t part, Lane& lane);
    Result<void> await_copies(PipelineRun& run, uint32_t part);
    void fail_run(PipelineRun& run, Error error) noexcept;  // mutex_ is held

    std::vector<Lane*> lanes_;
    std::mutex mutex_;  // of everything below, and of the private part of runs
    std::condition_variable changed_;
    std::vector<std::vector<PipelineRun*>> waiting_;  // by device; a few, the first is at work
    size_t n_under_way_ = 0;
    uint64_t n_submitted_ = 0;
    uint64_t first_failed_ = UINT64_MAX;  // the earliest, by number, since nothing was under way
    bool stop_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace krait::graph
