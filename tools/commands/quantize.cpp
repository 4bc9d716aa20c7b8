// SPDX-License-Identifier: Apache-2.0
//
// krait quantize: a model file in other weight formats.
#include <fmt/format.h>

#include "core/base/format_bytes.hpp"
#include "core/base/printable.hpp"
#include "formats/open_model.hpp"
#include "models/quantize/quantize.hpp"
#include "tools/engine_model.hpp"
#include "tools/interrupt.hpp"
#include "tools/output.hpp"
#include "tools/progress_bar.hpp"
#include "tools/quantize_arguments.hpp"

namespace krait::tools {
namespace {

struct Arguments {
    std::string input, output, importance;
    QuantizeArguments quantize;
    bool force = false;
    int threads = 0;
};

double bits_per_weight(uint64_t bytes, int64_t n_weight) {
    return n_weight == 0 ? 0.0 : 8.0 * static_cast<double>(bytes) / static_cast<double>(n_weight);
}

void show(const ResultReport& out, const QuantizeReport& report, const Arguments& arguments) {
    out.print("{:<20} {:>7} {:>8} {:<8} {:>14} {:>11}  {}\n", "TENSOR", "COUNT", "FROM", "TO", "WEIGHTS", "SIZE", "WHY");
    for (const QuantizedKind& kind : report.kinds)
        out.print("{:<20} {:>7} {:>8} {:<8} {:>14} {:>11}  {}{}\n", printable(kind.kind), kind.n_tensor, dtype_name(kind.from),
                  dtype_name(kind.to), kind.n_weight, format_bytes(static_cast<double>(kind.bytes)), kind.why,
                  kind.weighted ? ", by importance" : "");
    out.print("\n{}: {} at {:.3f} bits a weight\n{}: {} at {:.3f} bits a weight\n", printable(arguments.input),
              format_bytes(static_cast<double>(report.file_bytes_before)),
              bits_per_weight(report.tensor_bytes_before, report.n_weight), printable(arguments.output),
              format_bytes(static_cast<double>(report.file_bytes)), bits_per_weight(report.tensor_bytes, report.n_weight));
}

Result<void> quantize(const Arguments& arguments) {
    QuantizeOptions options{.force = arguments.force, .threads = arguments.threads, .cancel = &catch_end()};
    KRAIT_TRY(options.scheme, arguments.quantize.scheme());
    std::optional<ImportanceMatrix> importance;
    if (!arguments.importance.empty()) {
        KRAIT_TRY(importance, ImportanceMatrix::open(arguments.importance));
        options.importance = &*importance;
    }
    KRAIT_TRY(const std::unique_ptr<ModelSource> source, open_model(arguments.input));
    const ResultReport out(arguments.output);
    QuantizeReport report;
    {
        ProgressBar bar("quantizing");
        options.progress = [&](uint64_t done, uint64_t total) { bar.update(done, total); };
        KRAIT_TRY(report, quantize_file(*source, arguments.output, options));
    }
    show(out, report, arguments);
    return {};
}

}  // namespace

void add_quantize_command(Command& program) {
    Command& command = program.command("quantize", "Write a model file in other weight formats");
    auto arguments = std::make_shared<Arguments>();
    command.option("input", arguments->input, "GGUF file or Hugging Face folder in F32, F16 or BF16").required().path("IN");
    command.option("output", arguments->output, "the GGUF file to write").required().path("OUT.gguf");
    arguments->quantize.add(command, "type").required();
    command.option("--imatrix", arguments->importance, "importance of the weights, from krait imatrix").path("FILE");
    command.option("--force", arguments->force, "take a file that is quantized already, and weights that are not finite");
    command.option("--threads", arguments->threads, "0 = all").in_range(0, 1024).show_default();
    command.footer(
        "Examples:\n"
        "  krait quantize model-f16.gguf model-q4_k.gguf q4_k\n"
        "  krait imatrix model-f16.gguf --text sample.txt -o model.imatrix\n"
        "  krait quantize model-f16.gguf model-q2_k.gguf q2_k --imatrix model.imatrix\n"
        "docs/quantizing.md says which type to take, and what the recipe does.");
    run_when_chosen(command, [arguments] { return quantize(*arguments); });
}

}  // namespace krait::tools
