// SPDX-License-Identifier: Apache-2.0
//
// krait convert: a Hugging Face folder as a GGUF file, which other engines read too.
#include <fmt/format.h>

#include "core/base/output_file.hpp"
#include "formats/gguf/gguf_split.hpp"
#include "formats/gguf/gguf_value.hpp"
#include "formats/open_model.hpp"
#include "models/architectures/registry.hpp"
#include "models/loading/gguf_tokenizer.hpp"
#include "models/quantize/quantized_source.hpp"
#include "tools/engine_model.hpp"
#include "tools/interrupt.hpp"
#include "tools/log.hpp"
#include "tools/output.hpp"
#include "tools/progress_bar.hpp"
#include "tools/quantize_arguments.hpp"
#include "tools/shards.hpp"

namespace krait::tools {
namespace {

struct Arguments {
    std::string input, output, tokenizer, split;
    QuantizeArguments quantize;
    int threads = 0;
    bool no_tokenizer = false;
};

// llama.cpp reads a file without a tokenizer where this says that there is none.
void write_no_tokenizer(ModelSource& source) { source.replace_tokenizer({{"tokenizer.ggml.model", std::string("none")}}, {}); }

// A folder without a tokenizer makes a file without one; one that is there and of no use would be missed later.
Result<void> check_tokenizer(ModelSource& source) {
    GgufVocabulary vocabulary = read_vocabulary(source, [](uint64_t, uint64_t) { return !is_interrupted(); });
    for (const std::string& warning : vocabulary.warnings) print_warning(warning);
    if (vocabulary.tokenizer) return {};
    Error error = std::move(vocabulary.tokenizer).error();
    if (error.code == ErrorCode::cancelled) return tl::unexpected<Error>(std::move(error));
    if (error.code != ErrorCode::not_found) {
        error.message += "; to write the file without one: --no-tokenizer";
        return tl::unexpected<Error>(std::move(error));
    }
    print_warning(error.message);
    write_no_tokenizer(source);
    return {};
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
    if (arguments.no_tokenizer) write_no_tokenizer(*source);
    else KRAIT_CHECK(check_tokenizer(*source));
    QuantizedSourceOptions options{.threads = arguments.threads};
    if (!arguments.quantize.type.empty()) {
        KRAIT_TRY(options.scheme, arguments.quantize.scheme());
    } else if (arguments.quantize.pure || !arguments.quantize.head.empty()) {
        return fail(ErrorCode::invalid_argument, "--head and --pure say how to quantize: give --type too");
    }
    return quantize_source(std::move(source), options);
}

Result<void> convert(const Arguments& arguments) {
    GgufShardLimits limits;
    if (!arguments.split.empty()) {
        KRAIT_TRY(limits, parse_shard_size("--split", arguments.split));
    }
    const std::atomic<bool>& interrupted = catch_end();
    KRAIT_TRY(const std::unique_ptr<ModelSource> source, open_folder(arguments));
    const ResultReport out(arguments.output);
    std::vector<WrittenShard> shards;
    {
        ProgressBar bar("converting", ProgressBar::Unit::bytes);
        const GgufCopyOptions options{.cancel = &interrupted,
                                      .progress = [&](uint64_t done, uint64_t total) { bar.update(done, total); }};
        if (!arguments.split.empty()) {
            KRAIT_TRY(shards, split_gguf(*source, arguments.output, limits, options));
        } else {
            KRAIT_TRY(const uint64_t bytes, write_gguf(*source, arguments.output, options));
            shards.push_back({arguments.output, bytes, source->tensors().size()});
        }
    }
    print_shards(out, shards, limits);
    return {};
}

}  // namespace

void add_convert_command(Command& program) {
    Command& command = program.command("convert", "Write a Hugging Face folder as a GGUF file, quantized if wanted");
    auto arguments = std::make_shared<Arguments>();
    command.option("input", arguments->input, "folder with config.json or params.json, and safetensors or pytorch_model.bin")
        .required()
        .path("DIR");
    command.option("output", arguments->output, "the GGUF file to write; with --split what names begin with")
        .required()
        .path("OUT.gguf");
    arguments->quantize.add(command, "--type", ". Without it all types stay").not_empty("a type");
    const Option& tokenizer = add_tokenizer_option(command, arguments->tokenizer);
    command.option("--no-tokenizer", arguments->no_tokenizer, "write the file without a tokenizer: it takes token ids alone")
        .excludes(tokenizer);
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
