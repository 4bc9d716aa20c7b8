// SPDX-License-Identifier: Apache-2.0
//
// krait make-random: a model of a published size, or of any, with random weights, to measure speed without downloads.
#include <fmt/format.h>

#include "core/base/format_bytes.hpp"
#include "core/base/printable.hpp"
#include "models/random/random_folder.hpp"
#include "tools/engine_model.hpp"
#include "tools/interrupt.hpp"
#include "tools/output.hpp"
#include "tools/progress_bar.hpp"
#include "tools/quantize_arguments.hpp"

namespace krait::tools {
namespace {

struct Arguments {
    std::string output, like = "mamba-130m";
    QuantizeArguments quantize{.type = "F32", .head = {}};
    uint64_t seed = 0;
    int threads = 0;
    bool biases = false, huggingface = false;
    // Sizes that differ from the published ones.
    std::optional<int64_t> layers, d_model, vocab, d_inner, d_state, d_conv, dt_rank, heads, groups;
};

Result<RandomModelSizes> sizes_of(const Arguments& arguments) {
    KRAIT_TRY(RandomModelSizes sizes, published_sizes(arguments.like));
    const bool is_mamba2 = sizes.architecture == "mamba2";
    if (sizes.hybrid) {
        if (arguments.d_inner || arguments.d_state || arguments.d_conv || arguments.dt_rank || arguments.heads ||
            arguments.groups || arguments.biases)
            return fail(ErrorCode::invalid_argument,
                        "{} is a hybrid: --layers, --d-model and --vocab change its sizes, and the others "
                        "follow from them",
                        arguments.like);
        if (arguments.d_model) sizes.set_d_model(*arguments.d_model);
        if (arguments.layers) sizes.set_n_layer(*arguments.layers);
        sizes.n_vocab = arguments.vocab.value_or(sizes.n_vocab);
        return sizes;
    }
    const auto refuse = [&](const char* option) {
        return fail(ErrorCode::invalid_argument, "{} is a size of {} only, and {} is {}", option,
                    is_mamba2 ? "Mamba-1" : "Mamba-2", arguments.like, is_mamba2 ? "Mamba-2" : "Mamba-1");
    };
    if (is_mamba2 && arguments.dt_rank) return refuse("--dt-rank");
    if (!is_mamba2 && arguments.heads) return refuse("--heads");
    if (!is_mamba2 && arguments.groups) return refuse("--groups");
    if (arguments.d_model) sizes.set_d_model(*arguments.d_model);
    const auto replace = [](int64_t& size, const std::optional<int64_t>& given) { size = given.value_or(size); };
    sizes.projection_biases = arguments.biases;
    replace(sizes.n_layer, arguments.layers);
    replace(sizes.n_vocab, arguments.vocab);
    replace(sizes.d_inner, arguments.d_inner);
    replace(sizes.d_state, arguments.d_state);
    replace(sizes.d_conv, arguments.d_conv);
    replace(sizes.dt_rank, arguments.dt_rank);
    replace(sizes.n_head, arguments.heads);
    replace(sizes.n_group, arguments.groups);
    return sizes;
}

Result<void> make_random(const Arguments& arguments) {
    RandomModelOptions options;
    KRAIT_TRY(options.sizes, sizes_of(arguments));
    KRAIT_TRY(options.scheme, arguments.quantize.scheme());
    options.seed = arguments.seed;
    options.threads = arguments.threads;
    options.cancel = &catch_end();
    const ResultReport out(arguments.output);
    RandomModelReport report;
    {
        ProgressBar bar("writing", ProgressBar::Unit::bytes);
        options.progress = [&](uint64_t done, uint64_t total) { bar.update(done, total); };
        KRAIT_TRY(report, arguments.huggingface ? write_random_folder(arguments.output, options)
                                                : write_random_model(arguments.output, options));
    }
    const RandomModelSizes& sizes = options.sizes;
    out.print("{}: {} of {}, d_model {}, vocabulary {}, {:.1f} million weights, {:.3f} bits a weight, {}\n",
              printable(arguments.output), sizes.architecture, counted(sizes.n_layer, "layer"), sizes.d_model, sizes.n_vocab,
              static_cast<double>(report.n_weight) * 1e-6,
              8.0 * static_cast<double>(report.tensor_bytes) / static_cast<double>(report.n_weight),
              format_bytes(static_cast<double>(report.file_bytes)));
    for (const std::string& fallback : report.fallbacks) out.print("  {}\n", fallback);
    return {};
}

}  // namespace

void add_make_random_command(Command& program) {
    Command& command = program.command("make-random", "Write a model with random weights, to measure speed without downloads");
    auto arguments = std::make_shared<Arguments>();
    command.option("output", arguments->output, "the GGUF file to write; with --huggingface a folder")
        .required()
        .path("OUT.gguf");
    command.option("--huggingface", arguments->huggingface,
                   "write a folder as Hugging Face has them instead, of Mamba and Mamba-2 alone, in F32, F16 or BF16: "
                   "config.json, model.safetensors, tokenizer.json");
    command.option("--like", arguments->like, "whose sizes: " + published_size_names())
        .show_default()
        .value_name("NAME")
        .suggest(words_of(published_size_names()));
    arguments->quantize.add(command, "--type").show_default();
    command.option("--biases", arguments->biases, "the in- and out-projections have biases, as with use_bias");
    command.option("--seed", arguments->seed, "the same seed gives the same file").in_range().show_default();
    command.option("--threads", arguments->threads, "0 = all").in_range(0, 1024).show_default();
    const auto add_size = [&](const char* name, std::optional<int64_t>& size, SizeRange possible, const char* help) {
        command.option(name, size, help)
            .in_range(possible.min, static_cast<uint64_t>(possible.max))
            .value_name("N")
            .group("Sizes other than those of --like");
    };
    constexpr RandomModelLimits kLimits;
    add_size("--layers", arguments->layers, kLimits.n_layer, "layers");
    add_size("--d-model", arguments->d_model, kLimits.d_model,
             "width; d_inner, dt_rank and heads follow where not given, all widths of a hybrid");
    add_size("--vocab", arguments->vocab, kLimits.n_vocab, "tokens");
    add_size("--d-inner", arguments->d_inner, kLimits.d_inner, "inner width");
    add_size("--d-state", arguments->d_state, kLimits.d_state, "state size of a channel");
    add_size("--d-conv", arguments->d_conv, kLimits.d_conv, "taps of the convolution");
    add_size("--dt-rank", arguments->dt_rank, kLimits.dt_rank, "rank of dt (Mamba-1)");
    add_size("--heads", arguments->heads, kLimits.n_head, "heads, which divide the inner width (Mamba-2)");
    add_size("--groups", arguments->groups, kLimits.n_group, "groups, which divide the heads (Mamba-2)");
    command.footer(
        "Examples:\n"
        "  krait make-random m.gguf --like mamba-370m --type q4_k\n"
        "  krait make-random tiny.gguf --like mamba2-130m --layers 2 --d-model 256 --vocab 1000 --seed 7\n"
        "  krait make-random mamba-random --like mamba-130m --type bf16 --huggingface");
    run_when_chosen(command, [arguments] { return make_random(*arguments); });
}

}  // namespace krait::tools
