// SPDX-License-Identifier: Apache-2.0
//
// krait hellaswag: how often a model finds the right one of four endings most likely (docs/evaluation.md).
#include "models/evaluation/hellaswag.hpp"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "models/evaluation/statistics.hpp"
#include "tools/engine_model.hpp"
#include "tools/interrupt.hpp"
#include "tools/output.hpp"
#include "tools/progress_bar.hpp"

namespace krait::tools {
namespace {

struct Arguments {
    ModelArguments model;
    std::string file, output = "text";
    int32_t batch = HellaswagOptions{}.batch;
    uint64_t max_tasks = 0;
};

// "41.20% (38.19% to 44.28%)"
std::string share_text(int64_t hits, int64_t n) {
    const Interval interval = wilson_interval(hits, n);
    return fmt::format("{:.2f}% ({:.2f}% to {:.2f}%)", 100.0 * static_cast<double>(hits) / static_cast<double>(n),
                       100 * interval.low, 100 * interval.high);
}

nlohmann::ordered_json share_json(int64_t hits, int64_t n) {
    const Interval interval = wilson_interval(hits, n);
    return {{"right", hits},
            {"accuracy", static_cast<double>(hits) / static_cast<double>(n)},
            {"interval_95", {interval.low, interval.high}}};
}

void show(const Arguments& arguments, const Model& model, const HellaswagRun& run, double seconds) {
    const auto n = static_cast<int64_t>(run.scores.size());
    const double rate = static_cast<double>(run.n_read) / seconds;
    if (arguments.output == "json") {
        nlohmann::ordered_json json;
        json["model"] = model.source().name();
        json["device"] = model.device_names();
        json["tasks"] = n;
        json["plain"] = share_json(run.n_right, n);
        json["normalized"] = share_json(run.n_right_normalized, n);
        json["tokens_read"] = run.n_read;
        json["seconds"] = seconds;
        json["tokens_per_second"] = rate;
        print("{}\n", json.dump(2, ' ', true, nlohmann::ordered_json::error_handler_t::replace));
        return;
    }
    print("{} on {}: {}, {} read, {:.0f} tokens/s\n", model.source().name(), model.device_names(), counted(n, "task"),
          counted(run.n_read, "token"), rate);
    print("accuracy              {}\n", share_text(run.n_right, n));
    print("accuracy, normalized  {}   by characters of the ending; chance is 25%\n", share_text(run.n_right_normalized, n));
}

Result<void> hellaswag(const Arguments& arguments) {
    KRAIT_TRY(const std::string text, from_api(read_text(arguments.file)));
    auto tasks = parse_hellaswag(text, arguments.max_tasks);
    if (!tasks) return tl::unexpected<Error>(std::move(tasks).error().within(arguments.file));
    KRAIT_TRY(const auto model, load_model(arguments.model));
    HellaswagOptions options{.batch = arguments.batch, .cancel = &catch_interrupt()};
    const auto start = std::chrono::steady_clock::now();
    auto run = [&] {
        ProgressBar bar("hellaswag");
        options.progress = [&](int64_t done, int64_t total, int64_t n_right) {
            bar.update(static_cast<uint64_t>(done), static_cast<uint64_t>(total),
                       fmt::format("{:.1f}% right", 100.0 * static_cast<double>(n_right) / static_cast<double>(done)));
        };
        return measure_hellaswag(model, *tasks, options);
    }();
    KRAIT_CHECK(run);
    show(arguments, *model, *run, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    return {};
}

}  // namespace

void add_hellaswag_command(Command& program) {
    Command& command = program.command("hellaswag", "Measure how often a model finds the right one of four endings");
    auto arguments = std::make_shared<Arguments>();
    arguments->model.add_path(command);
    arguments->model.add_device(command);
    command
        .option("-f,--file", arguments->file,
                "tasks of six lines: context, index of the right ending (0 to 3), four endings; '-' = standard input")
        .required()
        .path("FILE");
    command.option("-b,--batch", arguments->batch, "tasks that are read together").in_range(1, 1024).show_default();
    command.option("--max-tasks", arguments->max_tasks, "only the first N tasks; 0 = all")
        .in_range()
        .show_default()
        .value_name("N");
    command.option("-o,--output", arguments->output, "text or json").one_of({"text", "json"}).show_default();
    command.footer(
        "Examples:\n"
        "  krait hellaswag model.gguf --file hellaswag_val.txt\n"
        "  krait hellaswag model.gguf --file hellaswag_val.txt --max-tasks 400 -o json");
    run_when_chosen(command, [arguments] { return hellaswag(*arguments); });
}

}  // namespace krait::tools
