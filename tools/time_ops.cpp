// SPDX-License-Identifier: Apache-2.0
#include "tools/time_ops.hpp"

#include <optional>

#include "bench/ceilings_json.hpp"
#include "bench/report.hpp"
#include "tools/output.hpp"
#include "tools/progress_bar.hpp"

namespace krait::tools {
namespace {

using Json = nlohmann::ordered_json;

Result<std::optional<bench::Ceilings>> measure_ceilings(const Device& device, const std::string& spec) {
    ProgressBar bar("ceilings");
    return bench::ceilings_of(device.info().kind == KRAIT_DEVICE_CPU, spec,
                              [&](uint64_t done, uint64_t total) { bar.update(done, total); });
}

// "37%" of a ceiling; "-" where there is none.
std::string share_of(double rate, const std::optional<double>& ceiling) {
    return ceiling && rate > 0 ? fmt::format("{:.0f}%", 100 * rate / *ceiling) : "-";
}

void print_row(const harness::Case& of, const harness::Timing& timing, const std::optional<bench::Ceilings>& ceilings) {
    const double bytes = timing.bytes / timing.seconds, flops = timing.flops / timing.seconds;
    std::optional<double> read, peak;
    if (ceilings) {
        const harness::Operand* weights = of.find("w");
        read = ceilings->read_bytes_per_second;
        peak = bench::peak_for(*ceilings, weights ? dtype_of(weights->desc) : DType::F32).operations_per_second;
    }
    print("{:<16} {:<44} {:>11.2f} {:>11.0f} {:>8.2f} {:>8} {:>9} {:>8}\n", op_name(of.op), of.name, timing.seconds * 1e6,
          timing.bytes, bytes * 1e-9, share_of(bytes, read), flops > 0 ? fmt::format("{:.2f}", flops * 1e-9) : "-",
          share_of(flops, peak));
    (void)flush_output();
}

Json row_json(const harness::Case& of, const harness::Timing& timing) {
    return {{"op", op_name(of.op)},
            {"case", of.name},
            {"us", timing.seconds * 1e6},
            {"bytes", timing.bytes},
            {"gb_per_second", timing.bytes / timing.seconds * 1e-9},
            {"gflop_per_second", timing.flops / timing.seconds * 1e-9}};
}

}  // namespace

Result<TimedOps> time_ops(const std::shared_ptr<Device>& device, const std::string& spec,
                          const std::vector<const harness::Case*>& cases, const TimeOptions& options) {
    KRAIT_TRY(const auto ceilings, measure_ceilings(*device, spec));
    TimedOps timed;
    timed.json["device"] = spec == "auto" ? device->name() : spec;
    if (ceilings) timed.json["ceilings"] = bench::ceilings_json(*ceilings);
    Json& rows = timed.json["cases"] = Json::array();
    if (!options.as_json) {
        if (ceilings) print("{}: {}\n", device->name(), bench::ceilings_text(*ceilings));
        print("{:<16} {:<44} {:>11} {:>11} {:>8} {:>8} {:>9} {:>8}\n", "op", "case", "us", "bytes", "GB/s", "of read",
              "GFLOP/s", "of peak");
    }
    std::optional<ProgressBar> bar;
    if (options.as_json) bar.emplace("timing");
    for (size_t i = 0; i < cases.size(); ++i) {
        if (bar) bar->update(i, cases.size());
        if (options.cancel && *options.cancel)
            return fail(ErrorCode::cancelled, "cancelled after {} of {} cases on {}", i, cases.size(), device->name());
        const harness::Case& of = *cases[i];
        if (!of.legal()) continue;
        const auto timing = harness::measure(device, of, options.cold_bytes);
        if (timing) {
            rows.push_back(row_json(of, *timing));
            if (!options.as_json) print_row(of, *timing, ceilings);
            continue;
        }
        const Error& error = timing.error();
        rows.push_back({{"op", op_name(of.op)}, {"case", of.name}, {"error", error.message}});
        if (!options.as_json) print("{:<16} {:<44} {}\n", op_name(of.op), of.name, error.message);
        timed.failed |= error.code != ErrorCode::unsupported;
    }
    return timed;
}

}  // namespace krait::tools
