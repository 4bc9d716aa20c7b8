// SPDX-License-Identifier: Apache-2.0
//
// krait inspect: what a GGUF file holds, without loading it.
#include <fmt/format.h>

#include <map>

#include "core/base/format_bytes.hpp"
#include "core/base/printable.hpp"
#include "formats/gguf/gguf_value.hpp"
#include "models/architectures/registry.hpp"
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

void show_tensors(const GgufFile& file) {
    print("\n{:<36} {:<8} {:<20} {:>14}\n", "TENSOR", "TYPE", "SHAPE", "BYTES");
    for (const GgufTensor& tensor : file.tensors()) {
        std::string shape;
        for (const int64_t n : tensor.extents()) shape += fmt::format("{}{}", shape.empty() ? "" : " x ", n);
        print("{:<36} {:<8} {:<20} {:>14}\n", printable(tensor.name), dtype_name(tensor.dtype()), shape, tensor.byte_size());
    }
}

void show_totals(const GgufFile& file) {
    std::map<std::string, Tally> by_type;
    Tally all;
    for (const GgufTensor& tensor : file.tensors())
        for (Tally* tally : {&by_type[dtype_name(tensor.dtype())], &all}) {
            ++tally->tensors;
            tally->elements += element_count(tensor.desc);
            tally->bytes += static_cast<int64_t>(tensor.byte_size());
        }
    print("\n{:<8} {:>8} {:>14} {:>12} {:>12}\n", "TYPE", "TENSORS", "WEIGHTS", "SIZE", "BITS/WEIGHT");
    by_type["all"] = all;
    for (const auto& [type, tally] : by_type)
        if (type != "all")
            print("{:<8} {:>8} {:>14} {:>12} {:>12.3f}\n", type, tally.tensors, tally.elements,
                  format_bytes(static_cast<double>(tally.bytes)), bits_per_weight(tally));
    print("{:<8} {:>8} {:>14} {:>12} {:>12.3f}\n", "all", all.tensors, all.elements,
          format_bytes(static_cast<double>(all.bytes)), bits_per_weight(all));
}

int inspect(const Arguments& arguments) {
    const auto file = arguments.model.open();
    if (!file) return report(file.error());
    print("{}: GGUF version {}, {}\n", printable(file->name()), file->version(),
          format_bytes(static_cast<double>(file->bytes().size())));
    if (!arguments.no_metadata) {
        print("\nMETADATA\n");
        for (const GgufMetadata& entry : file->metadata())
            print("  {:<44} {:<8} {}\n", printable(entry.key), gguf_type_name(gguf_type(entry.value)), to_string(entry.value));
    }
    if (!arguments.no_tensors) show_tensors(*file);
    show_totals(*file);

    const auto architecture = create_architecture(*file);
    if (!architecture) return report(Error(architecture.error()).within("Krait cannot run this file"));
    const ModelShape& shape = architecture->shape();
    print("\n{}: {} layers, d_model {}, ", printable(shape.architecture), shape.n_layer, shape.d_model);
    for (const NamedSize& size : architecture->sizes()) print("{} {}, ", size.name, size.value);
    print("n_vocab {}{}\n", shape.n_vocab, shape.tied_head ? ", head tied to the embedding" : "");
    print("state of one sequence: {}, whatever its length\n", format_bytes(static_cast<double>(architecture->state_bytes())));
    return kExitOk;
}

}  // namespace

void add_inspect_command(Command& program) {
    Command& command = program.command("inspect", "Show a file's metadata, tensors, types, bits per weight and state size");
    auto arguments = std::make_shared<Arguments>();
    arguments->model.add_path(command);
    command.option("--no-metadata", arguments->no_metadata, "leave the metadata out");
    command.option("--no-tensors", arguments->no_tensors, "leave the list of tensors out");
    command.footer("Examples:\n  krait inspect model.gguf\n  krait inspect --no-tensors model.gguf");
    command.body([arguments] { return inspect(*arguments); });
}

}  // namespace krait::tools
