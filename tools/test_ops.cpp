// SPDX-License-Identifier: Apache-2.0
#include "tools/test_ops.hpp"

#include <fmt/format.h>

#include "bench/model_shapes.hpp"
#include "core/base/environment.hpp"
#include "core/base/processors.hpp"
#include "tests/harness/effort.hpp"
#include "tests/harness/suite.hpp"
#include "tools/engine_model.hpp"
#include "tools/interrupt.hpp"
#include "tools/output.hpp"
#include "tools/progress_bar.hpp"
#include "tools/time_ops.hpp"

namespace krait::tools {
namespace {

struct Arguments {
    std::string device;  // one or several; empty = the default
    harness::Selection selection;
    bool list = false, perf = false, verbose = false;
    std::string shapes = "tests", output = "table";  // of perf
    int jobs = 0;                                    // 0 = one a processor
    int sample = 1;                                  // one case of so many

    bool of_models() const { return shapes == "models"; }
    bool as_json() const { return output == "json"; }
};

std::vector<const harness::Case*> chosen_cases(const Arguments& arguments) {
    if (!arguments.of_models()) return harness::select(arguments.selection);
    std::vector<const harness::Case*> cases;
    for (const auto& of : bench::model_shapes().all())
        if (harness::matches(arguments.selection.op, op_name(of->op)) && harness::matches(arguments.selection.cases, of->name))
            cases.push_back(of.get());
    return cases;
}

// One case of n.
Result<void> keep_sample(std::vector<const harness::Case*>& cases, int n) {
    KRAIT_TRY(const auto effort, harness::Effort::from_environment());
    size_t index = 0;
    std::erase_if(cases, [&](const harness::Case*) { return !effort.takes(index++, 0, static_cast<size_t>(n)); });
    return {};
}

int list_cases(const std::vector<const harness::Case*>& cases) {
    for (const harness::Case* of : cases) print("{:<10} {}{}\n", op_name(of->op), of->name, of->heavy ? "  (heavy)" : "");
    return kExitOk;
}

const char* name_of(harness::Status status) {
    constexpr const char* kNames[] = {"passed", "FAILED", "unsupported", "expected failure"};
    return kNames[static_cast<size_t>(status)];
}

void print_summary(const std::string& device, const harness::Summary& summary) {
    print("{}\n{:<16} {:>6} {:>7} {:>7} {:>12} {:>6} {:>9}\n", device, "op", "cases", "passed", "failed", "unsupported",
          "xfail", "seconds");
    harness::OpSummary total;
    const auto row = [](const char* name, const harness::OpSummary& op) {
        print("{:<16} {:>6} {:>7} {:>7} {:>12} {:>6} {:>9.2f}\n", name, op.n_cases, op.n_passed, op.n_failed, op.n_unsupported,
              op.n_expected_failure, op.seconds);
    };
    for (const harness::OpSummary& op : summary.ops) {
        row(op_name(op.op), op);
        for (const auto& [reason, times] : op.reasons) print("    {} x {}\n", times, reason);
        total.n_cases += op.n_cases, total.n_passed += op.n_passed, total.n_failed += op.n_failed;
        total.n_unsupported += op.n_unsupported, total.n_expected_failure += op.n_expected_failure, total.seconds += op.seconds;
    }
    row("all", total);
}

int test_device(const std::string& spec, const Arguments& arguments, const std::vector<const harness::Case*>& cases,
                harness::Oracle& oracle) {
    auto device = Device::open(spec);
    if (!device) return report(device.error());
    const std::atomic<bool>& interrupted = catch_interrupt();
    if (arguments.perf) {
        const auto timed = time_ops(*device, spec, cases,
                                    {.cold_bytes = arguments.of_models() ? bench::cold_bytes() : 0,
                                     .as_json = arguments.as_json(),
                                     .cancel = &interrupted});
        if (!timed) return report(timed.error());
        if (arguments.as_json())
            print("{}\n", timed->json.dump(1, ' ', true, nlohmann::ordered_json::error_handler_t::replace));
        return timed->failed ? kExitFailure : kExitOk;
    }

    // "auto" is named as what it turned out to be, so that the rerun command means the same device.
    const std::string name = spec == "auto" ? (*device)->name() : spec;
    const harness::Runner runner(*device, name, oracle);
    const auto jobs = static_cast<unsigned>(arguments.jobs > 0 ? arguments.jobs : usable_processors());
    harness::Summary summary;
    size_t done = 0;
    {
        ProgressBar bar(name);
        summary = harness::run_suite(
            runner, cases, jobs,
            [&](const harness::Case& of, const harness::Outcome& outcome, double seconds) {
                if (arguments.verbose)
                    print("{} {} {}: {:.1f} ms\n", name_of(outcome.status), op_name(of.op), of.name, seconds * 1e3);
                bar.update(++done, cases.size());
            },
            &interrupted);
    }
    print_summary(name, summary);
    for (const std::string& failure : summary.failures) print("\nFAILED {}\n", failure);
    if (done < cases.size())
        return report(
            Error{ErrorCode::cancelled, fmt::format("cancelled after {} of {} cases on {}", done, cases.size(), name)});
    return summary.ok() ? kExitOk : kExitFailure;
}

int test_ops(const Arguments& arguments) {
    if (!arguments.perf && !arguments.list && arguments.of_models())
        return report(
            Error{ErrorCode::invalid_argument, "--shapes models is for --perf: those shapes are too large to be checked"});
    if (arguments.as_json() && (!arguments.perf || arguments.list))
        return report(
            Error{ErrorCode::invalid_argument, "--output json is for --perf: of checks and lists there is text alone"});
    if (arguments.selection.quick && arguments.of_models())
        return report(
            Error{ErrorCode::invalid_argument, "--quick is for the cases of the tests; of --shapes models choose by --case"});
    auto cases = chosen_cases(arguments);
    if (cases.empty())
        return report(Error{
            ErrorCode::invalid_argument,
            fmt::format("no case matches --op '{}' --case '{}'; 'krait test-ops --list{}' names them all",
                        arguments.selection.op, arguments.selection.cases, arguments.of_models() ? " --shapes models" : "")});
    if (arguments.sample > 1)
        if (const auto kept = keep_sample(cases, arguments.sample); !kept) return report(kept.error());
    if (arguments.list) return list_cases(cases);
    const std::string devices = !arguments.device.empty() ? arguments.device : environment::device().value_or("auto");
    if (const auto specs = parse_device_list(devices); !specs) return report(specs.error());
    const std::vector<std::string> names = split_device_list(devices);
    if (arguments.as_json() && names.size() > 1)
        return report(Error{ErrorCode::invalid_argument, "--output json is of one device; call it once for each"});
    harness::Oracle oracle;
    int exit = kExitOk;
    for (size_t i = 0; i < names.size() && exit != kExitInterrupted; ++i)
        exit = std::max(exit, test_device(names[i], arguments, cases, oracle));
    return exit;
}

}  // namespace

void add_test_ops_command(Command& program) {
    Command& command = program.command("test-ops", "Check every operator of a device against the reference");
    const auto arguments = std::make_shared<Arguments>();
    command
        .option("-d,--device", arguments->device,
                "device, or several separated by ','. Default: $KRAIT_DEVICE where set, else auto")
        .value_name("DEVICE")
        .suggest({"auto", "cpu", "reference", "vulkan0", "cuda0"});
    command.option("--op", arguments->selection.op, "operators ('*' matches anything)").show_default();
    command.option("--case", arguments->selection.cases, "cases ('*' matches anything)").show_default();
    command.option("--list", arguments->list, "name the cases and do nothing");
    command.option("--quick", arguments->selection.quick, "leave out cases that take long");
    command
        .option("--sample", arguments->sample,
                "one case of N, others with another $KRAIT_TEST_SEED; all of them with KRAIT_TEST_EFFORT=full")
        .in_range(1, 1000)
        .value_name("N");
    command.option("--perf", arguments->perf, "time the cases instead of checking them, beside the ceilings of this machine");
    command
        .option("--shapes", arguments->shapes,
                "with --perf, what is timed: the cases of the tests, most of them small and all from caches, or nodes of "
                "mamba-130m, 1.4b and 2.8b, whose weights come from memory")
        .one_of({"tests", "models"})
        .show_default();
    command.option("-o,--output", arguments->output, "how the times of --perf are written")
        .one_of({"table", "json"})
        .show_default();
    command.option("--jobs", arguments->jobs, "cases at a time (default: one a core)").in_range(1, 1024).value_name("N");
    command.option("-v,--verbose", arguments->verbose, "one line a case");
    command.footer(
        "The reference backend is the oracle for every other device; on 'reference' itself results are compared with each\n"
        "operator's formula. A case that fails is exit code 1, one that a device declines is none.\n"
        "Examples:\n"
        "  krait test-ops --device cpu\n"
        "  krait test-ops --device cpu:avx2 --op mul_mat --case 'Q4_K.*' -v\n"
        "  krait test-ops --device cpu --perf --shapes models --op mul_mat --case 'Q4_K.t1.*2.8b*'");
    command.body([arguments] { return test_ops(*arguments); });
}

}  // namespace krait::tools
