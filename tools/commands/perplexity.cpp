// SPDX-License-Identifier: Apache-2.0
//
// krait perplexity: how well a model predicts a text, and how far it is from another one (docs/evaluation.md).
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/base/format_bytes.hpp"
#include "core/base/output_file.hpp"
#include "models/evaluation/divergence.hpp"
#include "tools/command.hpp"
#include "tools/interrupt.hpp"
#include "tools/output.hpp"
#include "tools/progress_bar.hpp"

namespace krait::tools {
namespace {

struct Arguments {
    ModelArguments model;
    std::string text, save, base, output = "text";
    PerplexityOptions options;
    uint64_t max_tokens = 0;
};

struct Measured {
    PerplexityRun run;
    double seconds = 0;
    std::optional<DivergenceSummary> divergence;
    bool base_is_same_model = false;
};

Result<PerplexityRun> measure_with_bar(const std::shared_ptr<const Model>& model, const EvaluationText& text,
                                       PerplexityOptions options) {
    ProgressBar bar("perplexity");
    options.progress = [&](int64_t done, int64_t total, double mean_nll) {
        bar.update(static_cast<uint64_t>(done), static_cast<uint64_t>(total),
                   std::isnan(mean_nll) ? std::string() : fmt::format("perplexity {:.4g}", std::exp(mean_nll)));
    };
    return measure_perplexity(model, text, options);
}

Result<Measured> measure(const Arguments& arguments, const std::shared_ptr<const Model>& model, const EvaluationText& text) {
    PerplexityOptions options = arguments.options;
    options.cancel = &catch_end();  // before there is a file that a signal could leave behind
    KRAIT_TRY(const RunSettings settings, RunSettings::of(*model, text, options.windows));
    std::optional<BaseRunWriter> writer;
    std::optional<BaseRun> base;
    std::optional<Divergence> divergence;
    if (!arguments.save.empty()) {
        KRAIT_CHECK(refuse_overwrite(arguments.save, {arguments.model.path, arguments.text}));
        KRAIT_TRY(writer, BaseRunWriter::create(arguments.save, settings, model->hash()));
        options.visit = [&](const ScoredToken& scored) { return writer->write(scored); };
    } else if (!arguments.base.empty()) {
        KRAIT_TRY(base, BaseRun::open(arguments.base));
        KRAIT_CHECK(base->check_comparable(settings));
        divergence.emplace(*base);
        options.visit = [&](const ScoredToken& scored) { return divergence->add(scored); };
    }
    Measured measured;
    const auto start = std::chrono::steady_clock::now();
    KRAIT_TRY(measured.run, measure_with_bar(model, text, options));
    measured.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (writer) {
        KRAIT_CHECK(writer->finish());
        print_error("{}: {} of predictions, for --kl-base\n", arguments.save,
                    format_bytes(static_cast<double>(writer->bytes())));
    }
    if (divergence) {
        measured.divergence = divergence->summarize();
        measured.base_is_same_model = base->model_hash() == model->hash();
    }
    return measured;
}

void print_text(const ResultReport& out, const Arguments& arguments, const Model& model, const Measured& measured) {
    const PerplexitySummary summary = summarize(measured.run);
    out.print("{} on {}: {}, {}\n", model.file().name(), model.device_names(), to_string(arguments.options.windows),
              counted(measured.run.n_window, "window"));
    if (const auto& d = measured.divergence) {
        out.print("compared with {}{}\n", arguments.base, measured.base_is_same_model ? ", which this same model made" : "");
        out.print("  KL divergence      {:.6f} +- {:.6f} nats   median {:.6f}   90% {:.6f}   99% {:.6f}   max {:.6f}\n",
                  d->kl.value, d->kl.standard_error, d->kl_median, d->kl_90, d->kl_99, d->kl_max);
        out.print("  same top token     {:.2f}%   ({:.2f}% to {:.2f}%)\n", 100 * d->same_top, 100 * d->same_top_interval.low,
                  100 * d->same_top_interval.high);
        out.print(
            "  probability        of the token that came: {:.3f} percent points RMS difference, {:+.3f} +- {:.3f} on average\n",
            100 * d->dp_rms, 100 * d->dp.value, 100 * d->dp.standard_error);
        out.print("  perplexity         {:.4f} -> {:.4f}   ratio {:.5f} +- {:.5f}\n", d->base_perplexity,
                  summary.perplexity.value, d->perplexity_ratio.value, d->perplexity_ratio.standard_error);
    }
    out.print("perplexity {:.4f} +- {:.4f}   {:.4f} bits a byte   {} scored, {} read, {:.0f} tokens/s\n",
              summary.perplexity.value, summary.perplexity.standard_error, summary.bits_per_byte,
              counted(static_cast<int64_t>(measured.run.nll.size()), "token"), measured.run.n_read,
              static_cast<double>(measured.run.n_read) / measured.seconds);
}

nlohmann::ordered_json to_json(const DivergenceSummary& d) {
    return {{"kl", d.kl.value},
            {"kl_standard_error", d.kl.standard_error},
            {"kl_median", d.kl_median},
            {"kl_90", d.kl_90},
            {"kl_99", d.kl_99},
            {"kl_max", d.kl_max},
            {"same_top", d.same_top},
            {"same_top_95", {d.same_top_interval.low, d.same_top_interval.high}},
            {"probability_change_rms", d.dp_rms},
            {"probability_change_mean", d.dp.value},
            {"probability_change_standard_error", d.dp.standard_error},
            {"base_perplexity", d.base_perplexity},
            {"perplexity_ratio", d.perplexity_ratio.value},
            {"perplexity_ratio_standard_error", d.perplexity_ratio.standard_error}};
}

nlohmann::ordered_json to_json(const Arguments& arguments, const Model& model, const Measured& measured) {
    const PerplexitySummary summary = summarize(measured.run);
    const WindowOptions& windows = arguments.options.windows;
    nlohmann::ordered_json json;
    json["model"] = model.file().name();
    json["device"] = model.device_names();
    if (windows.stream) {
        json["stream"] = true;
    } else {
        json["context"] = windows.context;
        json["stride"] = windows.stride > 0 ? windows.stride : windows.context;
    }
    json["windows"] = measured.run.n_window;
    json["perplexity"] = summary.perplexity.value;
    json["perplexity_standard_error"] = summary.perplexity.standard_error;
    json["nll"] = summary.nll.value;
    json["nll_standard_error"] = summary.nll.standard_error;
    json["bits_per_byte"] = summary.bits_per_byte;
    json["tokens_scored"] = measured.run.nll.size();
    json["bytes_scored"] = measured.run.n_byte;
    json["tokens_read"] = measured.run.n_read;
    json["seconds"] = measured.seconds;
    json["tokens_per_second"] = static_cast<double>(measured.run.n_read) / measured.seconds;
    if (measured.divergence) {
        json["divergence"] = to_json(*measured.divergence);
        json["divergence"]["base"] = arguments.base;
    }
    return json;
}

Result<void> perplexity(const Arguments& arguments) {
    KRAIT_TRY(const std::string text, read_text(arguments.text));
    KRAIT_TRY(const auto model, arguments.model.load());
    KRAIT_TRY(const Tokenizer* tokenizer, model->tokenizer());
    KRAIT_TRY(const EvaluationText tokens, tokenize_text(*tokenizer, text, arguments.max_tokens));
    const ResultReport out(arguments.save);
    KRAIT_TRY(const Measured measured, measure(arguments, model, tokens));
    if (arguments.output == "json") {
        const auto json = to_json(arguments, *model, measured);
        out.print("{}\n", json.dump(2, ' ', true, nlohmann::ordered_json::error_handler_t::replace));
    } else {
        print_text(out, arguments, *model, measured);
    }
    return {};
}

}  // namespace

void add_perplexity_command(Command& program) {
    Command& command = program.command("perplexity", "Measure how well a model predicts a text");
    auto arguments = std::make_shared<Arguments>();
    arguments->model.add_path(command);
    arguments->model.add_device(command);
    WindowOptions& windows = arguments->options.windows;
    command.option("-t,--text", arguments->text, "the text: a file, '-' = standard input").required().path("FILE");
    Option& context =
        command
            .option("-c,--context", windows.context, "tokens of a window; its first half is context, its second half is scored")
            .in_range(2, 1 << 24)
            .show_default();
    Option& stride =
        command.option("--stride", windows.stride, "begin a window every N tokens and score its last N, so all but the first")
            .in_range(1, 1 << 24)
            .value_name("N");
    command.option("--stream", windows.stream, "read the text once, from end to end, and score every token but the first")
        .excludes(context)
        .excludes(stride);
    command.option("-b,--batch", arguments->options.batch, "windows that are read together").in_range(1, 4096).show_default();
    Option& save =
        command.option("--save-logits", arguments->save, "save the predictions, for --kl-base of another model").path("FILE");
    command
        .option("--kl-base", arguments->base,
                "compare with the predictions that another model saved on the same text with the same windows")
        .excludes(save)
        .path("FILE");
    command.option("--max-tokens", arguments->max_tokens, "only the first N tokens of the text; 0 = all")
        .in_range()
        .show_default()
        .value_name("N");
    command.option("-o,--output", arguments->output, "text or json").one_of({"text", "json"}).show_default();
    command.footer(
        "Examples:\n"
        "  krait perplexity model.gguf --text wiki.test.raw               the usual figure\n"
        "  krait perplexity model.gguf --text book.txt --stream           what a recurrent model can make of all that it has "
        "read\n"
        "  krait perplexity model.gguf --text book.txt -c 1024 --stride 256 -o json\n"
        "  krait perplexity f16.gguf --text book.txt --save-logits f16.run\n"
        "  krait perplexity q4.gguf --text book.txt --kl-base f16.run     what four bits cost");
    run_when_chosen(command, [arguments] { return perplexity(*arguments); });
}

}  // namespace krait::tools
