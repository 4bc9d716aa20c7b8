// SPDX-License-Identifier: Apache-2.0
//
// cublaslt_bench: how long cublasLt takes for the products of published models on a CUDA device. A baseline, no part of the
// engine.
//   cublaslt_bench --sizes 2.8b --rows 1,512 --output json
// Exit codes as of krait: 0 success, 1 it failed, 2 bad arguments.
#include <nlohmann/json.hpp>

#include "bench/cublaslt/timing.hpp"
#include "bench/product_shapes.hpp"
#include "tools/command_line/command_line.hpp"

namespace krait::bench {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchema = 1;

struct Arguments {
    int device = 0, repetitions = 20;
    std::vector<std::string> sizes, types = {"f16"};
    std::vector<int64_t> rows;
    std::string output = "table";
    bool list = false;
};

struct NamedType {
    const char *option, *name;
    LtType type;
};
constexpr NamedType kTypes[] = {{"f16", "F16", LtType::f16}, {"fp8", "FP8", LtType::fp8}, {"int8", "INT8", LtType::int8}};

struct NamedProduct {
    std::string name;
    const char* type = nullptr;
    ProductSize size;
};

// Empty = all of them.
template <class T>
bool is_among(const std::vector<T>& chosen, const T& one) {
    return chosen.empty() || std::find(chosen.begin(), chosen.end(), one) != chosen.end();
}

std::vector<NamedProduct> chosen_products(const Arguments& arguments) {
    std::vector<NamedProduct> chosen;
    for (const NamedType& type : kTypes)
        for (const ModelSize& size : kModelSizes)
            for (const ModelProduct& product : products_of(size))
                for (const int64_t n_tok : kProductRows)
                    if (n_tok <= product.max_rows && is_among<std::string>(arguments.types, type.option) &&
                        is_among<std::string>(arguments.sizes, size.name) && is_among(arguments.rows, n_tok))
                        chosen.push_back({product_name(type.name, n_tok, product, size),
                                          type.name,
                                          {type.type, n_tok, product.n_out, product.n_in}});
    return chosen;
}

Json product_json(const NamedProduct& product, const LtTiming& timing) {
    const double seconds = timing.us.median * 1e-6;
    return {{"name", product.name},
            {"type", product.type},
            {"n_tok", product.size.n_tok},
            {"n_out", product.size.n_out},
            {"n_in", product.size.n_in},
            {"us", timing.us.median},
            {"us_min", timing.us.min},
            {"us_max", timing.us.max},
            {"tflop_per_second", product.size.flops() / seconds * 1e-12},
            {"gb_per_second", product.size.bytes() / seconds * 1e-9},
            {"algorithms", timing.n_algorithms},
            {"copies", timing.n_copies}};
}

void print_row(const Json& row) {
    fmt::print("{:<36} ", row["name"].get<std::string>());
    if (row.contains("error")) fmt::print("{}\n", row["error"].get<std::string>());
    else
        fmt::print("{:>10.2f} {:>10.2f} {:>10.2f} {:>9.2f} {:>9.1f}\n", row["us"].get<double>(), row["us_min"].get<double>(),
                   row["us_max"].get<double>(), row["tflop_per_second"].get<double>(), row["gb_per_second"].get<double>());
    std::fflush(stdout);
}

Result<void> run(const Arguments& arguments, const std::vector<NamedProduct>& products) {
    KRAIT_TRY(const LtDevice device, LtDevice::open(arguments.device));
    const uint64_t cold_bytes = cold_bytes_of(device);
    Json report = {{"schema", kSchema},
                   {"device", device.name},
                   {"capability", device.capability},
                   {"cublaslt", cublasLtGetVersion()},
                   {"l2_bytes", device.l2_bytes},
                   {"workspace_bytes", device.workspace_bytes},
                   {"repetitions", arguments.repetitions},
                   {"products", Json::array()}};
    const bool as_table = arguments.output == "table";
    if (as_table) {
        fmt::print("{}, cublasLt {}\n", device.name, cublasLtGetVersion());
        fmt::print("{:<36} {:>10} {:>10} {:>10} {:>9} {:>9}\n", "product", "us", "min", "max", "TFLOP/s", "GB/s");
    }
    size_t n_failed = 0;  // their rows say why; the others are worth having
    for (const NamedType& type : kTypes) {
        uint64_t n_bytes = 0;
        for (const NamedProduct& product : products)
            if (product.size.type == type.type) n_bytes = std::max(n_bytes, numbers_for(product.size, cold_bytes));
        if (n_bytes == 0) continue;
        const auto numbers = device.numbers(type.type, n_bytes);
        for (const NamedProduct& product : products) {
            if (product.size.type != type.type) continue;
            const auto timing = numbers ? time_product(device, product.size, numbers->get(), n_bytes, arguments.repetitions)
                                        : Result<LtTiming>(tl::unexpected<Error>(numbers.error()));
            if (!timing && timing.error().code != ErrorCode::unsupported) ++n_failed;
            report["products"].push_back(timing ? product_json(product, *timing)
                                                : Json{{"name", product.name}, {"error", timing.error().message}});
            if (as_table) print_row(report["products"].back());
        }
    }
    if (!as_table) fmt::print("{}\n", report.dump(1));
    if (n_failed > 0) return fail(ErrorCode::internal, "{} of {} products failed", n_failed, products.size());
    return {};
}

// The words of an option that chooses some of these.
template <class List, class Name>
std::vector<std::string> words_of(const List& list, Name name) {
    std::vector<std::string> words;
    for (const auto& entry : list) words.push_back(name(entry));
    return words;
}

void add_options(tools::Command& command, Arguments& arguments) {
    command.option("-d,--device", arguments.device, "CUDA device, counted from 0")
        .in_range(0, 1023)
        .value_name("N")
        .show_default();
    command.option("--sizes", arguments.sizes, "models whose products are timed: 130m, 1.4b, 2.8b (default: all)")
        .split_at_commas()
        .one_of(words_of(kModelSizes, [](const ModelSize& size) { return size.name; }));
    command.option("--rows", arguments.rows, "rows of x: 1, 8, 16, 32, 512 (default: all)")
        .split_at_commas()
        .one_of(words_of(kProductRows, [](int64_t rows) { return std::to_string(rows); }));
    command.option("--types", arguments.types, "what is multiplied: f16, fp8 (E4M3), int8; sums are float32, of int8 int32")
        .split_at_commas()
        .one_of(words_of(kTypes, [](const NamedType& type) { return type.option; }))
        .show_default();
    command.option("-r,--repetitions", arguments.repetitions, "how often each is timed; the median counts")
        .in_range(1, 100000)
        .show_default();
    command.option("-o,--output", arguments.output, "table, json").one_of({"table", "json"}).show_default();
    command.option("--list", arguments.list, "Name the products and do nothing");
    command.footer(
        "Weights and activations come from memory: operands are spread over four second caches, at least 256 MiB,\n"
        "but in 1024 copies at most, which the smallest products fill less with. Of up to eight algorithms that\n"
        "cublasLt's heuristic offers, the fastest counts.\n"
        "Example:\n"
        "  cublaslt_bench --sizes 2.8b --rows 1,512");
}

int time_products(const Arguments& arguments) {
    const auto products = chosen_products(arguments);
    if (products.empty()) {
        fmt::print(stderr, "cublaslt_bench: no product is left; 'cublaslt_bench --list' names them all\n");
        return tools::kExitBadInput;
    }
    if (arguments.list) {
        for (const NamedProduct& product : products) fmt::print("{}\n", product.name);
        return tools::kExitOk;
    }
    if (const auto done = run(arguments, products); !done) {
        fmt::print(stderr, "cublaslt_bench: {}\n", done.error().message);
        return tools::kExitFailure;
    }
    return tools::kExitOk;
}

int main(int argc, char** argv) {
    tools::Command command(
        "cublaslt_bench",
        "How long cublasLt takes for the matrix products of published models: a baseline for Krait's CUDA backend");
    Arguments arguments;
    add_options(command, arguments);
    command.body([&] { return time_products(arguments); });
    return command.parse_and_run(argc, argv);
}

}  // namespace
}  // namespace krait::bench

int main(int argc, char** argv) { return krait::bench::main(argc, argv); }
