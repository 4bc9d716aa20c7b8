// SPDX-License-Identifier: Apache-2.0
//
// An executor that is observed: the same results, each node once a run, on one device and on two that take turns.
#include "graph/run_observer.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "graph/builder.hpp"
#include "graph/executor.hpp"

namespace krait::graph {
namespace {

struct Recorder final : RunObserver {
    explicit Recorder(bool wants_them) : wants(wants_them) {}
    bool wants_nodes() const override { return wants; }
    void ran(const ObservedRun& run) override {
        ++n_runs;
        n_inputs = run.inputs.size();
        EXPECT_LE(run.start, run.end);
        Clock::time_point last = run.start;
        nodes.clear();
        for (const NodeTime& time : run.nodes) {
            EXPECT_LE(last, time.start) << "nodes run one after another";
            EXPECT_LT(time.start, time.end);
            last = time.end;
            nodes.push_back(time);
        }
        EXPECT_LE(last, run.end);
    }
    bool wants;
    int n_runs = 0;
    size_t n_inputs = 0;
    std::vector<NodeTime> nodes;  // of the latest run
};

constexpr size_t kNodes = 6;

// y = ((x + 1)^2 + 1)^2 ..., each node on the next device.
Result<PlacedGraph> chain_of_nodes(size_t n_device) {
    GraphBuilder b;
    TensorId x = b.input("x", make_desc(DType::F32, {4, 32}));
    std::vector<int32_t> device;
    for (size_t i = 0; i < kNodes; ++i) {
        const std::string name = "node." + std::to_string(i);
        x = i % 2 == 0 ? b.op<ops::Scale>(name, {.x = x}, {.scale = 1.0f, .bias = 1.0f}).y
                       : b.op<ops::Mul>(name, {.a = x, .b = x}).y;
        device.push_back(static_cast<int32_t>(i / 2 % n_device));
    }
    b.output(x);
    KRAIT_TRY(Graph graph, std::move(b).finish());
    return PlacedGraph(std::move(graph), std::move(device));
}

Result<std::vector<float>> run_on(const std::vector<std::string>& names, RunObserver* observer, int n_runs) {
    std::vector<std::shared_ptr<const Device>> devices;
    for (const std::string& name : names) {
        KRAIT_TRY(auto device, Device::open(name));
        devices.push_back(std::move(device));
    }
    KRAIT_TRY(Executor executor, Executor::create(std::move(devices), observer));
    KRAIT_TRY(Compiled * compiled, executor.prepare("chain", [&] { return chain_of_nodes(names.size()); }));
    std::vector<float> x(4 * 32), y(x.size());
    std::iota(x.begin(), x.end(), -50.0f);
    for (int i = 0; i < n_runs; ++i) {
        x[0] = static_cast<float>(i);
        const InputBytes input{0, std::as_bytes(std::span(x))};
        KRAIT_CHECK(executor.run(*compiled, {&input, 1}));
        KRAIT_CHECK(executor.read(*compiled, compiled->graph().nodes.back().out[0], std::as_writable_bytes(std::span(y))));
    }
    return y;
}

TEST(RunObserver, EachNodeOnceAndTheSameResults) {
    for (const std::vector<std::string>& devices :
         {std::vector<std::string>{"reference"}, {"cpu"}, {"cpu", "reference"}, {"reference", "cpu"}}) {
        const auto plain = run_on(devices, nullptr, 3);
        ASSERT_TRUE(plain) << plain.error().message;
        Recorder whole(false), by_node(true);
        const auto observed = run_on(devices, &whole, 3), split = run_on(devices, &by_node, 3);
        ASSERT_TRUE(observed) << observed.error().message;
        ASSERT_TRUE(split) << split.error().message;
        EXPECT_EQ(*observed, *plain);
        EXPECT_EQ(*split, *plain);
        EXPECT_EQ(whole.n_runs, 3);
        EXPECT_EQ(by_node.n_runs, 3);
        EXPECT_EQ(by_node.n_inputs, 1u);
        EXPECT_TRUE(whole.nodes.empty());
        ASSERT_EQ(by_node.nodes.size(), kNodes);
        for (uint32_t i = 0; i < kNodes; ++i) {
            EXPECT_EQ(by_node.nodes[i].node, i);
            EXPECT_EQ(by_node.nodes[i].device, i / 2 % devices.size());
        }
    }
}

TEST(RunObserver, ARunThatIsRefusedIsNotTold) {
    Recorder recorder(true);
    auto device = Device::open("reference");
    ASSERT_TRUE(device);
    auto executor = Executor::create(std::vector<std::shared_ptr<const Device>>{*device}, &recorder);
    ASSERT_TRUE(executor);
    auto compiled = executor->prepare("chain", [] { return chain_of_nodes(1); });
    ASSERT_TRUE(compiled) << compiled.error().message;
    EXPECT_FALSE(executor->run(**compiled, {}));
    EXPECT_EQ(recorder.n_runs, 0);
}

}  // namespace
}  // namespace krait::graph
