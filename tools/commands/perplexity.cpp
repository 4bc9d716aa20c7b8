// SPDX-License-Identifier: Apache-2.0
//
// krait perplexity: how well a model predicts a text, and how far it is from another one (docs/evaluation.md).
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tools/command.hpp"
#include "tools/interrupt.hpp"
#include "tools/output.hpp"
#include "tools/progress_bar.hpp"

namespace krait::tools {
namespace {

struct Arguments {
    ModelArguments model;
    std::string text, save, base, output = "text";
    krait_perplexity_options options = KRAIT_PERPLEXITY_OPTIONS_INIT;
    bool is_stream = false;
};

struct Measured {
    krait_perplexity result = KRAIT_PERPLEXITY_INIT;
    double seconds = 0;
    double tokens_per_second() const { return static_cast<double>(result.n_read) / seconds; }
};

// "context 512, stride 128"
std::string windows_text(const krait_perplexity_options& options) {
    if (options.is_stream) return "one stream";
    if (options.stride == 0) return fmt::format("context {}", options.context);
    return fmt::format("context {}, stride {}", options.context, options.stride);
}

struct Watch {
    ProgressBar bar{"perplexity"};
    const std::atomic<bool>& interrupted;

    static int tell(void* user, uint64_t done, uint64_t total, double mean_nll) {
        auto& self = *static_cast<Watch*>(user);
        self.bar.update(done, total,
                        std::isnan(mean_nll) ? std::string() : fmt::format("perplexity {:.4g}", std::exp(mean_nll)));
        return self.interrupted ? 1 : 0;
    }
};

api::Result<Measured> measure(const Arguments& arguments, const api::Model& model, const std::string& text) {
    krait_perplexity_options options = arguments.options;
    const std::atomic<bool>& interrupted = catch_end();  // before there is a file that a signal could leave behind
    if (!arguments.save.empty()) TOOLS_CHECK(check_target(arguments.save, {arguments.model.path, arguments.text}));
    options.save = arguments.save.empty() ? nullptr : arguments.save.c_str();
    options.base = arguments.base.empty() ? nullptr : arguments.base.c_str();
    Measured measured;
    const auto start = std::chrono::steady_clock::now();
    {
        Watch watch{.interrupted = interrupted};
        options.progress = Watch::tell;
        options.user = &watch;
        TOOLS_TRY(measured.result, model.perplexity(text, options));
    }
    measured.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (!arguments.save.empty())
        print_error("{}: {} of predictions, for --kl-base\n", arguments.save,
                    format_bytes(static_cast<double>(measured.result.saved_bytes)));
    return measured;
}

void print_text(const ResultReport& out, const Arguments& arguments, const api::Model& model, const Measured& measured) {
    const krait_perplexity& r = measured.result;
    out.print("{} on {}: {}, {}\n", model.name(), model.device(), windows_text(arguments.options),
              counted(static_cast<int64_t>(r.n_window), "window"));
    if (r.has_base) {
        out.print("compared with {}{}\n", arguments.base, r.is_base_same_model ? ", which this same model made" : "");
        out.print("  KL divergence      {:.6f} +- {:.6f} nats   median {:.6f}   90% {:.6f}   99% {:.6f}   max {:.6f}\n", r.kl,
                  r.kl_standard_error, r.kl_median, r.kl_90, r.kl_99, r.kl_max);
        out.print("  same top token     {:.2f}%   ({:.2f}% to {:.2f}%)\n", 100 * r.same_top, 100 * r.same_top_low,
                  100 * r.same_top_high);
        out.print(
            "  probability        of the token that came: {:.3f} percent points RMS difference, {:+.3f} +- {:.3f} on average\n",
            100 * r.dp_rms, 100 * r.dp, 100 * r.dp_standard_error);
        out.print("  perplexity         {:.4f} -> {:.4f}   ratio {:.5f} +- {:.5f}\n", r.base_perplexity, r.perplexity,
                  r.perplexity_ratio, r.perplexity_ratio_standard_error);
    }
    out.print("perplexity {:.4f} +- {:.4f}   {:.4f} bits a byte   {} scored, {} read, {:.0f} tokens/s\n", r.perplexity,
              r.perplexity_standard_error, r.bits_per_byte, counted(static_cast<int64_t>(r.n_scored), "token"), r.n_read,
              measured.tokens_per_second());
}

nlohmann::ordered_json divergence_json(const krait_perplexity& d) {
    return {{"kl", d.kl},
            {"kl_standard_error", d.kl_standard_error},
            {"kl_median", d.kl_median},
            {"kl_90", d.kl_90},
            {"kl_99", d.kl_99},
            {"kl_max", d.kl_max},
            {"same_top", d.same_top},
            {"same_top_95", {d.same_top_low, d.same_top_high}},
            {"probability_change_rms", d.dp_rms},
            {"probability_change_mean", d.dp},
            {"probability_change_standard_error", d.dp_standard_error},
            {"base_perplexity", d.base_perplexity},
            {"perplexity_ratio", d.perplexity_ratio},
            {"perplexity_ratio_standard_error", d.perplexity_ratio_standard_error}};
}

nlohmann::ordered_json to_json(const Arguments& arguments, const api::Model& model, const Measured& measured) {
    const krait_perplexity& r = measured.result;
    const krait_perplexity_options& windows = arguments.options;
    nlohmann::ordered_json json;
    json["model"] = model.name();
    json["device"] = model.device();
    if (windows.is_stream) {
        json["stream"] = true;
    } else {
        json["context"] = windows.context;
        json["stride"] = windows.stride > 0 ? windows.stride : windows.context;
    }
    json["windows"] = r.n_window;
    json["perplexity"] = r.perplexity;
    json["perplexity_standard_error"] = r.perplexity_standard_error;
    json["nll"] = r.nll;
    json["nll_standard_error"] = r.nll_standard_error;
    json["bits_per_byte"] = r.bits_per_byte;
    json["tokens_scored"] = r.n_scored;
    json["bytes_scored"] = r.n_byte;
    json["tokens_read"] = r.n_read;
    json["seconds"] = measured.seconds;
    json["tokens_per_second"] = measured.tokens_per_second();
    if (r.has_base) {
        json["divergence"] = divergence_json(r);
        json["divergence"]["base"] = arguments.base;
    }
    return json;
}

api::Status perplexity(const Arguments& arguments) {
    TOOLS_TRY(const std::string text, read_text(arguments.text));
    TOOLS_TRY(const api::Model model, arguments.model.load());
    const ResultReport out(arguments.save);
    TOOLS_TRY(const Measured measured, measure(arguments, model, text));
    if (arguments.output == "json") {
        const auto json = to_json(arguments, model, measured);
        out.print("{}\n", json.dump(2, ' ', true, nlohmann::ordered_json::error_handler_t::replace));
    } else {
        print_text(out, arguments, model, measured);
    }
    return api::Done{};
}

}  // namespace

void add_perplexity_command(Command& program) {
    Command& command = program.command("perplexity", "Measure how well a model predicts a text");
    auto arguments = std::make_shared<Arguments>();
    arguments->model.add_path(command);
    arguments->model.add_device(command);
    krait_perplexity_options& windows = arguments->options;
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
    command.option("--stream", arguments->is_stream, "read the text once, from end to end, and score every token but the first")
        .excludes(context)
        .excludes(stride);
    command.option("-b,--batch", windows.batch, "windows that are read together").in_range(1, 4096).show_default();
    Option& save =
        command.option("--save-logits", arguments->save, "save the predictions, for --kl-base of another model").path("FILE");
    command
        .option("--kl-base", arguments->base,
                "compare with the predictions that another model saved on the same text with the same windows")
        .excludes(save)
        .path("FILE");
    command.option("--max-tokens", windows.max_tokens, "only the first N tokens of the text; 0 = all")
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
    run_when_chosen(command, [arguments] {
        arguments->options.is_stream = arguments->is_stream ? 1 : 0;
        return perplexity(*arguments);
    });
}

}  // namespace krait::tools
