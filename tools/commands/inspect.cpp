// SPDX-License-Identifier: Apache-2.0
//
// krait inspect: what a model's files hold, without loading it.
#include <fmt/format.h>

#include <functional>
#include <map>
#include <numeric>

#include "tools/command.hpp"
#include "tools/output.hpp"

namespace krait::tools {
namespace {

struct Arguments {
    ModelArguments model;
    bool no_metadata = false, no_tensors = false;
};

struct Tally {
    int64_t tensors = 0, elements = 0, bytes = 0;
};

double bits_per_weight(const Tally& tally) {
    return tally.elements == 0 ? 0.0 : 8.0 * static_cast<double>(tally.bytes) / static_cast<double>(tally.elements);
}

void show_metadata(const api::Model& model) {
    print("\nMETADATA\n");
    const std::vector<api::Metadata> metadata = model.metadata();
    for (size_t i = 0; i < metadata.size(); ++i) {
        const auto text = model.metadata_text(i, KRAIT_VALUE_SHORT);
        print("  {:<44} {:<8} {}\n", printable(metadata[i].key), metadata[i].type, text ? *text : "");
    }
}

void show_tensors(std::span<const api::Tensor> tensors) {
    print("\n{:<36} {:<8} {:<20} {:>14}\n", "TENSOR", "TYPE", "SHAPE", "BYTES");
    for (const api::Tensor& tensor : tensors) {
        std::string shape;
        for (const int64_t n : tensor.extents) shape += fmt::format("{}{}", shape.empty() ? "" : " x ", n);
        print("{:<36} {:<8} {:<20} {:>14}\n", printable(tensor.name), tensor.type, shape, tensor.bytes);
    }
}

void show_totals(std::span<const api::Tensor> tensors) {
    std::map<std::string, Tally, std::less<>> by_type;
    Tally all;
    for (const api::Tensor& tensor : tensors)
        for (Tally* tally : {&by_type[std::string(tensor.type)], &all}) {
            ++tally->tensors;
            tally->elements +=
                std::accumulate(tensor.extents.begin(), tensor.extents.end(), int64_t{1}, std::multiplies<int64_t>());
            tally->bytes += static_cast<int64_t>(tensor.bytes);
        }
    print("\n{:<8} {:>8} {:>14} {:>12} {:>12}\n", "TYPE", "TENSORS", "WEIGHTS", "SIZE", "BITS/WEIGHT");
    for (const auto& [type, tally] : by_type)
        print("{:<8} {:>8} {:>14} {:>12} {:>12.3f}\n", type, tally.tensors, tally.elements,
              format_bytes(static_cast<double>(tally.bytes)), bits_per_weight(tally));
    print("{:<8} {:>8} {:>14} {:>12} {:>12.3f}\n", "all", all.tensors, all.elements,
          format_bytes(static_cast<double>(all.bytes)), bits_per_weight(all));
}

api::Status inspect(const Arguments& arguments) {
    TOOLS_TRY(const api::Model model, arguments.model.open());
    const size_t n_file = krait_model_file_count(model.get());
    const std::string format =
        model.format_version() > 0 ? fmt::format("GGUF version {}", model.format_version()) : "Hugging Face folder";
    print("{}: {}, {}{}\n", printable(model.name()), format, format_bytes(static_cast<double>(model.file_bytes())),
          n_file > 1 ? fmt::format(" in {} shards", n_file) : "");
    if (!arguments.no_metadata) show_metadata(model);
    const std::vector<api::Tensor> tensors = model.tensors();
    if (!arguments.no_tensors) show_tensors(tensors);
    show_totals(tensors);

    if (const auto can_run = model.check(); !can_run)
        return failure(can_run.failure().code, "Krait cannot run this file: {}", can_run.failure().message);
    print("\n{}: {}, d_model {}, ", printable(model.architecture()), counted(model.n_layer(), "layer"), model.d_model());
    for (const api::Size& size : model.sizes())
        if (size.value > 0) print("{} {}, ", size.name, size.value);  // a hybrid without experts has none
    print("n_vocab {}{}\n", model.n_vocab(), model.is_tied() ? ", head tied to the embedding" : "");
    const std::string state = format_bytes(static_cast<double>(model.state_bytes()));
    if (const uint64_t token = model.token_bytes(); token > 0)
        print("state of one sequence: {}, and {} for each token (keys and values)\n", state,
              format_bytes(static_cast<double>(token)));
    else print("state of one sequence: {}, whatever its length\n", state);
    return api::Done{};
}

}  // namespace

void add_inspect_command(Command& program) {
    Command& command = program.command("inspect", "Show a file's metadata, tensors, types, bits per weight and state size");
    auto arguments = std::make_shared<Arguments>();
    arguments->model.add_path(command);
    command.option("--no-metadata", arguments->no_metadata, "leave the metadata out");
    command.option("--no-tensors", arguments->no_tensors, "leave the list of tensors out");
    command.footer("Examples:\n  krait inspect model.gguf\n  krait inspect --no-tensors model.gguf");
    run_when_chosen(command, [arguments] { return inspect(*arguments); });
}

}  // namespace krait::tools
