// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/perf.hpp"

#include <algorithm>
#include <chrono>

namespace krait::harness {
namespace {

constexpr double kBatchSeconds = 0.02;  // long against the clock and the submission
constexpr int kBatches = 5;

double seconds_of(BoundCase& bound, int times, Result<void>& ok) {
    const auto start = std::chrono::steady_clock::now();
    ok = bound.run_again(times);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double bytes_of(const Case& of, const CaseData& data) {
    double bytes = 0;
    for (const auto& operand : data.in) bytes += static_cast<double>(operand.size());
    for (const TensorDesc& out : data.out)
        if (out.rank > 0) bytes += static_cast<double>(span_bytes(out));
    if (of.state_operand() < 0) return bytes;
    const auto src = data.ids(static_cast<size_t>(operand_index(of.spec(), "src_slot")));
    const auto n_read = std::count_if(src.begin(), src.end(), [](int32_t slot) { return slot >= 0; });
    return bytes + static_cast<double>((static_cast<int64_t>(written_slots(of, data).size()) + n_read) * data.slot_elements) *
                       sizeof(float);
}

}  // namespace

Result<Timing> measure(const std::shared_ptr<const Device>& device, const Case& of) {
    KRAIT_TRY(const CaseData data, materialize(of));
    if (auto why = BoundCase::declined(*device, of, data)) return tl::unexpected<Error>(std::move(*why));
    KRAIT_TRY(const Resources resources, Resources::create(device, of, data, true));
    KRAIT_TRY(BoundCase bound, BoundCase::create(resources, of, data, Layout::plain));
    KRAIT_TRY(Queue queue, device->create_queue());
    KRAIT_CHECK(import_states(queue, resources, data.states));
    KRAIT_TRY(const Observed ignored, bound.run(data));  // the first run is no run like the others

    Result<void> ok;
    int times = 1;
    double seconds = seconds_of(bound, times, ok);
    while (ok && seconds < kBatchSeconds && times < (1 << 20)) {
        times = std::max(times * 2, static_cast<int>(std::min(1e6, times * kBatchSeconds / std::max(seconds, 1e-7))));
        seconds = seconds_of(bound, times, ok);
    }
    double best = seconds / times;
    for (int i = 1; ok && i < kBatches; ++i) best = std::min(best, seconds_of(bound, times, ok) / times);
    if (!ok) return tl::unexpected<Error>(std::move(ok).error());
    return Timing{best, bytes_of(of, data), of.flops};
}

}  // namespace krait::harness
