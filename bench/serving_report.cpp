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
              {"results", Json::array()}};
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
    if (form == "csv") return as_csv(result);
    const std::vector<std::pair<std::string, std::string>> facts{
        {"model", std::string(result.model.name())},
        {"device", fmt::format("{}: {}", result.model.device(), result.model.hardware())},
        {"load", summary(plan)}};
    return form == "md" ? markdown_text(facts, cells(result)) : table_text(facts, cells(result));
}

}  // namespace krait::bench
