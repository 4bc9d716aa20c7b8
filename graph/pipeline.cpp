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

Pipeline::Pipeline(std::span<const std::unique_ptr<Lane>> lanes) : waiting_(lanes.size()) {
    for (const auto& lane : lanes) lanes_.push_back(lane.get());
    for (auto& runs : waiting_) runs.reserve(16);
}

Result<std::unique_ptr<Pipeline>> Pipeline::create(std::span<const std::unique_ptr<Lane>> lanes) {
    std::unique_ptr<Pipeline> pipeline(new Pipeline(lanes));
    try {
        for (size_t device = 0; device < lanes.size(); ++device)
            pipeline->threads_.emplace_back([self = pipeline.get(), device] { self->serve(device); });
    } catch (const std::system_error& error) {  // those that have started end with the pipeline
        return fail(ErrorCode::unavailable, "no thread could be started for a device: {}", error.what());
    }
    return pipeline;
}

Pipeline::~Pipeline() {
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return n_under_way_ == 0; });
        stop_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
}

Result<void> Pipeline::submit(PipelineRun& run) {
    const DividedGraph& divided = run.compiled->divided();
    for (uint32_t share = 0; share < divided.shares.size(); ++share) {
        const size_t device = run.compiled->device_of(share);
        KRAIT_CHECK(run.staging.reserve(lanes_.size(), device, *lanes_[device]->device, run.compiled->staging_bytes(share)));
    }
    for (const OutputBytes& output : run.outputs) KRAIT_CHECK(run.compiled->share_of(output));
    run.part_done.assign(divided.parts.size(), 0);
    run.n_shares_left = divided.shares.size();
    run.error.reset();
    {
        const std::lock_guard lock(mutex_);
        // Whatever may throw comes before anything is changed.
        for (auto& runs : waiting_)
            if (runs.size() == runs.capacity()) runs.reserve(2 * runs.size());
        if (n_under_way_ == 0) first_failed_ = UINT64_MAX;
        run.number = n_submitted_++;
        ++n_under_way_;
        for (uint32_t share = 0; share < divided.shares.size(); ++share)
            waiting_[run.compiled->device_of(share)].push_back(&run);
    }
    changed_.notify_all();
    return {};
}

Result<void> Pipeline::wait(PipelineRun& run) noexcept {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return run.n_shares_left == 0; });
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
            const auto& shares = run.compiled->divided().shares;
            const auto share = std::find_if(shares.begin(), shares.end(),
                                            [&](const Share& s) { return static_cast<size_t>(s.device) == device; });
            lock.unlock();
            std::optional<Error> error = work_caught(run, static_cast<uint32_t>(share - shares.begin()), *lanes_[device]);
            lock.lock();
            if (error) fail_run(run, std::move(*error));
        }
        waiting_[device].erase(waiting_[device].begin());
        if (--run.n_shares_left == 0) --n_under_way_;
        changed_.notify_all();
    }
}

// An exception here would end the process: it belongs to the thread that waits for the run. So does one that comes while an error
// is put into words: it has none then.
std::optional<Error> Pipeline::work_caught(PipelineRun& run, uint32_t share, Lane& lane) noexcept {
    std::optional<Error> error;
    try {
        Result<void> done = work(run, share, lane);
        if (done) return std::nullopt;
        error = std::move(done).error();
    } catch (const std::bad_alloc&) {
        error = Error{ErrorCode::out_of_memory, {}};
    } catch (const std::exception& exception) {
        error = Error{ErrorCode::internal, {}};
        try {
            error->message = fmt::format("a run on {} ended in an exception: {}", lane.device->name(), exception.what());
        } catch (...) {
        }
    }
    lane.latest = nullptr;
    try {
        (void)lane.queue.sync();  // its error is told; the next run begins with none
    } catch (...) {               // only while that error is put into words
    }
    return error;
}

Result<void> Pipeline::work(PipelineRun& run, uint32_t share, Lane& lane) {
    KRAIT_CHECK(run.compiled->write_inputs(share, lane, run.inputs));
    const auto& parts = run.compiled->divided().parts;
    for (uint32_t part = 0; part < parts.size(); ++part)
        if (parts[part].share == share) KRAIT_CHECK(work_part(run, part, lane));
    for (const OutputBytes& output : run.outputs) {
        KRAIT_TRY(const uint32_t computed_by, run.compiled->share_of(output));
        if (computed_by == share) KRAIT_CHECK(run.compiled->read_output(share, lane, output));
    }
    return lane.queue.sync();
}

Result<void> Pipeline::work_part(PipelineRun& run, uint32_t part, Lane& lane) {
    KRAIT_CHECK(await_copies(run, part));
    KRAIT_CHECK(run.compiled->copy_in(part, lane, run.staging));
    KRAIT_CHECK(run.compiled->run_part(part, lane));
    if (run.compiled->has_copies_out(part)) {
        KRAIT_CHECK(run.compiled->copy_out(part, lane, run.staging));
        KRAIT_CHECK(lane.queue.sync());
    }
    {
        const std::lock_guard lock(mutex_);
        run.part_done[part] = 1;
    }
    changed_.notify_all();
    return {};
}

Result<void> Pipeline::await_copies(PipelineRun& run, uint32_t part) {
    std::unique_lock lock(mutex_);
    for (const Copy& copy : run.compiled->divided().copies) {
        if (copy.before != part) continue;
        changed_.wait(lock, [&] { return run.part_done[copy.after] || run.error; });
    }
    if (run.error) return tl::unexpected<Error>(*run.error);
    return {};
}

}  // namespace krait::graph
