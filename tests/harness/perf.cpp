// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/perf.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>

namespace krait::harness {
namespace {

constexpr double kBatchSeconds = 0.02;  // long against the clock and the submission
constexpr int kBatches = 5;

double seconds_of(TimedCase& timed, int times, Result<void>& ok) {
    const auto start = std::chrono::steady_clock::now();
    ok = timed.copies() == 1 ? timed.run(times) : timed.run_copies(times);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Bytes of the experts that no row goes to, which nothing reads.
double unused_bytes(const Case& of, const CaseData& data) {
    if (of.op != OpId::mul_mat_experts) return 0;
    const TensorDesc& w = of.find("w")->desc;
    const auto ids = data.ids(static_cast<size_t>(find_operand(of.spec().inputs, "ids")));
    std::set<int32_t> unused;
    for (int32_t expert = 0; expert < w.extent[0]; ++expert) unused.insert(expert);
    for (const int32_t id : ids) unused.erase(id);
    return static_cast<double>(unused.size()) * static_cast<double>(inner_bytes(w));
}

double bytes_of(const Case& of, const CaseData& data) {
    double bytes = -unused_bytes(of, data);
    for (const auto& operand : data.in) bytes += static_cast<double>(operand.size());
    for (const TensorDesc& out : data.out)
        if (out.rank > 0) bytes += static_cast<double>(span_bytes(out));
    if (of.memory_operand() < 0) return bytes;
    const auto read = read_slots(of, data);
    const auto n_read = std::count_if(read.begin(), read.end(), [](int32_t slot) { return slot >= 0; });
    return bytes + static_cast<double>((static_cast<int64_t>(written_slots(of, data).size()) + n_read) * data.slot_bytes);
}

}  // namespace

struct TimedCase::Copy {
    CaseData data;  // constants may be read where they lie
    Resources resources;
    std::optional<BoundCase> bound;
};

void TimedCase::Delete::operator()(Copy* copy) const { delete copy; }

Result<void> TimedCase::add_copy(const std::shared_ptr<const Device>& device, const Case& of, const CaseData& data) {
    std::unique_ptr<Copy, Delete> copy(new Copy{.data = data});
    KRAIT_TRY(copy->resources, Resources::create(device, of, copy->data, true));
    KRAIT_TRY(copy->bound, BoundCase::create(copy->resources, of, copy->data, Layout::plain));
    KRAIT_TRY(Queue queue, device->create_queue());
    KRAIT_CHECK(import_memory(queue, copy->resources, copy->data.memory));
    KRAIT_TRY(const Observed ignored, copy->bound->run(copy->data));
    copies_.push_back(std::move(copy));
    return {};
}

Result<TimedCase> TimedCase::create(const std::shared_ptr<const Device>& device, const Case& of, uint64_t cold_bytes) {
    KRAIT_TRY(const CaseData data, materialize(of));
    if (auto why = BoundCase::declined(*device, of, data)) return tl::unexpected<Error>(std::move(*why));
    TimedCase timed;
    timed.bytes_ = bytes_of(of, data);
    timed.flops_ = of.flops;
    constexpr double kMaxCopies = 1024;
    const auto copies =
        static_cast<int>(std::clamp(std::ceil(static_cast<double>(cold_bytes) / std::max(timed.bytes_, 1.0)), 1.0, kMaxCopies));
    for (int i = 0; i < copies; ++i) KRAIT_CHECK(timed.add_copy(device, of, data));
    if (copies == 1) return timed;
    std::vector<const BoundCase*> bound;
    for (const auto& copy : timed.copies_) bound.push_back(&*copy->bound);
    KRAIT_TRY(timed.all_, BoundCase::in_a_row(bound));
    KRAIT_TRY(timed.queue_, device->create_queue());
    return timed;
}

Result<void> TimedCase::run(int times) {
    if (copies_.size() == 1) return copies_[0]->bound->run_again(times);
    for (int i = 0; i < times; ++i, next_ = (next_ + 1) % copies_.size()) KRAIT_CHECK(copies_[next_]->bound->run_again(1));
    return {};
}

Result<void> TimedCase::run_copies(int times) {
    for (int i = 0; i < times; ++i) KRAIT_CHECK(queue_.run(all_));
    return queue_.sync();
}

Result<Timing> measure(const std::shared_ptr<const Device>& device, const Case& of, uint64_t cold_bytes) {
    KRAIT_TRY(TimedCase timed, TimedCase::create(device, of, cold_bytes));
    Result<void> ok;
    int times = 1;
    double seconds = seconds_of(timed, times, ok);
    while (ok && seconds < kBatchSeconds && times < (1 << 20)) {
        times = std::max(times * 2, static_cast<int>(std::min(1e6, times * kBatchSeconds / std::max(seconds, 1e-7))));
        seconds = seconds_of(timed, times, ok);
    }
    double best = seconds / times;
    for (int i = 1; ok && i < kBatches; ++i) best = std::min(best, seconds_of(timed, times, ok) / times);
    if (!ok) return tl::unexpected<Error>(std::move(ok).error());
    return Timing{best / static_cast<double>(timed.copies()), timed.bytes(), timed.flops()};
}

}  // namespace krait::harness
