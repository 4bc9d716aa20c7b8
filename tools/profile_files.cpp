// SPDX-License-Identifier: Apache-2.0
#include "tools/profile_files.hpp"

#include <nlohmann/json.hpp>

#include "bench/profile_json.hpp"
#include "bench/report.hpp"
#include "bench/trace_file.hpp"
#include "core/base/output_file.hpp"
#include "tools/error.hpp"
#include "tools/log.hpp"

namespace krait::tools {

constexpr int kSchema = 1;

bench::ProfileForm table_of(const ProfileOptions& options) {
    return options.form == "nodes" ? bench::ProfileForm::nodes : bench::ProfileForm::operators;
}

uint64_t max_events_of(const ProfileOptions& options) { return options.trace.empty() ? 0 : bench::kMaxTraceEvents; }

api::Status write_trace(const ProfileOptions& options, std::span<const api::Profile* const> profiles) {
    if (options.trace.empty()) return api::Done{};
    const auto n_dropped = bench::write_trace(profiles, options.trace);
    if (!n_dropped) return failure_of(n_dropped.error());
    if (*n_dropped > 0)
        print_warning(fmt::format("{} has the first {} runs of nodes; {} more were dropped", printable(options.trace),
                                  bench::kMaxTraceEvents, *n_dropped));
    return api::Done{};
}

api::Status write_json(const ProfileOptions& options, const api::Profile& profile, const api::Model& model) {
    if (options.json.empty()) return api::Done{};
    const nlohmann::ordered_json report{{"schema", kSchema},
                                        {"krait", api::version()},
                                        {"date", bench::date_now()},
                                        {"model", model.name()},
                                        {"device", model.device()},
                                        {"hardware", model.hardware()},
                                        {"profile", bench::profile_json(profile)}};
    // Names come from files and may be no UTF-8.
    const std::string text = report.dump(2, ' ', true, nlohmann::ordered_json::error_handler_t::replace) + "\n";
    return to_api(write_file(options.json, text));
}

}  // namespace krait::tools
