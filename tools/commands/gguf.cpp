// SPDX-License-Identifier: Apache-2.0
//
// krait gguf split and krait gguf merge: a model file in shards, and in one piece again.
#include <fmt/format.h>

#include "core/base/format_bytes.hpp"
#include "core/base/printable.hpp"
#include "formats/gguf/gguf_reader.hpp"
#include "formats/gguf/gguf_split.hpp"
#include "tools/engine_model.hpp"
#include "tools/interrupt.hpp"
#include "tools/output.hpp"
#include "tools/progress_bar.hpp"
#include "tools/shards.hpp"

namespace krait::tools {
namespace {

struct Arguments {
    std::string input, output, max_size = "2G";
    std::optional<int64_t> max_tensors;
};

Result<GgufShardLimits> limits_of(const Arguments& arguments) {
    if (arguments.max_tensors) return GgufShardLimits{.max_tensors = static_cast<uint64_t>(*arguments.max_tensors)};
    return parse_shard_size("--max-size", arguments.max_size);
}

// Runs copy(file, options) with a progress bar. The file is read, not mapped: one that is cut short meanwhile is an error.
template <class Copy>
auto copy_with_progress(const Arguments& arguments, const char* label, Copy&& copy)
    -> decltype(copy(std::declval<const GgufFile&>(), GgufCopyOptions{})) {
    KRAIT_TRY(const GgufFile file, GgufFile::open(arguments.input, FileAccess::read));
    ProgressBar bar(label, ProgressBar::Unit::bytes);
    return copy(file, {.cancel = &catch_end(), .progress = [&](uint64_t done, uint64_t total) { bar.update(done, total); }});
}

Result<void> split(const Arguments& arguments) {
    KRAIT_TRY(const GgufShardLimits limits, limits_of(arguments));
    KRAIT_TRY(const std::vector<WrittenShard> shards,
              copy_with_progress(arguments, "splitting", [&](const GgufFile& file, const GgufCopyOptions& options) {
                  return split_gguf(file, arguments.output, limits, options);
              }));
    print_shards(ResultReport(arguments.output), shards, limits);
    return {};
}

Result<void> merge(const Arguments& arguments) {
    const ResultReport out(arguments.output);
    size_t n_shard = 0;
    KRAIT_TRY(const uint64_t bytes,
              copy_with_progress(arguments, "merging", [&](const GgufFile& file, const GgufCopyOptions& options) {
                  n_shard = file.shards().size();
                  return merge_gguf(file, arguments.output, options);
              }));
    out.print("{}: {} of {}\n", printable(arguments.output), format_bytes(static_cast<double>(bytes)),
              counted(static_cast<int64_t>(n_shard), "shard"));
    return {};
}

void add_split_command(Command& gguf) {
    Command& command = gguf.command("split", "Divide a model file into shards");
    auto arguments = std::make_shared<Arguments>();
    command.option("input", arguments->input, "GGUF file, or any shard of a model").required().path("IN.gguf");
    command.option("output", arguments->output, "what the names of the shards begin with: OUT-00001-of-00003.gguf")
        .required()
        .path("OUT");
    const Option& size = command.option("--max-size", arguments->max_size, "size of a file: bytes, or a number of K, M, G or T")
                             .show_default()
                             .value_name("SIZE");
    command.option("--max-tensors", arguments->max_tensors, "tensors in a file, instead of a size")
        .in_range(1)
        .value_name("N")
        .excludes(size);
    command.footer(
        "Any of the shards stands for the model where a command takes one. No tensor is cut: a shard whose only tensor is\n"
        "larger than SIZE is larger too.\n"
        "Examples:\n"
        "  krait gguf split model.gguf model --max-size 500M\n"
        "  krait gguf split model.gguf part --max-tensors 100");
    run_when_chosen(command, [arguments] { return split(*arguments); });
}

void add_merge_command(Command& gguf) {
    Command& command = gguf.command("merge", "Make one model file of shards");
    auto arguments = std::make_shared<Arguments>();
    command.option("input", arguments->input, "any shard of the model; the others lie beside it").required().path("SHARD.gguf");
    command.option("output", arguments->output, "the GGUF file to write").required().path("OUT.gguf");
    command.footer(
        "Examples:\n"
        "  krait gguf merge part-00001-of-00003.gguf whole.gguf");
    run_when_chosen(command, [arguments] { return merge(*arguments); });
}

}  // namespace

void add_gguf_command(Command& program) {
    Command& command = program.command("gguf", "Divide a model file into shards, and put it together again");
    add_split_command(command);
    add_merge_command(command);
    command.footer(
        "Examples:\n"
        "  krait gguf split model.gguf part --max-tensors 100\n"
        "  krait gguf merge part-00001-of-00003.gguf whole.gguf");
}

}  // namespace krait::tools
