// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "bench/report_text.hpp"
#include "bench/serving.hpp"

namespace krait::bench {
namespace {

const char* shapes_name(const ServedShapes& run) { return run.exact ? "exact" : "few"; }

size_t n_step(const ServedShapes& run) { return run.step_seconds.size() / static_cast<size_t>(std::max(run.repetitions, 1)); }

double tokens_per_second(const ServedShapes& run) { return static_cast<double>(run.tokens) / run.seconds(); }

std::string summary(const ServingPlan& plan) {
    return fmt::format(
        "{} requests, {} at once at most, {:g} a step; prompts up to {} tokens, answers up to {}; {} rows a step; seed {}",
        plan.requests, plan.max_sequences, plan.arrivals, plan.longest_prompt, plan.longest_answer, plan.chunk, plan.seed);
}

std::vector<std::vector<std::string>> cells(const ServingResult& result) {
    std::vector<std::vector<std::string>> rows{
        {"shapes", "steps", "programs", "arenas", "tokens/s", "mean ms", "p50 ms", "p99 ms", "max ms"}};
    const auto ms = [](double seconds) { return fmt::format("{:.2f}", seconds * 1e3); };
    for (const ServedShapes& run : result.runs)
        rows.push_back({shapes_name(run), fmt::format("{}", n_step(run)), fmt::format("{}", run.figures.n_program),
                        fmt::format("{}", run.figures.n_arena), fmt::format("{:.1f}", tokens_per_second(run)),
                        ms(run.seconds() / static_cast<double>(n_step(run))), ms(run.percentile(0.5)), ms(run.percentile(0.99)),
                        ms(run.percentile(1))});
    return rows;
}

std::vector<std::vector<std::string>> load_cells(const LoadResult& load) {
    const auto times = [](const char* name, const std::vector<double>& seconds) {
        std::vector<std::string> row{name};
        for (const double share : {0.5, 0.9, 0.99, 1.0})
            row.push_back(fmt::format("{:.2f}", percentile_of(seconds, share) * 1e3));
        return row;
    };
    return {{"engine", "p50 ms", "p90 ms", "p99 ms", "max ms"},
            times("to the first token (TTFT)", load.first_seconds),
            times("between tokens (ITL)", load.token_seconds)};
}

Facts load_facts(const LoadResult& load, const LoadPlan& plan) {
    std::string reasons;
    for (const auto& [reason, n] : load.reasons) reasons += fmt::format("{}{} {}", reasons.empty() ? "" : ", ", n, reason);
    return {{"requests", fmt::format("{} in {:.2f} s, {:.1f} tokens/s read or generated", load.requests, load.seconds,
                                     load.tokens_per_second())},
            {"goodput", fmt::format("{:.2f} requests/s with a first token in {:g} s and {:g} s a token ({} of {})",
                                    load.goodput(), plan.max_first_seconds, plan.max_token_seconds, load.good, load.requests)},
            {"reused", fmt::format("{:.1f} % of {} prompt tokens; {}", load.reused() * 100, load.prompt_tokens, reasons)},
            {"steps", fmt::format("{}, {:.1f} us each beside the run", load.figures.n_step, load.overhead_seconds() * 1e6)}};
}

std::string load_csv(const LoadResult& load) {
    std::string text =
        "requests,seconds,tokens_per_second,goodput,reused,steps,overhead_seconds,ttft_p50,ttft_p90,ttft_p99,itl_p50,itl_p90,"
        "itl_p99\n";
    text += fmt::format("{},{:.3f},{:.1f},{:.3f},{:.4f},{},{:.7f}", load.requests, load.seconds, load.tokens_per_second(),
                        load.goodput(), load.reused(), load.figures.n_step, load.overhead_seconds());
    for (const auto* seconds : {&load.first_seconds, &load.token_seconds})
        for (const double share : {0.5, 0.9, 0.99}) text += fmt::format(",{:.6f}", percentile_of(*seconds, share));
    return text + '\n';
}

nlohmann::ordered_json load_json(const LoadResult& load, const LoadPlan& plan) {
    using Json = nlohmann::ordered_json;
    const auto times = [](const std::vector<double>& seconds) {
        return Json{{"p50", percentile_of(seconds, 0.5)},
                    {"p90", percentile_of(seconds, 0.9)},
                    {"p99", percentile_of(seconds, 0.99)},
                    {"max", percentile_of(seconds, 1)}};
    };
    return {{"conversations", plan.conversations},
            {"turns", plan.turns},
            {"rate", plan.rate},
            {"shared_tokens", plan.shared},
            {"long_prompt", plan.long_prompt},
            {"requests", load.requests},
            {"seconds", load.seconds},
            {"prompt_tokens", load.prompt_tokens},
            {"cached_tokens", load.cached_tokens},
            {"generated_tokens", load.generated_tokens},
            {"tokens_per_second", load.tokens_per_second()},
            {"good_requests", load.good},
            {"goodput", load.goodput()},
            {"reused", load.reused()},
            {"reasons", load.reasons},
            {"first_token_seconds", times(load.first_seconds)},
            {"token_seconds", times(load.token_seconds)},
            {"steps", load.figures.n_step},
            {"overhead_seconds", load.overhead_seconds()},
            {"hits", load.figures.hits},
            {"evictions", load.figures.evictions}};
}

std::string as_csv(const ServingResult& result) {
    std::string text =
        "model,shapes,steps,repetitions,programs,arenas,tokens_per_second,mean_seconds,p50_seconds,p99_seconds,max_seconds\n";
    for (const ServedShapes& run : result.runs)
        text += fmt::format(
            "{},{},{},{},{},{},{:.3f},{:.6f},{:.6f},{:.6f},{:.6f}\n", csv_field(std::string(result.model.name())),
            shapes_name(run), n_step(run), run.repetitions, run.figures.n_program, run.figures.n_arena, tokens_per_second(run),
            run.seconds() / static_cast<double>(n_step(run)), run.percentile(0.5), run.percentile(0.99), run.percentile(1));
    return text;
}

std::string as_json(const ServingResult& result, const ServingPlan& plan) {
    using Json = nlohmann::ordered_json;
    Json json{{"schema", 1},
              {"build", build_text()},
              {"date", date_now()},
              {"model", std::string(result.model.name())},
              {"device", result.model.device()},
              {"hardware", result.model.hardware()},
              {"serving",
               {{"requests", plan.requests},
                {"max_sequences", plan.max_sequences},
                {"arrivals_per_step", plan.arrivals},
                {"longest_prompt", plan.longest_prompt},
                {"longest_answer", plan.longest_answer},
                {"chunk", plan.chunk},
                {"repetitions", plan.repetitions},
                {"seed", plan.seed}}},
              {"results", Json::array()},
              {"engine", load_json(result.load, plan.load)}};
    for (const ServedShapes& run : result.runs)
        json["results"].push_back({{"shapes", shapes_name(run)},
                                   {"steps", n_step(run)},
                                   {"programs", run.figures.n_program},
                                   {"programs_bound_again", run.figures.n_bound_again},
                                   {"arenas", run.figures.n_arena},
                                   {"tokens", run.tokens},
                                   {"tokens_per_second", tokens_per_second(run)},
                                   {"mean_seconds", run.seconds() / static_cast<double>(n_step(run))},
                                   {"p50_seconds", run.percentile(0.5)},
                                   {"p99_seconds", run.percentile(0.99)},
                                   {"max_seconds", run.percentile(1)}});
    return json.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string serving_report(const ServingResult& result, const ServingPlan& plan, const std::string& form) {
    if (form == "json") return as_json(result, plan);
    if (form == "csv") return (result.runs.empty() ? "" : as_csv(result) + '\n') + load_csv(result.load);
    const Facts facts{{"model", std::string(result.model.name())},
                      {"device", fmt::format("{}: {}", result.model.device(), result.model.hardware())},
                      {"load", summary(plan)}};
    const auto text = form == "md" ? markdown_text : table_text;
    return text(facts, cells(result)) + '\n' + text(load_facts(result.load, plan.load), load_cells(result.load));
}

}  // namespace krait::bench
