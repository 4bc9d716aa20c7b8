// SPDX-License-Identifier: Apache-2.0
//
// krait debug: a model node by node on one device, compared with another one.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>

#include "core/base/printable.hpp"
#include "models/debug/compare_nodes.hpp"
#include "tests/harness/tolerance.hpp"
#include "tools/engine_model.hpp"
#include "tools/interrupt.hpp"
#include "tools/output.hpp"
#include "tools/progress_bar.hpp"

namespace krait::tools {
namespace {

struct Arguments {
    ModelArguments model;  // path alone
    std::string compare = "auto,reference";
    std::string prompt = "The quick brown fox jumps over the lazy dog, and runs away.", tokens;
    bool has_tokens = false;
    bool all = false;
};

// The error of rounding a node's activations to integers of a magnitude of `max` in units of `unit` columns, relative to their
// power, as a product with random weights would show it.
double rounding_error(const NodeDifference& difference, int64_t unit, double max) {
    double error = 0, power = 0;
    const TensorDesc& x = difference.operand;
    if (difference.operand_bytes.empty() || dtype_of(x) != DType::F32 || x.rank < 2) return 0;
    const int64_t width = last_extent(x), rows_of_index = inner_bytes(x) / row_bytes(DType::F32, width);
    for (int64_t row = 0; row < x.extent[0] * rows_of_index; ++row) {
        const std::byte* from = difference.operand_bytes.data() + row / rows_of_index * x.stride[0] +
                                row % rows_of_index * width * int64_t{sizeof(float)};
        for (int64_t first = 0; first < width; first += unit) {
            const int64_t n = std::min(unit, width - first);
            double largest = 0;
            for (int64_t k = first; k < first + n; ++k) {
                float value;
                std::memcpy(&value, from + k * int64_t{sizeof value}, sizeof value);
                largest = std::max(largest, std::abs(static_cast<double>(value)));
                power += static_cast<double>(value) * static_cast<double>(value);
            }
            const double step = largest / max;
            error += static_cast<double>(n) * step * step / 12;
        }
    }
    return power > 0 ? error / power : 0;
}

// The tolerance of one node's result, as NMSE. A device that rounds activations in a way that its capabilities name is held to
// the error of that rounding of these activations, which may have larger outliers than those of the operators' tests; times
// four, for sums that cancel, and a few values may lie further off by chance.
double tolerance(const NodeDifference& difference, const Device& device) {
    const harness::Tolerance tolerance = harness::tolerance_of(difference.op, difference.weights, device.capabilities());
    if (difference.is_state) return tolerance.state;
    const bool is_quantized_weight = is_quantized(difference.weights);
    const uint32_t rounding = harness::rounding_of(difference.weights, device.capabilities());
    const bool rounds = harness::multiplies_weights(difference.op) &&
                        (rounding == KRAIT_ROUNDING_INT8X32 || rounding == KRAIT_ROUNDING_INT13X32);
    if (!rounds) return tolerance.result;
    const double of_these = is_quantized_weight ? rounding_error(difference, 32, 127) : rounding_error(difference, 32, 8191);
    const double by_chance = difference.n_values < harness::kManyResults ? harness::kRowFactor : 1;
    return by_chance * std::max(harness::rounded_error(difference.weights), 4 * of_these);
}

struct Row {
    NodeDifference difference;
    double tolerance = 0;
    bool passed() const { return difference.n_not_finite == 0 && difference.error <= tolerance; }
};

std::string text_of(const Row& row, const Model& tested, size_t name_width) {
    const NodeDifference& d = row.difference;
    return fmt::format("{:<{}} {:<9} {:<6} {:<22} {:>9.1e} {:>9.1e} {:>9.1e}  {}{}\n", d.node, name_width, op_name(d.op),
                       d.is_token ? "token" : "prompt", d.result, d.error, row.tolerance, d.max_difference,
                       row.passed() ? "ok" : "OVER",
                       d.n_not_finite > 0 ? fmt::format(": {} are NaN or infinite on one side alone", d.n_not_finite) : "") +
           (row.passed() ? "" : fmt::format("  on {}\n", tested.placement().labels()[static_cast<size_t>(d.device)]));
}

Result<std::vector<int32_t>> read_tokens(const Arguments& arguments, const Model& model) {
    if (arguments.has_tokens) return from_api(parse_tokens(arguments.tokens));
    KRAIT_TRY(const Tokenizer* tokenizer, model.tokenizer());
    return tokenizer->encode(arguments.prompt);
}

Result<std::shared_ptr<const Model>> load(const Arguments& arguments, const std::string& device) {
    ModelArguments one = arguments.model;
    one.device = device;
    return load_model(one);
}

Result<int> compare(const Arguments& arguments) {
    const std::vector<std::string> names = split_device_list(arguments.compare);
    if (names.size() != 2 || names[0].empty() || names[1].empty())
        return fail(ErrorCode::invalid_argument,
                    "--compare {}: two devices are needed, the one to be tested and the one that is right: cpu,reference",
                    arguments.compare);
    KRAIT_TRY(const auto tested, load(arguments, names[0]));
    KRAIT_TRY(const auto expected, load(arguments, names[1]));
    KRAIT_TRY(const std::vector<int32_t> tokens, read_tokens(arguments, *expected));
    const std::atomic<bool>& interrupted = catch_interrupt();

    std::vector<Row> rows;
    {
        ProgressBar bar("nodes");
        const auto n_results = static_cast<size_t>(expected->shape().n_layer) * 20 + 10;  // about
        KRAIT_CHECK(compare_nodes(
            *expected, *tested, tokens,
            [&](const NodeDifference& difference) {
                const Device& device = *tested->devices()[static_cast<size_t>(difference.device)];
                rows.push_back({difference, tolerance(difference, device)});
                rows.back().difference.operand_bytes = {};  // valid during this call alone
                bar.update(std::min(rows.size(), n_results), n_results);
                return arguments.all || rows.back().passed();
            },
            &interrupted));
    }

    print("{} on {}, node by node against {}: a prompt of {}, then 1 token\n", printable(expected->source().name()),
          tested->device_names(), expected->device_names(), counted(static_cast<int64_t>(tokens.size()) - 1, "token"));
    const auto failed = std::find_if(rows.begin(), rows.end(), [](const Row& row) { return !row.passed(); });
    size_t name_width = 4;
    for (const Row& row : rows) name_width = std::max(name_width, row.difference.node.size());
    if (arguments.all || failed != rows.end()) {
        print("{:<{}} {:<9} {:<6} {:<22} {:>9} {:>9} {:>9}\n", "NODE", name_width, "OP", "RUN", "RESULT", "NMSE", "TOLERANCE",
              "MAX DIFF");
        for (const Row& row : rows)
            if (arguments.all || !row.passed()) print("{}", text_of(row, *tested, name_width));
    }
    if (failed != rows.end()) {
        print(
            "first over its tolerance: '{}' after {} results; 'krait test-ops --device {} --op {}' tests that operator alone\n",
            failed->difference.node, failed - rows.begin(), names[0], op_name(failed->difference.op));
        return kExitFailure;
    }
    const auto worst = std::max_element(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
        return a.difference.error * (b.tolerance > 0 ? b.tolerance : 1) <
               b.difference.error * (a.tolerance > 0 ? a.tolerance : 1);
    });
    print("all {} results are within their tolerances", rows.size());
    if (worst != rows.end() && worst->tolerance > 0)
        print("; closest to it is '{}' with {:.1e} of {:.1e}", worst->difference.node, worst->difference.error,
              worst->tolerance);
    print("\n");
    return kExitOk;
}

}  // namespace

void add_debug_command(Command& program) {
    Command& command = program.command("debug", "Run a model node by node and find the first one that is wrong on a device");
    auto arguments = std::make_shared<Arguments>();
    arguments->model.add_path(command);
    command.option("--compare", arguments->compare, "the device to be tested, and the one that is right")
        .value_name("DEVICE,DEVICE")
        .show_default();
    arguments->model.add_cache_type(command);
    Option& tokens =
        command.option("-t,--tokens", arguments->tokens, "token ids: 12,7,4001; the last one runs alone").value_name("IDS");
    command.option("-p,--prompt", arguments->prompt, "text").value_name("TEXT").show_default().excludes(tokens);
    command.option("--all", arguments->all, "show every result, and go on after the first that is wrong");
    command.footer(
        "Every node runs alone, with the operands that the second device has computed, so errors do not add up. The measure is "
        "the\n"
        "normalized squared error (NMSE), the tolerance that of the operators' tests. Exit code 1 where a node is over it.\n"
        "Examples:\n"
        "  krait debug model.gguf --compare cpu,reference\n"
        "  krait debug --compare cpu:portable,reference --all -p \"The sea was\"");
    command.body([arguments, &tokens]() -> int {
        arguments->has_tokens = tokens.given();
        const auto exit = compare(*arguments);
        return exit ? *exit : report(exit.error());
    });
}

}  // namespace krait::tools
