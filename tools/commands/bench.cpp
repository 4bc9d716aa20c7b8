// SPDX-License-Identifier: Apache-2.0
//
// krait bench: how fast a model runs here, and which share of what the machine could do that is.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "bench/report.hpp"
#include "bench/serving.hpp"
#include "tools/command.hpp"
#include "tools/interrupt.hpp"
#include "tools/output.hpp"
#include "tools/profile_files.hpp"
#include "tools/progress_bar.hpp"

namespace krait::tools {
namespace {

using bench::from_api;

// The bounds of krait_session_options.
constexpr int32_t kMaxSequences = 65536, kMaxChain = 4096;

struct Arguments {
    ModelArguments model;
    bench::BenchPlan plan;
    bool no_warm_up = false, no_ceilings = false;
    bool is_serving = false, engine_only = false;
    bench::ServingPlan serving;
    std::vector<const Option*> of_serving;  // that mean nothing without it
    std::string output = "table";
    ProfileOptions profile;
};

// A bar for each thing that is being done.
class Bars {
  public:
    void update(const std::string& label, uint64_t done, uint64_t total) {
        if (!bar_ || label != label_) {
            bar_.emplace(label, label == "loading" ? ProgressBar::Unit::bytes : ProgressBar::Unit::count);
            label_ = label;
        }
        bar_->update(done, total);
    }

  private:
    std::optional<ProgressBar> bar_;
    std::string label_;
};

Result<std::string> bench_model(const Arguments& arguments) {
    const ProfileOptions& profile = arguments.profile;
    if (arguments.output == "csv" && !profile.form.empty())
        return fail(ErrorCode::invalid_argument, "--output csv has no place for a profile: table, md and json have one");
    const std::string date = bench::date_now();
    KRAIT_TRY(const std::string device, from_api(arguments.model.device_spec()));
    KRAIT_TRY(const bool is_one, bench::is_one_device(device));
    int n_threads = 0;
    if (is_one) {  // before minutes are spent
        KRAIT_TRY(n_threads, bench::threads_of(device));
    }
    Bars bars;
    bench::BenchPlan plan = arguments.plan;
    plan.path = arguments.model.path;
    plan.cancel = &catch_interrupt();
    plan.profile = profile.are_given();
    plan.max_events = max_events_of(profile);
    plan.warm_up = !arguments.no_warm_up;
    plan.progress = [&](const std::string& label, uint64_t done, uint64_t total) { bars.update(label, done, total); };
    const auto load = [&](krait_model_options options) {
        options.device = device.c_str();
        return arguments.model.load_with(options);
    };
    KRAIT_TRY(bench::BenchResult result, bench::run_bench(load, plan));
    bench::Report report{.version = std::string(api::version()),
                         .date = date,
                         .device = device,
                         .machine = bench::Machine::describe(),
                         .plan = std::move(plan),
                         .result = std::move(result)};
    if (!profile.form.empty()) report.profile_form = table_of(profile);
    std::vector<const api::Profile*> profiles;
    for (const bench::Series& series : report.result.series)
        if (series.profile) profiles.push_back(&*series.profile);
    std::optional<api::Profile> none;  // where nothing was timed
    if (profiles.empty()) {
        KRAIT_TRY(none, from_api(api::Profile::create(report.result.model)));
        profiles.push_back(&*none);
    }
    KRAIT_CHECK(from_api(write_trace(profile, profiles)));
    // After the model, so that the memory it is measured with is not counted as the model's.
    const krait_model_device_info used = report.result.model.devices().front();
    if (std::string_view(used.family) == "cpu") report.n_threads = n_threads;
    if (!arguments.no_ceilings && is_one) {  // of several devices there is no one ceiling
        KRAIT_TRY(report.ceilings, bench::ceilings_of(used.is_processor != 0, device, [&](uint64_t done, uint64_t total) {
                      bars.update("ceilings", done, total);
                  }));
        if (report.plan.is_cancelled()) return fail(ErrorCode::cancelled, "cancelled while the machine was measured");
    }
    if (arguments.output == "json") return bench::as_json(report);
    if (arguments.output == "csv") return bench::as_csv(report);
    if (arguments.output == "md") return bench::as_markdown(report);
    return bench::as_table(report);
}

// The load of the engine, from options that both parts of --serving have.
Result<void> complete_load(bench::ServingPlan& plan) {
    bench::LoadPlan& load = plan.load;
    if (!(load.rate >= 0 && load.rate <= 1e6))
        return fail(ErrorCode::invalid_argument, "--rate {}: 0 (all at once) to 1000000 are possible", load.rate);
    load.conversations = plan.requests;
    load.prompt = plan.longest_prompt;
    load.answer = plan.longest_answer;
    load.engine.max_sequences = plan.max_sequences;
    load.engine.max_batch_tokens = std::max(plan.chunk, plan.max_sequences);
    load.engine.max_waiting_requests = 0;
    return {};
}

Result<std::string> bench_serving(const Arguments& arguments) {
    bench::ServingPlan plan = arguments.serving;
    if (arguments.profile.are_given())
        return fail(ErrorCode::invalid_argument, "--serving times whole steps: there is no profile of them");
    if (std::ranges::max(arguments.plan.prompts) < 1 || std::ranges::max(arguments.plan.decodes) < 1)
        return fail(ErrorCode::invalid_argument, "--serving needs prompts and answers: -p and -n of 1 or more");
    if (!(plan.arrivals >= 1e-3f && plan.arrivals <= 1e6f))
        return fail(ErrorCode::invalid_argument, "--arrivals {}: 0.001 to 1000000 requests a step are possible", plan.arrivals);
    plan.longest_prompt = std::ranges::max(arguments.plan.prompts);
    plan.longest_answer = std::ranges::max(arguments.plan.decodes);
    plan.chunk = arguments.plan.chunk;
    plan.compares_shapes = !arguments.engine_only;
    KRAIT_CHECK(complete_load(plan));
    plan.repetitions = arguments.plan.repetitions;
    plan.seed = arguments.plan.seed;
    plan.load.seed = plan.seed;
    plan.cancel = &catch_interrupt();
    Bars bars;
    plan.progress = [&](const std::string& label, uint64_t done, uint64_t total) { bars.update(label, done, total); };
    KRAIT_TRY(api::Model model, from_api(arguments.model.load()));
    KRAIT_TRY(const bench::ServingResult result, bench::run_serving(std::move(model), plan));
    return bench::serving_report(result, plan, arguments.output);
}

Result<void> run(const Arguments& arguments) {
    KRAIT_CHECK(from_api(arguments.profile.check(arguments.model.path, !arguments.model.explain.empty())));
    if (!arguments.model.explain.empty()) {
        KRAIT_TRY(const api::Model model, from_api(arguments.model.load()));
        const int64_t longest = std::ranges::max(arguments.plan.prompts);
        const auto n_tok = std::clamp<int64_t>(longest, 1, arguments.plan.chunk);
        return from_api(print_explanation(model, static_cast<int32_t>(n_tok), arguments.model.explain));
    }
    for (const Option* option : arguments.of_serving)
        if (option->given() && !arguments.is_serving)
            return fail(ErrorCode::invalid_argument, "{} is an option of --serving", option->facts().names);
    KRAIT_TRY(const std::string text, arguments.is_serving ? bench_serving(arguments) : bench_model(arguments));
    print("{}", text);
    return {};
}

}  // namespace

void add_bench_command(Command& program) {
    Command& command = program.command("bench", "Time prompts and decoding, beside what this machine could do at best");
    auto arguments = std::make_shared<Arguments>();
    bench::BenchPlan& plan = arguments->plan;
    bench::LoadPlan& load = arguments->serving.load;
    arguments->model.add_path(command);
    arguments->model.add_device(command);
    arguments->model.add_explain(command);
    command.option("-p,--prompt", plan.prompts, "tokens of a prompt, or several: 128,512; 0 = no prompts")
        .split_at_commas()
        .in_range(0, (1 << 24) - 1)
        .show_default();
    Option& sequences = command.option("--sequences", plan.sequences, "prompts that are read in one call, or several: 1,2")
                            .split_at_commas()
                            .in_range(1, kMaxSequences)
                            .show_default();
    command.option("-n,--decode", plan.decodes, "steps of decoding, or several; 0 = no decoding")
        .split_at_commas()
        .in_range(0, 1 << 24)
        .show_default();
    Option& batch = command.option("-b,--batch", plan.batches, "sequences that decode side by side, or several: 1,4,16")
                        .split_at_commas()
                        .in_range(1, kMaxSequences)
                        .show_default();
    Option& chain =
        command
            .option(
                "--chain", plan.chain,
                "decode one sequence greedily, the device going on by itself for so many steps; 1 = a token a call, and all "
                "its logits")
            .in_range(1, kMaxChain)
            .value_name("N")
            .show_default();
    command
        .option("--depth", plan.depth, "tokens that each sequence has before it decodes: what attention costs far into a text")
        .in_range(0, 1 << 24)
        .value_name("N")
        .show_default();
    command.option("-r,--repetitions", plan.repetitions, "how often each is timed; the median counts")
        .in_range(1, 100000)
        .show_default();
    command.option("--chunk", plan.chunk, "maximum number of tokens in a run; longer prompts are cut")
        .in_range(1, 1 << 20)
        .show_default();
    command.option("-s,--seed", plan.seed, "of the random tokens").in_range().show_default();
    Option& no_warm_up = command.option("--no-warm-up", arguments->no_warm_up, "count the first run as well");
    command.option("--no-ceilings", arguments->no_ceilings, "do not measure the machine");
    command
        .option("--serving", arguments->is_serving,
                "steps of a server's load instead: requests of up to -p tokens arrive while others decode up to -n")
        .excludes(sequences)
        .excludes(batch)
        .excludes(chain)
        .excludes(no_warm_up);
    arguments->of_serving = {
        &command.option("--requests", arguments->serving.requests, "with --serving: how many")
             .in_range(1, 1 << 20)
             .show_default(),
        &command
             .option("--concurrent", arguments->serving.max_sequences, "with --serving: requests in progress at the same time")
             .in_range(1, kMaxSequences)
             .show_default(),
        &command.option("--arrivals", arguments->serving.arrivals, "with --serving: requests that arrive in a step, on average")
             .show_default(),
        &command.option("--engine-only", arguments->engine_only, "with --serving: do not compare shapes of runs first"),
        &command.option("--exact-lengths", load.exact_lengths, "with --serving: all prompts have -p tokens, all answers -n"),
        &command.option("--turns", load.turns, "with --serving: requests of each conversation")
             .in_range(1, 1 << 16)
             .show_default(),
        &command.option("--rate", load.rate, "with --serving: conversations that begin in a second; 0 = all at once")
             .show_default(),
        &command.option("--shared", load.shared, "with --serving: tokens with which all conversations begin")
             .in_range(0, 1 << 24)
             .value_name("N")
             .show_default(),
        &command
             .option("--long", load.long_prompt,
                     "with --serving: tokens of one more prompt, when half of the others have their first token")
             .in_range(0, 1 << 24)
             .value_name("N")
             .show_default(),
        &command
             .option("--snapshots", load.engine.max_snapshots, "with --serving: prefixes that the engine keeps on the device")
             .in_range(0, kMaxSequences)
             .show_default()};
    command.option("-o,--output", arguments->output, "how the results are written")
        .one_of({"table", "md", "csv", "json"})
        .value_name("FORM")
        .show_default();
    arguments->profile.add(command);
    command.footer(
        "Tokens are random. GB/s and GFLOP/s count what a model must read and multiply at least; 'of read' and 'of peak' are\n"
        "the shares of what this machine was measured to do just now (docs/benchmarks.md).\n"
        "Examples:\n"
        "  krait bench model.gguf\n"
        "  krait bench model.gguf -p 128,512,2048 -n 64 -b 1,4,16 --threads 2\n"
        "  krait bench model.gguf -d cuda0,vulkan0 -p 512 --sequences 1,2 -n 0    prompts through two devices side by side\n"
        "  krait bench model.gguf -d cpu:avx2 -r 10 -o json > result.json\n"
        "  krait bench model.gguf -p 64 -n 16 --profile=nodes --profile-trace trace.json    where the time goes\n"
        "  krait bench model.gguf -p 0 -n 0                     load time and ceilings only\n"
        "  krait bench model.gguf --serving --requests 8 -p 64 -n 8 -r 1    step times, in few shapes and in exact ones");
    run_when_chosen(command, [arguments] { return bench::to_api(run(*arguments)); });
}

}  // namespace krait::tools
