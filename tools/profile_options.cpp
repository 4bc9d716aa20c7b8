// SPDX-License-Identifier: Apache-2.0
#include "tools/profile_options.hpp"

#include <filesystem>

#include "core/base/output_file.hpp"
#include "tools/error.hpp"
#include "tools/output.hpp"

namespace krait::tools {
namespace {

constexpr const char* kGroup = "Profile";

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

api::Status ProfileOptions::check(const std::string& input, bool explains) const {
    if (explains && are_given())
        return failure(KRAIT_INVALID_ARGUMENT, "--explain runs nothing that could be profiled: leave it out, or --profile");
    for (const std::string& file : {json, trace}) {
        if (file.empty()) continue;
        TOOLS_CHECK(check_target(file, {input}));
        if (const auto checked = OutputFile::check(file); !checked) return failure_of(checked.error());
    }
    std::error_code unknown;
    if (!json.empty() && !trace.empty() &&
        std::filesystem::weakly_canonical(json, unknown) == std::filesystem::weakly_canonical(trace, unknown))
        return failure(KRAIT_INVALID_ARGUMENT, "--profile-json and --profile-trace are one file, {}; each needs its own",
                       printable(json));
    return api::Done{};
}

}  // namespace krait::tools
