// SPDX-License-Identifier: Apache-2.0
#include "bench/trace_file.hpp"

#include <nlohmann/json.hpp>

#include "core/base/output_file.hpp"
#include "models/profile/profile.hpp"

namespace krait::bench {
namespace {

using Json = nlohmann::ordered_json;
constexpr size_t kBlock = size_t{1} << 16;  // that is written at once

double microseconds(graph::Clock::duration duration) { return std::chrono::duration<double, std::micro>(duration).count(); }

// Names come from files and may be no UTF-8.
std::string line(const Json& json) { return json.dump(-1, ' ', true, Json::error_handler_t::replace); }

Json name_of_device(size_t device, const std::string& name) {
    return {{"name", "process_name"}, {"ph", "M"}, {"pid", device}, {"tid", 0}, {"args", {{"name", name}}}};
}

Json event_json(const ProfileTrace& trace, const TraceEvent& event) {
    const ProfileTrace::Node& node = trace.nodes()[event.node];
    Json args{
        {"run", event.run}, {"phase", phase_name(event.is_decode ? Phase::decode : Phase::prompt)}, {"bytes", event.bytes}};
    if (node.layer >= 0 && node.layer != graph::kHead) args["layer"] = node.layer;
    return {{"name", node.name},
            {"cat", op_name(node.op)},
            {"ph", "X"},
            {"pid", event.device},
            {"tid", 0},
            {"ts", microseconds(event.start - trace.events().front().start)},
            {"dur", microseconds(event.end - event.start)},
            {"args", std::move(args)}};
}

}  // namespace

Result<void> write_trace(const ProfileTrace& trace, std::span<const std::string> devices, const std::filesystem::path& target) {
    KRAIT_TRY(OutputFile file, OutputFile::create(target));
    std::string text;
    const auto write = [&]() -> Result<void> {
        KRAIT_CHECK(file.write(std::as_bytes(std::span(text))));
        text.clear();
        return {};
    };
    text = fmt::format("{{\"displayTimeUnit\": \"ms\", \"otherData\": {{\"dropped_events\": {}}}, \"traceEvents\": [\n",
                       trace.n_dropped());
    for (size_t d = 0; d < devices.size(); ++d)
        text += line(name_of_device(d, devices[d])) + (d + 1 < devices.size() || !trace.events().empty() ? ",\n" : "\n");
    for (size_t i = 0; i < trace.events().size(); ++i) {
        text += line(event_json(trace, trace.events()[i])) + (i + 1 < trace.events().size() ? ",\n" : "\n");
        if (text.size() >= kBlock) KRAIT_CHECK(write());
    }
    text += "]}\n";
    KRAIT_CHECK(write());
    return file.finish();
}

}  // namespace krait::bench
