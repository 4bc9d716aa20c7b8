// SPDX-License-Identifier: Apache-2.0
#include "tools/profile_options.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>

#include "bench/profile_json.hpp"
#include "bench/report.hpp"
#include "bench/trace_file.hpp"
#include "core/base/output_file.hpp"
#include "core/base/printable.hpp"
#include "tools/log.hpp"

namespace krait::tools {
namespace {

constexpr const char* kGroup = "Profile";
constexpr int kSchema = 1;

}  // namespace

void ProfileOptions::add(Command& command) {
    command
        .flag_with_value("--profile", form, "operators",
                         "show where the time goes: time, bytes and GB/s by operator; --profile=nodes also by node, "
                         "--profile=operators is the default")
        .one_of({"operators", "nodes"})
        .group(kGroup);
    command.option("--profile-trace", trace, "write every run of a node for chrome://tracing or ui.perfetto.dev")
        .path("FILE")
        .not_empty("a file")
        .group(kGroup);
}

void ProfileOptions::add_json(Command& command) {
    command.option("--profile-json", json, "write the profile, with every node, as JSON")
        .path("FILE")
        .not_empty("a file")
        .group(kGroup);
}

Result<void> ProfileOptions::check(const std::string& input) const {
    for (const std::string& file : {json, trace}) {
        if (file.empty()) continue;
        KRAIT_CHECK(refuse_overwrite(file, {input}));
        KRAIT_CHECK(OutputFile::check(file));
    }
    std::error_code unknown;
    if (!json.empty() && !trace.empty() &&
        std::filesystem::weakly_canonical(json, unknown) == std::filesystem::weakly_canonical(trace, unknown))
        return fail(ErrorCode::invalid_argument, "--profile-json and --profile-trace are one file, {}; each needs its own",
                    printable(json));
    return {};
}

std::unique_ptr<ProfileTrace> ProfileOptions::new_trace() const {
    return trace.empty() ? nullptr : std::make_unique<ProfileTrace>();
}

Result<void> ProfileOptions::write_trace(const ProfileTrace* events, const std::vector<std::string>& devices) const {
    if (!events) return {};
    KRAIT_CHECK(bench::write_trace(*events, devices, trace));
    if (events->n_dropped() > 0)
        print_warning(fmt::format("{} has the first {} runs of nodes; {} more were dropped", printable(trace),
                                  events->events().size(), events->n_dropped()));
    return {};
}

Result<void> ProfileOptions::write_json(const Profile& profile, const Model& model) const {
    if (json.empty()) return {};
    nlohmann::ordered_json report{{"schema", kSchema},
                                  {"krait", KRAIT_VERSION},
                                  {"date", bench::date_now()},
                                  {"model", model.file().name()},
                                  {"device", model.device_names()},
                                  {"hardware", model.hardware()},
                                  {"profile", bench::profile_json(profile)}};
    // Names come from files and may be no UTF-8.
    const std::string text = report.dump(2, ' ', true, nlohmann::ordered_json::error_handler_t::replace) + "\n";
    KRAIT_TRY(OutputFile file, OutputFile::create(json));
    KRAIT_CHECK(file.write(std::as_bytes(std::span(text))));
    return file.finish();
}

}  // namespace krait::tools
