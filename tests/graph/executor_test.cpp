// SPDX-License-Identifier: Apache-2.0
//
// The executor on the reference device: results, the program cache, the shared arena, errors.
#include "graph/executor.hpp"

#include <gtest/gtest.h>

#include "graph/builder.hpp"

namespace krait::graph {
namespace {

class ExecutorTest : public testing::Test {
  protected:
    void SetUp() override {
        auto device = Device::open("reference");
        ASSERT_TRUE(device) << device.error().message;
        device_ = std::move(*device);
        auto executor = Executor::create(device_);
        ASSERT_TRUE(executor) << executor.error().message;
        executor_.emplace(std::move(*executor));
    }

    // y = 2 x + 1 over [1, n]
    Result<Compiled*> doubling(int64_t n) {
        return executor_->prepare("double " + std::to_string(n), [&]() -> Result<Graph> {
            ++builds_;
            GraphBuilder b;
            const TensorId x = b.input("x", make_desc(DType::F32, {1, n}));
            b.output(b.op<ops::Scale>("y", {.x = x}, {.scale = 2.0f, .bias = 1.0f}).y);
            return std::move(b).finish();
        });
    }

    std::vector<float> run(Compiled& compiled, const std::vector<float>& x) {
        std::vector<float> y(x.size());
        const InputBytes input{0, std::as_bytes(std::span(x))};
        const auto ran = executor_->run(compiled, {&input, 1});
        EXPECT_TRUE(ran) << ran.error().message;
        const auto read = executor_->read(compiled, 1, std::as_writable_bytes(std::span(y)));
        EXPECT_TRUE(read) << read.error().message;
        return y;
    }

    std::shared_ptr<Device> device_;
    std::optional<Executor> executor_;
    int builds_ = 0;
};

TEST_F(ExecutorTest, BuildsOncePerKey) {
    for (int i = 0; i < 3; ++i) {
        auto compiled = doubling(4);
        ASSERT_TRUE(compiled) << compiled.error().message;
        EXPECT_EQ(run(**compiled, {0, 1, 2, -3}), (std::vector<float>{1, 3, 5, -5}));
    }
    EXPECT_EQ(builds_, 1);
}

TEST_F(ExecutorTest, SmallerProgramsSurviveAGrowingArena) {
    ASSERT_TRUE(doubling(4));
    const uint64_t before = executor_->arena_bytes();
    auto large = doubling(5000);
    ASSERT_TRUE(large);
    EXPECT_GT(executor_->arena_bytes(), before);
    EXPECT_EQ(run(**large, std::vector<float>(5000, 1.0f)), std::vector<float>(5000, 3.0f));
    auto small = doubling(4);
    ASSERT_TRUE(small);
    EXPECT_EQ(run(**small, {1, 2, 3, 4}), (std::vector<float>{3, 5, 7, 9}));
    EXPECT_EQ(builds_, 2) << "a larger arena rebinds programs, it does not build their graphs again";
}

// Large buffers take whole pages; what was not asked for cannot be used, though the device has it.
TEST_F(ExecutorTest, AnArenaIsNotLargerThanItWasMade) {
    constexpr int64_t kLarge = 1 << 20;
    ASSERT_TRUE(doubling(kLarge + 1000));
    const auto larger = doubling(kLarge + 2000);
    ASSERT_TRUE(larger) << larger.error().message;
    EXPECT_EQ(run(**larger, std::vector<float>(kLarge + 2000, 1.0f)).back(), 3.0f);
}

TEST_F(ExecutorTest, KeepsTheLatestPrograms) {
    const auto n = static_cast<int64_t>(Executor::kMaxPrograms);
    for (int64_t i = 1; i <= n + 1; ++i) ASSERT_TRUE(doubling(i));
    EXPECT_EQ(builds_, n + 1);
    ASSERT_TRUE(doubling(n + 1));
    EXPECT_EQ(builds_, n + 1);
    ASSERT_TRUE(doubling(1));  // the oldest had to go
    EXPECT_EQ(builds_, n + 2);
}

// A run that is smaller than its program's graph computes its own rows, and leaves the others as they were.
TEST_F(ExecutorTest, ComputesTheRowsOfARun) {
    const auto compiled = executor_->prepare("rows", [&]() -> Result<Graph> {
        GraphBuilder b;
        const auto rows = b.dim(4);
        const TensorId x = b.input("x", make_desc(DType::F32, {4, 2}), rows);
        b.output(b.op<ops::Scale>("y", {.x = b.columns("half", x, 1, 1)}, {.scale = 2.0f, .bias = 1.0f}).y);
        return std::move(b).finish();
    });
    ASSERT_TRUE(compiled) << compiled.error().message;
    const TensorId y = (*compiled)->graph().nodes.back().out[0];
    EXPECT_EQ((*compiled)->graph()[y].dim, 1u) << "through the view";
    const auto run = [&](const std::vector<float>& x, std::vector<int64_t> sizes) {
        const InputBytes input{0, std::as_bytes(std::span(x))};
        const auto ran = executor_->run(**compiled, {&input, 1}, {}, sizes);
        EXPECT_TRUE(ran) << ran.error().message;
        std::vector<float> result(4);
        EXPECT_TRUE(executor_->read(**compiled, y, std::as_writable_bytes(std::span(result))));
        return result;
    };
    const std::vector<float> first{0, 1, 0, 2, 0, 3, 0, 4}, second{0, 10, 0, 20, 0, 30, 0, 40};
    EXPECT_EQ(run(first, {4}), (std::vector<float>{3, 5, 7, 9}));
    EXPECT_EQ(run(second, {2}), (std::vector<float>{21, 41, 7, 9}));
    EXPECT_EQ(run(second, {0}), (std::vector<float>{21, 41, 7, 9}));
    EXPECT_EQ(run(second, {3}), (std::vector<float>{21, 41, 61, 9}));
    EXPECT_EQ(run(first, {}), (std::vector<float>{3, 5, 7, 9})) << "no sizes: all rows";
    const InputBytes input{0, std::as_bytes(std::span(first))};
    for (const std::vector<int64_t>& wrong : {std::vector<int64_t>{5}, {-1}, {1, 1}}) {
        const auto refused = executor_->run(**compiled, {&input, 1}, {}, wrong);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
        EXPECT_NE(refused.error().message.find("dynamic dimension"), std::string::npos) << refused.error().message;
    }
}

TEST_F(ExecutorTest, OutputsAreReadFromARowOn) {
    auto compiled = executor_->prepare("rows", []() -> Result<Graph> {
        GraphBuilder b;
        const TensorId x = b.input("x", make_desc(DType::F32, {3, 2}));
        b.output(b.op<ops::Scale>("y", {.x = x}, {.scale = 2.0f, .bias = 0.0f}).y);
        return std::move(b).finish();
    });
    ASSERT_TRUE(compiled) << compiled.error().message;
    const std::vector<float> x{1, 2, 3, 4, 5, 6};
    const InputBytes input{0, std::as_bytes(std::span(x))};
    ASSERT_TRUE(executor_->run(**compiled, {&input, 1}));
    std::vector<float> y(4);
    const OutputBytes last_two{1, std::as_writable_bytes(std::span(y)), 8};
    ASSERT_TRUE(executor_->read(**compiled, {&last_two, 1}));
    EXPECT_EQ(y, (std::vector<float>{6, 8, 10, 12}));
    for (const uint64_t wrong : {uint64_t{4}, uint64_t{16}, uint64_t{400}, UINT64_MAX}) {
        const OutputBytes beyond{1, std::as_writable_bytes(std::span(y)), wrong};
        EXPECT_FALSE(executor_->read(**compiled, {&beyond, 1})) << wrong;
    }
}

// Room for the largest graph first: no other one makes the arena grow, so no program is bound twice.
TEST_F(ExecutorTest, AReservedArenaStays) {
    GraphBuilder b;
    b.output(b.op<ops::Scale>("y", {.x = b.input("x", make_desc(DType::F32, {1, 5000}))}, {.scale = 2.0f, .bias = 1.0f}).y);
    auto largest = std::move(b).finish();
    ASSERT_TRUE(largest) << largest.error().message;
    ASSERT_TRUE(executor_->reserve(std::move(*largest)));
    const uint64_t bytes = executor_->arena_bytes();
    EXPECT_GT(bytes, 0u);
    for (const int64_t n : {4, 500, 5000, 4}) ASSERT_TRUE(doubling(n));
    EXPECT_EQ(executor_->arena_bytes(), bytes);
    EXPECT_EQ(executor_->counts().n_arenas, 1u);
    EXPECT_EQ(executor_->counts().n_bound_again, 0u);
    EXPECT_EQ(executor_->counts().n_compiled, 3u);
    ASSERT_TRUE(doubling(50000));
    ASSERT_TRUE(doubling(4));
    EXPECT_EQ(executor_->counts().n_arenas, 2u);
    EXPECT_EQ(executor_->counts().n_bound_again, 1u);
}

TEST_F(ExecutorTest, RefusesWrongInputs) {
    auto compiled = doubling(4);
    ASSERT_TRUE(compiled);
    const std::vector<float> x(3);
    const InputBytes input{0, std::as_bytes(std::span(x))};
    const auto wrong_size = executor_->run(**compiled, {&input, 1});
    ASSERT_FALSE(wrong_size);
    EXPECT_NE(wrong_size.error().message.find("input 'x' is F32 [1, 4], 16 bytes; 12 were given"), std::string::npos)
        << wrong_size.error().message;
    EXPECT_FALSE(executor_->run(**compiled, {}));
    const InputBytes output{1, std::as_bytes(std::span(x))};
    EXPECT_FALSE(executor_->run(**compiled, {&output, 1}));
}

// Bytes that were written last are not written again: not after another graph, a larger arena, or other bytes.
TEST_F(ExecutorTest, InputsAreWhatWasGivenLast) {
    const std::vector<float> a{1, 2, 3, 4}, b{5, 6, 7, 8}, of_a{3, 5, 7, 9}, of_b{11, 13, 15, 17};
    auto small = doubling(4);
    ASSERT_TRUE(small);
    for (const auto& [x, y] : {std::pair(a, of_a), {a, of_a}, {b, of_b}, {b, of_b}, {a, of_a}}) EXPECT_EQ(run(**small, x), y);
    for (const int64_t n : {2, 1000}) {
        auto other = doubling(n);
        ASSERT_TRUE(other);
        run(**other, std::vector<float>(static_cast<size_t>(n), 7.0f));
        small = doubling(4);
        ASSERT_TRUE(small);
        EXPECT_EQ(run(**small, a), of_a);
    }
}

// y = 2 x + 1, and that again of y, and again, without the host.
TEST_F(ExecutorTest, ARunGoesOnFromWhatTheOneBeforeLeft) {
    auto compiled = doubling(2);
    ASSERT_TRUE(compiled);
    auto buffer = device_->create_buffer(KRAIT_BUFFER_DEVICE, 64);
    ASSERT_TRUE(buffer);
    const std::vector<float> x{1, -3};
    const InputBytes input{0, std::as_bytes(std::span(x))};
    ASSERT_TRUE(executor_->run(**compiled, {&input, 1}));
    for (int i = 0; i < 4; ++i) {
        ASSERT_TRUE(executor_->copy_output(**compiled, {1, &*buffer, 16}));
        const DeviceBytes previous{0, &*buffer, 16};
        const auto ran = executor_->run(**compiled, {}, {&previous, 1});
        ASSERT_TRUE(ran) << ran.error().message;
    }
    std::vector<float> y(2);
    ASSERT_TRUE(executor_->read(**compiled, 1, std::as_writable_bytes(std::span(y))));
    EXPECT_EQ(y, (std::vector<float>{63, -65}));
    EXPECT_EQ(run(**compiled, x), (std::vector<float>{3, -5})) << "the host's input is written again";
    const DeviceBytes twice[] = {{0, &*buffer, 0}, {0, &*buffer, 0}}, output{1, &*buffer, 0};
    EXPECT_FALSE(executor_->run(**compiled, {}, twice));
    EXPECT_FALSE(executor_->run(**compiled, {}, {&output, 1}));
    EXPECT_FALSE(executor_->run(**compiled, {&input, 1}, {twice, 1}));
    EXPECT_FALSE(executor_->copy_output(**compiled, {0, &*buffer, 0})) << "an input is no output";
}

TEST_F(ExecutorTest, ChecksIndicesBeforeTheRun) {
    auto compiled = executor_->prepare("rows", [&]() -> Result<Graph> {
        GraphBuilder b;
        const TensorId table = b.input("table", make_desc(DType::F32, {3, 2}));
        const TensorId ids = b.input("ids", make_desc(DType::I32, {2}));
        b.output(b.op<ops::GetRows>("y", {.table = table, .ids = ids}).y);
        return std::move(b).finish();
    });
    ASSERT_TRUE(compiled) << compiled.error().message;
    const std::vector<float> table{0, 1, 2, 3, 4, 5};
    const std::vector<int32_t> ids{2, 3};
    const InputBytes inputs[] = {{0, std::as_bytes(std::span(table))}, {1, std::as_bytes(std::span(ids))}};
    const auto ran = executor_->run(**compiled, inputs);
    ASSERT_FALSE(ran);
    EXPECT_NE(ran.error().message.find("ids[1] = 3: the table has rows 0 to 2"), std::string::npos) << ran.error().message;
}

TEST_F(ExecutorTest, ADecliningDeviceNamesTheNode) {
    auto null = Device::open("null0");
    ASSERT_TRUE(null) << null.error().message;
    auto executor = Executor::create(*null);
    ASSERT_TRUE(executor) << executor.error().message;
    const auto compiled = executor->prepare("x", []() -> Result<Graph> {
        GraphBuilder b;
        b.output(b.op<ops::Scale>("twice", {.x = b.input("x", make_desc(DType::F32, {1, 4}))}).y);
        return std::move(b).finish();
    });
    ASSERT_FALSE(compiled);
    EXPECT_EQ(compiled.error().code, ErrorCode::unsupported);
    EXPECT_NE(compiled.error().message.find("node 0 'twice' (scale)"), std::string::npos) << compiled.error().message;
}

}  // namespace
}  // namespace krait::graph
