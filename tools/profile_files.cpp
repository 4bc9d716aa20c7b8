// SPDX-License-Identifier: Apache-2.0
#include "tools/profile_files.hpp"

#include <nlohmann/json.hpp>

#include "bench/profile_json.hpp"
#include "bench/report.hpp"
#include "bench/trace_file.hpp"
#include "core/base/output_file.hpp"
#include "tools/log.hpp"

namespace krait::tools {

constexpr int kSchema = 1;

bench::ProfileForm table_of(const ProfileOptions& options) {
    return options.form == "nodes" ? bench::ProfileForm::nodes : bench::ProfileForm::operators;
}

std::unique_ptr<ProfileTrace> new_trace(const ProfileOptions& options) {
    return options.trace.empty() ? nullptr : std::make_unique<ProfileTrace>();
}

Result<void> write_trace(const ProfileOptions& options, const ProfileTrace* events, const std::vector<std::string>& devices) {
    if (!events) return {};
    KRAIT_CHECK(bench::write_trace(*events, devices, options.trace));
    if (events->n_dropped() > 0)
        print_warning(fmt::format("{} has the first {} runs of nodes; {} more were dropped", printable(options.trace),
                                  events->events().size(), events->n_dropped()));
    return {};
}

Result<void> write_json(const ProfileOptions& options, const Profile& profile, const Model& model) {
    if (options.json.empty()) return {};
    nlohmann::ordered_json report{{"schema", kSchema},
                                  {"krait", KRAIT_VERSION},
                                  {"date", bench::date_now()},
                                  {"model", model.file().name()},
                                  {"device", model.device_names()},
                                  {"hardware", model.hardware()},
                                  {"profile", bench::profile_json(profile)}};
    // Names come from files and may be no UTF-8.
    const std::string text = report.dump(2, ' ', true, nlohmann::ordered_json::error_handler_t::replace) + "\n";
    KRAIT_TRY(OutputFile file, OutputFile::create(options.json));
    KRAIT_CHECK(file.write(std::as_bytes(std::span(text))));
    return file.finish();
}

}  // namespace krait::tools
