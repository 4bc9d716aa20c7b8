// SPDX-License-Identifier: Apache-2.0
//
// krait convert: a Hugging Face folder as a GGUF file, which other engines read too.
#include <fmt/format.h>

#include "core/base/format_bytes.hpp"
#include "core/base/output_file.hpp"
#include "core/base/parse_bytes.hpp"
#include "core/base/printable.hpp"
#include "formats/gguf/gguf_split.hpp"
#include "formats/open_model.hpp"
#include "models/architectures/registry.hpp"
#include "models/loading/gguf_tokenizer.hpp"
#include "models/quantize/quantized_source.hpp"
#include "tools/engine_model.hpp"
#include "tools/interrupt.hpp"
#include "tools/log.hpp"
#include "tools/output.hpp"
#include "tools/progress_bar.hpp"

namespace krait::tools {
namespace {

struct Arguments {
    std::string input, output, type, head, tokenizer, split;
    bool pure = false;
    int threads = 0;
};

Result<GgufShardLimits> limits_of(const std::string& size) {
    const std::optional<double> bytes = parse_bytes(size);
    if (!bytes || *bytes < 1 || *bytes > 0x1p60)
        return fail(ErrorCode::invalid_argument, "--split {} is no size; it is a number of bytes, K, M, G or T, like 2G",
                    quote(size));
    return GgufShardLimits{.max_bytes = static_cast<uint64_t>(*bytes)};
}

Result<std::unique_ptr<ModelSource>> open_folder(const Arguments& arguments) {
    std::error_code ignored;
    const std::filesystem::path path = arguments.input;
    if (std::filesystem::is_regular_file(path, ignored))
        return fail(ErrorCode::invalid_argument,
                    "{} is a file, and convert takes the folder of a model; krait quantize makes another GGUF file of one",
                    arguments.input);
    KRAIT_CHECK(refuse_overwrite(arguments.output, {path, arguments.tokenizer}));
    KRAIT_TRY(std::unique_ptr<ModelSource> source,
              open_model(path, {.access = FileAccess::mapped, .tokenizer = arguments.tokenizer}));
    KRAIT_CHECK(create_architecture(*source));  // nothing is written that Krait cannot run
    const GgufVocabulary vocabulary = read_vocabulary(*source);
    for (const std::string& warning : vocabulary.warnings) print_warning(warning);
    // A folder without a tokenizer makes a file without one; one that is there and of no use would be missed later.
    if (!vocabulary.tokenizer && vocabulary.tokenizer.error().code != ErrorCode::not_found)
        return tl::unexpected<Error>(vocabulary.tokenizer.error());
    if (!vocabulary.tokenizer) print_warning(vocabulary.tokenizer.error().message);
    QuantizedSourceOptions options{.threads = arguments.threads};
    if (!arguments.type.empty()) {
        KRAIT_TRY(options.scheme, parse_quantize_scheme(arguments.type, arguments.head, arguments.pure));
    } else if (arguments.pure || !arguments.head.empty()) {
        return fail(ErrorCode::invalid_argument, "--head and --pure say how to quantize: give --type too");
    }
    return quantize_source(std::move(source), options);
}

Result<void> convert(const Arguments& arguments) {
    std::optional<GgufShardLimits> limits;
    if (!arguments.split.empty()) {
        KRAIT_TRY(limits, limits_of(arguments.split));
    }
    const std::atomic<bool>& interrupted = catch_end();
    KRAIT_TRY(const std::unique_ptr<ModelSource> source, open_folder(arguments));
    const ResultReport out(arguments.output);
    std::vector<WrittenShard> shards;
    uint64_t bytes = 0;
    {
        ProgressBar bar("converting", ProgressBar::Unit::bytes);
        const GgufCopyOptions options{.cancel = &interrupted,
                                      .progress = [&](uint64_t done, uint64_t total) { bar.update(done, total); }};
        if (limits) {
            KRAIT_TRY(shards, split_gguf(*source, arguments.output, *limits, options));
        } else {
            KRAIT_TRY(bytes, write_gguf(*source, arguments.output, options));
        }
    }
    if (!limits) shards.push_back({arguments.output, bytes, source->tensors().size()});
    for (const WrittenShard& shard : shards)
        out.print("{}: {}, {}\n", printable(shard.path.string()), counted(static_cast<int64_t>(shard.n_tensor), "tensor"),
                  format_bytes(static_cast<double>(shard.bytes)));
    return {};
}

}  // namespace

void add_convert_command(Command& program) {
    Command& command = program.command("convert", "Write a Hugging Face folder as a GGUF file, quantized if wanted");
    auto arguments = std::make_shared<Arguments>();
    command.option("input", arguments->input, "folder with config.json and safetensors or pytorch_model.bin")
        .required()
        .path("DIR");
    command.option("output", arguments->output, "the GGUF file to write; with --split what names begin with")
        .required()
        .path("OUT.gguf");
    command
        .option("--type", arguments->type,
                "format of the large matrices: " + weight_format_names() +
                    "; Q3_K_M, Q4_K_M, Q5_K_M: ssm_out one larger. Without it all types stay")
        .value_name("TYPE")
        .not_empty("a type")
        .suggest(words_of(weight_format_names() + ", Q3_K_M, Q4_K_M, Q5_K_M"));
    command.option("--head", arguments->head, "with --type: format of head and tied embedding; else Q6_K at least")
        .value_name("TYPE")
        .suggest(words_of(weight_format_names()));
    command.option("--pure", arguments->pure, "with --type: every matrix in TYPE, as far as rows are whole blocks");
    command
        .option("--tokenizer", arguments->tokenizer,
                "a folder with tokenizer.json or tokenizer.model, or one of these files, instead of the model's own tokenizer")
        .path("PATH")
        .not_empty("a folder or a file");
    command.option("--split", arguments->split, "write shards of at most SIZE: OUT-00001-of-00003.gguf")
        .value_name("SIZE")
        .not_empty("a size");
    command.option("--threads", arguments->threads, "0 = all").in_range(0, 1024).show_default();
    command.footer(
        "Examples:\n"
        "  krait convert mamba-130m-hf mamba-130m.gguf\n"
        "  krait convert mamba-130m-hf mamba-130m-q4_k.gguf --type q4_k\n"
        "  krait convert mamba-2.8b mamba-2.8b.gguf --tokenizer gpt-neox-20b\n"
        "  krait convert falcon-mamba-7b falcon --split 4G\n"
        "docs/checkpoints.md says which folders are read, and what is written.");
    run_when_chosen(command, [arguments] { return convert(*arguments); });
}

}  // namespace krait::tools
