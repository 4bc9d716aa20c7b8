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

// What was written last is not written again: not after another graph, a larger arena, or other bytes.
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
