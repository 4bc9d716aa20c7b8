// SPDX-License-Identifier: Apache-2.0
//
// krait imatrix: which weights matter, from a text, for krait quantize --imatrix.
#include <fmt/format.h>

#include "core/base/output_file.hpp"
#include "core/base/printable.hpp"
#include "models/evaluation/perplexity.hpp"
#include "models/quantize/collect_importance.hpp"
#include "tools/engine_model.hpp"
#include "tools/interrupt.hpp"
#include "tools/output.hpp"
#include "tools/progress_bar.hpp"

namespace krait::tools {
namespace {

struct Arguments {
    ModelArguments model;
    std::string text, output;
    CollectOptions options;
    uint64_t max_tokens = 0;
};

Result<void> collect(const Arguments& arguments) {
    KRAIT_CHECK(refuse_overwrite(arguments.output, {arguments.model.path, arguments.text}));
    CollectOptions options = arguments.options;
    options.cancel = &catch_end();  // before there is a file that a signal could leave behind
    // A file that cannot be written is told now, not after an hour; the file itself is made at the end.
    KRAIT_CHECK(OutputFile::check(arguments.output));
    KRAIT_TRY(const std::string text, from_api(read_text(arguments.text, options.cancel)));
    KRAIT_TRY(const auto model, load_model(arguments.model));
    KRAIT_TRY(const Tokenizer* tokenizer, model->tokenizer());
    KRAIT_TRY(const EvaluationText calibration, tokenize_text(*tokenizer, text, arguments.max_tokens));
    ImportanceMatrix matrix;
    {
        ProgressBar bar("reading");
        options.progress = [&](int64_t done, int64_t total) {
            bar.update(static_cast<uint64_t>(done), static_cast<uint64_t>(total));
        };
        KRAIT_TRY(matrix, collect_importance(model, calibration.tokens, calibration.prefix, options));
    }
    const auto n_tok = static_cast<int64_t>(calibration.tokens.size());
    const int64_t n_chunk = (n_tok + options.chunk - 1) / options.chunk;
    const ResultReport report(arguments.output);
    KRAIT_CHECK(matrix.save(arguments.output, arguments.text, options.chunk, n_chunk));
    report.print("{}: importance of {} matrices, from {} of {} in {}\n", printable(arguments.output), matrix.entries().size(),
                 counted(n_tok, "token"), arguments.text, counted(n_chunk, "chunk"));
    return {};
}

}  // namespace

void add_imatrix_command(Command& program) {
    Command& command = program.command("imatrix", "Find out from a text which weights matter, for krait quantize");
    auto arguments = std::make_shared<Arguments>();
    arguments->model.add_path(command);
    arguments->model.add_device(command);
    command.option("-t,--text", arguments->text, "text like that which the model is for: a file, '-' = standard input")
        .required()
        .path("FILE");
    command.option("-o,--output", arguments->output, "the file to write").required().path("OUT");
    command.option("-c,--chunk", arguments->options.chunk, "tokens that are read from an empty state")
        .in_range(1, 1 << 24)
        .show_default();
    command.option("-b,--batch", arguments->options.batch, "chunks that are read together").in_range(1, 4096).show_default();
    command.option("--max-tokens", arguments->max_tokens, "only the first N tokens of the text; 0 = all")
        .in_range()
        .show_default()
        .value_name("N");
    command.footer(
        "Examples:\n"
        "  krait imatrix model-f16.gguf --text sample.txt -o model.imatrix\n"
        "  krait quantize model-f16.gguf model-q2_k.gguf q2_k --imatrix model.imatrix");
    run_when_chosen(command, [arguments] { return collect(*arguments); });
}

}  // namespace krait::tools
