// SPDX-License-Identifier: Apache-2.0
#include "bench/report.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

#include "bench/report_text.hpp"
#include "core/base/format_bytes.hpp"

namespace krait::bench {
namespace {

constexpr double kGiga = 1e-9;

std::string percent(const std::optional<double>& share) { return share ? fmt::format("{:.0f}%", *share * 100) : "-"; }

std::string number_of(int32_t n) { return fmt::format("{}", n); }

// One row of cells for each series, for tables of both kinds.
std::vector<std::vector<std::string>> cells(const Report& report) {
    std::vector<std::vector<std::string>> rows{
        {"test", "sequences", "tokens/s", "min", "max", "ms", "GB/s", "of read", "GFLOP/s", "of peak"}};
    for (const Series& series : report.result.series) {
        const Rates rates = rates_of(series, report);
        rows.push_back({series.name(), number_of(series.n_seq), fmt::format("{:.1f}", rates.tokens_per_second.median),
                        fmt::format("{:.1f}", rates.tokens_per_second.min), fmt::format("{:.1f}", rates.tokens_per_second.max),
                        fmt::format("{:.2f}", rates.step_seconds * 1e3), fmt::format("{:.2f}", rates.bytes_per_second * kGiga),
                        percent(rates.share_of_read), fmt::format("{:.1f}", rates.operations_per_second * kGiga),
                        percent(rates.share_of_peak)});
    }
    return rows;
}

// Facts beside the table, each with its name.
std::vector<std::pair<std::string, std::string>> facts(const Report& report) {
    const BenchResult& result = report.result;
    const api::Model& model = result.model;
    std::vector<std::pair<std::string, std::string>> facts;
    facts.emplace_back("model",
                       fmt::format("{}: {}, {} layer{}, d_model {}; {}", model.name(), model.architecture(), model.n_layer(),
                                   model.n_layer() == 1 ? "" : "s", model.d_model(), types_text(model)));
    facts.emplace_back("device", fmt::format("{}: {}{}", device_name(report), model.hardware(),
                                             report.n_threads > 0 ? fmt::format(", {} thread{}", report.n_threads,
                                                                                report.n_threads == 1 ? "" : "s")
                                                                  : ""));
    if (report.ceilings) facts.emplace_back("ceilings", ceilings_text(*report.ceilings));
    const LoadTimes& load = result.load;
    std::string text = fmt::format("{:.3f} s, first token after {:.3f} s", load.load, load.first_token);
    if (load.read_once)
        text += fmt::format(", {:.2f} x reading the file once ({:.3f} s)", load.first_token / *load.read_once, *load.read_once);
    facts.emplace_back("load", text);
    facts.emplace_back("memory",
                       fmt::format("{} at most, {:.2f} x the file", format_bytes(result.peak_memory), memory_ratio(result)));
    return facts;
}

// The profiles of the series that have one, each as a block of text between two marks.
std::string profiles(const Report& report, std::string_view begin, std::string_view end) {
    std::string text;
    for (const Series& series : report.result.series)
        if (series.profile && report.profile_form)
            text += fmt::format("\n{}{}, {} sequence{}: {}{}", begin, series.name(), series.n_seq, series.n_seq == 1 ? "" : "s",
                                profile_text(*series.profile, *report.profile_form), end);
    return text;
}

}  // namespace

std::string date_now() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))); }

std::string build_text() {
#if defined(__clang__)
    constexpr const char* kCompiler = "clang++ " __clang_version__;
#else
    constexpr const char* kCompiler = "g++ " __VERSION__;
#endif
    return fmt::format("{}, {}", kCompiler, KRAIT_BUILD_TYPE);
}

std::string ceilings_text(const Ceilings& ceilings) {
    std::string text = fmt::format("read {:.1f} GB/s", ceilings.read_bytes_per_second * kGiga);
    for (const Number number : {Number::f32, Number::bf16, Number::int16, Number::int8})
        if (const Peak* peak = ceilings.best(number))
            text +=
                fmt::format(", {} {:.0f} GFLOP/s ({})", number_name(number), peak->operations_per_second * kGiga, peak->unit);
    return text;
}

Rates rates_of(const Series& series, const Report& report) {
    std::vector<double> tokens_per_second;
    for (const double seconds : series.seconds) tokens_per_second.push_back(static_cast<double>(series.tokens()) / seconds);
    const double seconds = spread_of(series.seconds).median;
    Rates rates{.tokens_per_second = spread_of(std::move(tokens_per_second)),
                .step_seconds = series.is_prompt ? seconds : seconds / static_cast<double>(series.n_tok),
                .bytes_per_second = series.bytes / seconds,
                .operations_per_second = series.operations / seconds};
    if (report.ceilings) {
        rates.share_of_read = rates.bytes_per_second / report.ceilings->read_bytes_per_second;
        rates.share_of_peak =
            rates.operations_per_second / peak_for(*report.ceilings, report.result.work.widest).operations_per_second;
    }
    return rates;
}

std::string table_text(const Facts& facts, const Cells& rows) {
    std::string text;
    for (const auto& [name, value] : facts) text += fmt::format("{:<9} {}\n", name, value);
    return rows.size() < 2 ? text : text + '\n' + aligned(rows);
}

std::string markdown_text(const Facts& facts, const Cells& rows) {
    std::string text;
    for (const auto& [name, value] : facts) text += fmt::format("- {}: {}\n", name, value);
    if (rows.size() < 2) return text;
    text += '\n';
    for (size_t r = 0; r < rows.size(); ++r) {
        for (const std::string& cell : rows[r]) text += fmt::format("| {} ", cell);
        text += "|\n";
        if (r == 0) {
            for (size_t i = 0; i < rows[0].size(); ++i) text += i == 0 ? "|---" : "|---:";
            text += "|\n";
        }
    }
    return text;
}

std::string as_table(const Report& report) { return table_text(facts(report), cells(report)) + profiles(report, "", ""); }
std::string as_markdown(const Report& report) {
    return markdown_text(facts(report), cells(report)) + profiles(report, "```\n", "```\n");
}

std::string as_csv(const Report& report) {
    std::string text =
        "krait,model,device,threads,test,n_tok,n_seq,chain,repetitions,"
        "tokens_per_second,tokens_per_second_min,tokens_per_second_max,"
        "step_seconds,gb_per_second,share_of_read,gflop_per_second,share_of_peak\n";
    const auto share = [](const std::optional<double>& value) { return value ? fmt::format("{:.4f}", *value) : std::string(); };
    for (const Series& series : report.result.series) {
        const Rates rates = rates_of(series, report);
        text += fmt::format("{},{},{},{},{},{},{},{},{},{:.3f},{:.3f},{:.3f},{:.6f},{:.3f},{},{:.3f},{}\n", report.version,
                            csv_field(std::string(report.result.model.name())), csv_field(device_name(report)),
                            report.n_threads, series.is_prompt ? "prompt" : "decode", series.n_tok, series.n_seq, series.chain,
                            series.seconds.size(), rates.tokens_per_second.median, rates.tokens_per_second.min,
                            rates.tokens_per_second.max, rates.step_seconds, rates.bytes_per_second * kGiga,
                            share(rates.share_of_read), rates.operations_per_second * kGiga, share(rates.share_of_peak));
    }
    return text;
}

}  // namespace krait::bench
