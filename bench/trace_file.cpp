// SPDX-License-Identifier: Apache-2.0
#include "bench/trace_file.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "bench/profile_figures.hpp"
#include "core/base/output_file.hpp"

namespace krait::bench {
namespace {

using Json = nlohmann::ordered_json;
constexpr size_t kBlock = size_t{1} << 16;  // that is written at once

double microseconds(uint64_t nanoseconds) { return static_cast<double>(nanoseconds) * 1e-3; }

// Names come from files and may be no UTF-8.
std::string line(const Json& json) { return json.dump(-1, ' ', true, Json::error_handler_t::replace); }

Json name_of_device(size_t device, const std::string& name) {
    return {{"name", "process_name"}, {"ph", "M"}, {"pid", device}, {"tid", 0}, {"args", {{"name", name}}}};
}

// begin_ns: of the trace; first_run: in the trace, of the event's profile.
Json event_json(const krait_profile_event& event, uint64_t begin_ns, uint64_t first_run) {
    Json args{{"run", first_run + event.run}, {"phase", phase_name(event.phase)}, {"bytes", event.bytes}};
    if (event.layer >= 0) args["layer"] = event.layer;
    return {{"name", std::string(event.name, event.name_size)},
            {"cat", event.op},
            {"ph", "X"},
            {"pid", event.device},
            {"tid", 0},
            {"ts", microseconds(event.start_ns - begin_ns)},
            {"dur", microseconds(event.end_ns - event.start_ns)},
            {"args", std::move(args)}};
}

// Lines of a file, each but the last with a comma behind it, written in blocks.
class Lines {
  public:
    Lines(OutputFile& file, std::string head) : file_(file), text_(std::move(head)) {}
    Result<void> add(const std::string& text) {
        text_ += is_first_ ? "" : ",\n";
        is_first_ = false;
        text_ += text;
        return text_.size() >= kBlock ? write() : Result<void>();
    }
    Result<void> end(std::string_view foot) {
        text_ += is_first_ ? "" : "\n";
        text_ += foot;
        return write();
    }

  private:
    Result<void> write() {
        KRAIT_CHECK(file_.write(std::as_bytes(std::span(text_))));
        text_.clear();
        return {};
    }

    OutputFile& file_;
    std::string text_;
    bool is_first_ = true;
};

}  // namespace

Result<uint64_t> write_trace(std::span<const api::Profile* const> profiles, const std::filesystem::path& target) {
    KRAIT_TRY(OutputFile file, OutputFile::create(target));
    uint64_t n_event = 0, n_dropped = 0;
    std::optional<uint64_t> begin_ns;
    for (const api::Profile* profile : profiles) {
        if (!begin_ns && profile->event_count() > 0) begin_ns = profile->event(0).start_ns;
        n_event += profile->event_count();
        n_dropped += profile->dropped_count();
    }
    n_dropped += n_event - std::min(n_event, kMaxTraceEvents);
    Lines lines(file, fmt::format("{{\"displayTimeUnit\": \"ms\", \"otherData\": {{\"dropped_events\": {}}}, "
                                  "\"traceEvents\": [\n",
                                  n_dropped));
    const std::vector<std::string> devices = profiles.front()->devices();
    for (size_t d = 0; d < devices.size(); ++d) KRAIT_CHECK(lines.add(line(name_of_device(d, devices[d]))));
    uint64_t room = kMaxTraceEvents, first_run = 0;
    for (const api::Profile* profile : profiles) {
        const uint64_t count = std::min<uint64_t>(profile->event_count(), room);
        room -= count;
        for (size_t i = 0; i < count; ++i) KRAIT_CHECK(lines.add(line(event_json(profile->event(i), *begin_ns, first_run))));
        if (count > 0) first_run += profile->event(count - 1).run + 1;
    }
    KRAIT_CHECK(lines.end("]}\n"));
    KRAIT_CHECK(file.finish());
    return n_dropped;
}

}  // namespace krait::bench
