// SPDX-License-Identifier: Apache-2.0
//
// Google Benchmark over single nodes on any device: shapes of real models, or the cases of the op tests.
//   op_bench --devices=cpu:avx2,cpu:avx512 --benchmark_filter='mul_mat/Q4_K\.t1\.'
// One benchmark a case and device, "<op>/<case>/<device>", with bytes and operations a second. Weights and states come from
// memory: each case is there in copies that no cache holds together, like the layers of a model, unless --warm.
#include <benchmark/benchmark.h>

#include <map>

#include "bench/model_shapes.hpp"
#include "tests/harness/perf.hpp"

namespace krait::bench {
namespace {

constexpr const char* kHelp =
    "op_bench [--devices=LIST] [--cases=model|tests] [--warm] [--benchmark_OPTION...]\n"
    "  --devices=LIST   cpu (default), or several: cpu:avx2,cpu:avx512:threads=1\n"
    "  --cases=model    shapes of mamba-130m, 1.4b and 2.8b in every weight format (default)\n"
    "  --cases=tests    the cases of krait test-ops\n"
    "  --warm           all stays in the caches where it fits\n"
    "Examples:\n"
    "  op_bench --benchmark_list_tests\n"
    "  op_bench --devices=cpu:avx2,cpu --benchmark_filter='mul_mat/(Q8_0|Q4_K)[.]t1[.].*2[.]8b'\n"
    "  op_bench --benchmark_filter=ssm_scan --benchmark_format=json\n";

struct Arguments {
    std::string devices = "cpu", cases = "model";
    bool warm = false, help = false;
};

// Takes out of argv what is ours.
Arguments take_arguments(int& argc, char** argv) {
    Arguments arguments;
    int kept = 1;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        const auto value_of = [&](std::string_view key, std::string& value) {
            if (!word.starts_with(key)) return false;
            value = word.substr(key.size());
            return true;
        };
        if (value_of("--devices=", arguments.devices) || value_of("--cases=", arguments.cases)) continue;
        if (word == "--warm") {
            arguments.warm = true;
        } else if (word == "--help" || word == "-h") {
            arguments.help = true;
        } else {
            argv[kept++] = argv[i];
        }
    }
    argc = kept;
    return arguments;
}

// Google Benchmark calls a function several times, with more iterations each time; what it runs is made once.
struct Prepared {
    const harness::Case* of = nullptr;
    const Device* device = nullptr;
    std::optional<harness::TimedCase> timed;
};

void run(benchmark::State& state, const std::shared_ptr<const Device>& device, const harness::Case& of, uint64_t cold_bytes) {
    static Prepared prepared;
    if (prepared.of != &of || prepared.device != device.get()) {
        prepared = {};
        auto made = harness::TimedCase::create(device, of, cold_bytes);
        if (!made) return state.SkipWithError(made.error().message.c_str());
        prepared = {&of, device.get(), std::move(*made)};
    }
    harness::TimedCase& timed = *prepared.timed;
    for ([[maybe_unused]] auto iteration : state)
        if (const auto done = timed.run(1); !done) return state.SkipWithError(done.error().message.c_str());
    state.SetBytesProcessed(static_cast<int64_t>(timed.bytes() * static_cast<double>(state.iterations())));
    if (timed.flops() > 0)
        state.counters["flops"] = benchmark::Counter(timed.flops(), benchmark::Counter::kIsIterationInvariantRate);
}

std::vector<const harness::Case*> chosen_cases(const std::string& which) {
    std::vector<const harness::Case*> cases;
    const auto append = [&](const harness::CaseList& list) {
        for (const auto& of : list.all())
            if (of->legal()) cases.push_back(of.get());
    };
    if (which == "model") append(model_shapes());
    if (which == "tests")
        for (const OpSpec& spec : kOps) append(harness::cases_of(spec.id));
    return cases;
}

int bad_input(const std::string& message) {
    fmt::print(stderr, "op_bench: {}\n", message);
    return 2;
}

int main(int argc, char** argv) {
    const Arguments arguments = take_arguments(argc, argv);
    if (arguments.help) {
        fmt::print("{}", kHelp);
        return 0;
    }
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    const auto cases = chosen_cases(arguments.cases);
    if (cases.empty()) return bad_input(fmt::format("--cases={}: 'model' or 'tests'", arguments.cases));
    const auto specs = parse_device_list(arguments.devices);
    if (!specs) return bad_input(specs.error().message);
    const uint64_t cold = arguments.warm ? 0 : cold_bytes();
    for (const DeviceSpec& spec : *specs) {
        const auto device = Device::open(spec);
        if (!device) return bad_input(device.error().message);
        const std::string name = (*device)->name() + (spec.options.empty() ? "" : ":" + spec.options);
        for (const harness::Case* of : cases)
            benchmark::RegisterBenchmark(
                fmt::format("{}/{}/{}", op_name(of->op), of->name, name).c_str(),
                [device = *device, of, cold](benchmark::State& state) { run(state, device, *of, cold); })
                ->Unit(benchmark::kMicrosecond)
                ->UseRealTime();  // kernels have threads of their own
    }
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}

}  // namespace
}  // namespace krait::bench

int main(int argc, char** argv) { return krait::bench::main(argc, argv); }
