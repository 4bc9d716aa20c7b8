// SPDX-License-Identifier: Apache-2.0
#include "graph/pipeline.hpp"

#include <algorithm>
#include <new>
#include <system_error>

namespace krait::graph {
namespace {

// For errors that a device's thread left without words: cancelled stands for a run behind one that failed.
Error in_words(ErrorCode code) noexcept {
    try {
        switch (code) {
            case ErrorCode::cancelled: return {ErrorCode::internal, "a run before it has failed"};
            case ErrorCode::out_of_memory: return {code, "there is no memory for a run, or to say how it failed"};
            default: return {code, "a run ended in an exception"};
        }
    } catch (const std::bad_alloc&) {
        return {ErrorCode::out_of_memory, {}};
    }
}

}  // namespace

Pipeline::Pipeline(std::span<const std::unique_ptr<DeviceContext>> contexts) : waiting_(contexts.size()) {
    for (const auto& context : contexts) contexts_.push_back(context.get());
    for (auto& runs : waiting_) runs.reserve(16);
}

Result<std::unique_ptr<Pipeline>> Pipeline::create(std::span<const std::unique_ptr<DeviceContext>> contexts) {
    std::unique_ptr<Pipeline> pipeline(new Pipeline(contexts));
    try {
        for (size_t device = 0; device < contexts.size(); ++device)
            pipeline->threads_.emplace_back([self = pipeline.get(), device] { self->serve(device); });
    } catch (const std::system_error& error) {  // those that have started end with the pipeline
        return fail(ErrorCode::unavailable, "no thread could be started for a device: {}", error.what());
    }
    return pipeline;
}

Pipeline::~Pipeline() {
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return n_running_ == 0; });
        stop_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
}

Result<void> Pipeline::submit(PipelineRun& run) {
    const PartitionedGraph& partitioned = run.compiled->partitioned();
    for (uint32_t subgraph = 0; subgraph < partitioned.subgraphs.size(); ++subgraph) {
        const size_t device = run.compiled->device_of(subgraph);
        KRAIT_CHECK(
            run.staging.reserve(contexts_.size(), device, *contexts_[device]->device, run.compiled->staging_bytes(subgraph)));
    }
    for (const OutputBytes& output : run.outputs) KRAIT_CHECK(run.compiled->subgraph_of(output));
    run.segment_done.assign(partitioned.segments.size(), 0);
    run.n_subgraphs_left = partitioned.subgraphs.size();
    run.error.reset();
    {
        const std::lock_guard lock(mutex_);
        // Whatever may throw comes before anything is changed.
        for (auto& runs : waiting_)
            if (runs.size() == runs.capacity()) runs.reserve(2 * runs.size());
        if (n_running_ == 0) first_failed_ = UINT64_MAX;
        run.number = n_submitted_++;
        ++n_running_;
        for (uint32_t subgraph = 0; subgraph < partitioned.subgraphs.size(); ++subgraph)
            waiting_[run.compiled->device_of(subgraph)].push_back(&run);
    }
    changed_.notify_all();
    return {};
}

Result<void> Pipeline::wait(PipelineRun& run) noexcept {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return run.n_subgraphs_left == 0; });
    if (!run.error) return {};
    Error error = std::move(*run.error);
    if (error.message.empty()) error = in_words(error.code);
    return tl::unexpected<Error>(std::move(error));
}

void Pipeline::fail_run(PipelineRun& run, Error error) noexcept {
    if (!run.error) run.error = std::move(error);
    first_failed_ = std::min(first_failed_, run.number);
}

void Pipeline::serve(size_t device) noexcept {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [&] { return stop_ || !waiting_[device].empty(); });
        if (waiting_[device].empty()) return;
        PipelineRun& run = *waiting_[device].front();
        if (run.number > first_failed_) fail_run(run, {ErrorCode::cancelled, {}});
        if (!run.error) {
            const auto& subgraphs = run.compiled->partitioned().subgraphs;
            const auto subgraph = std::find_if(subgraphs.begin(), subgraphs.end(),
                                               [&](const Subgraph& s) { return static_cast<size_t>(s.device) == device; });
            lock.unlock();
            std::optional<Error> error =
                run_subgraph_caught(run, static_cast<uint32_t>(subgraph - subgraphs.begin()), *contexts_[device]);
            lock.lock();
            if (error) fail_run(run, std::move(*error));
        }
        waiting_[device].erase(waiting_[device].begin());
        if (--run.n_subgraphs_left == 0) --n_running_;
        changed_.notify_all();
    }
}

// An exception here would end the process: it belongs to the thread that waits for the run. So does one that comes while an
// error is put into words: it has none then.
std::optional<Error> Pipeline::run_subgraph_caught(PipelineRun& run, uint32_t subgraph, DeviceContext& context) noexcept {
    std::optional<Error> error;
    try {
        Result<void> done = run_subgraph(run, subgraph, context);
        if (done) return std::nullopt;
        error = std::move(done).error();
    } catch (const std::bad_alloc&) {
        error = Error{ErrorCode::out_of_memory, {}};
    } catch (const std::exception& exception) {
        error = Error{ErrorCode::internal, {}};
        try {
            error->message = fmt::format("a run on {} ended in an exception: {}", context.device->name(), exception.what());
        } catch (...) {
        }
    }
    context.last_written = nullptr;
    try {
        (void)context.queue.sync();  // its error is told; the next run begins with none
    } catch (...) {                  // only while that error is put into words
    }
    return error;
}

Result<void> Pipeline::run_subgraph(PipelineRun& run, uint32_t subgraph, DeviceContext& context) {
    KRAIT_CHECK(run.compiled->write_inputs(subgraph, context, run.inputs));
    const auto& segments = run.compiled->partitioned().segments;
    for (uint32_t segment = 0; segment < segments.size(); ++segment)
        if (segments[segment].subgraph == subgraph) KRAIT_CHECK(run_segment(run, segment, context));
    for (const OutputBytes& output : run.outputs) {
        KRAIT_TRY(const uint32_t computed_by, run.compiled->subgraph_of(output));
        if (computed_by == subgraph) KRAIT_CHECK(run.compiled->read_output(subgraph, context, output));
    }
    return context.queue.sync();
}

Result<void> Pipeline::run_segment(PipelineRun& run, uint32_t segment, DeviceContext& context) {
    KRAIT_CHECK(await_copies(run, segment));
    KRAIT_CHECK(run.compiled->copy_in(segment, context, run.staging));
    KRAIT_CHECK(context.queue.run(run.compiled->program(segment), run.sizes));
    if (run.compiled->has_copies_out(segment)) {
        KRAIT_CHECK(run.compiled->copy_out(segment, context, run.staging));
        KRAIT_CHECK(context.queue.sync());
    }
    {
        const std::lock_guard lock(mutex_);
        run.segment_done[segment] = 1;
    }
    changed_.notify_all();
    return {};
}

Result<void> Pipeline::await_copies(PipelineRun& run, uint32_t segment) {
    std::unique_lock lock(mutex_);
    for (const Copy& copy : run.compiled->partitioned().copies) {
        if (copy.before != segment) continue;
        changed_.wait(lock, [&] { return run.segment_done[copy.after] || run.error; });
    }
    if (run.error) return tl::unexpected<Error>(*run.error);
    return {};
}

}  // namespace krait::graph
