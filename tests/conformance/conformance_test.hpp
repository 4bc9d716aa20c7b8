// SPDX-License-Identifier: Apache-2.0
//
// The laws of the plugin ABI (core/abi/backend_abi.h), run on every device that the plugins found offer. The fixture opens one
// device and keeps what a test makes on it; errors are read from the plain C struct.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <numeric>

#include "core/runtime/device.hpp"
#include "tests/harness/random.hpp"
#include "tests/harness/suite.hpp"

namespace krait {

// Calls a function of the table and gives its status; the message stays in `err`.
struct PluginError : krait_error {
    PluginError() { clear(); }
    void clear() { static_cast<krait_error&>(*this) = empty_plugin_error(); }
    bool says(std::string_view part) const { return std::string_view(message).find(part) != std::string_view::npos; }
};

#define EXPECT_DONE(call) EXPECT_EQ(call, KRAIT_STATUS_OK) << err.message
// The status, in the struct too, and a sentence that says something.
#define EXPECT_REFUSED(status, call)                       \
    do {                                                   \
        err.clear();                                       \
        EXPECT_EQ(call, status) << err.message;            \
        EXPECT_EQ(err.code, static_cast<int32_t>(status)); \
        EXPECT_GT(std::strlen(err.message), 10u);          \
    } while (false)

class ConformanceTest : public testing::TestWithParam<std::string> {
  protected:
    void SetUp() override {
        // A message that a device logs as an error, a validation layer's too, is one.
        PluginRegistry::instance().set_log([](krait_log_level level, std::string_view message) {
            if (level >= KRAIT_LOG_ERROR) ADD_FAILURE() << message;
        });
        auto opened = Device::open(GetParam());
        ASSERT_TRUE(opened) << opened.error().message;
        device = *opened;
        auto made = device->create_queue();
        ASSERT_TRUE(made) << made.error().message;
        queue = std::move(*made);
    }

    const krait_backend& api() const { return device->api(); }
    Buffer buffer(uint64_t size, krait_buffer_kind kind = KRAIT_BUFFER_DEVICE) {
        auto made = device->create_buffer(kind, size);
        EXPECT_TRUE(made) << made.error().message;
        return made ? std::move(*made) : Buffer();
    }
    Event event() {
        auto made = device->create_event();
        EXPECT_TRUE(made) << made.error().message;
        return made ? std::move(*made) : Event();
    }
    static std::vector<std::byte> random_bytes(size_t size, uint64_t seed = 1) {
        harness::Random random(seed);
        std::vector<std::byte> bytes(size);
        for (std::byte& b : bytes) b = static_cast<std::byte>(random.bits());
        return bytes;
    }
    std::vector<std::byte> read(const Buffer& from, uint64_t offset, size_t size) {
        std::vector<std::byte> bytes(size, std::byte{0xcd});
        EXPECT_TRUE(queue.read(bytes, from, offset));
        EXPECT_TRUE(queue.sync());
        return bytes;
    }

    // Parameters with which a device is opened.
    static krait_open_params with_options(const char* options) { return {sizeof(krait_open_params), options, nullptr}; }

    PluginError err;
    std::shared_ptr<Device> device;
    Queue queue;
};

// A graph as the ABI has it, of one y = x * scale + bias over [rows, columns] in one buffer; declined on devices without ops.
struct ScaleGraph {
    ops::ScaleParams params;
    krait_graph_tensor tensors[2]{};
    krait_graph_node node{};
    krait_graph graph{};

    ScaleGraph(const krait_buffer* memory, uint64_t x_offset, uint64_t y_offset, int64_t rows, int64_t columns, float scale,
               float bias)
        : params{scale, bias} {
        auto* handle = const_cast<krait_buffer*>(memory);
        tensors[0] = {.desc = make_desc(DType::F32, {rows, columns}),
                      .role = KRAIT_TENSOR_VALUE,
                      .base = -1,
                      .buffer = handle,
                      .offset = x_offset,
                      .name = "x"};
        tensors[1] = {.desc = make_desc(DType::F32, {rows, columns}),
                      .role = KRAIT_TENSOR_VALUE,
                      .base = -1,
                      .buffer = handle,
                      .offset = y_offset,
                      .name = "y"};
        std::fill(std::begin(node.in), std::end(node.in), -1);
        std::fill(std::begin(node.out), std::end(node.out), -1);
        node.op = static_cast<uint32_t>(OpId::scale);
        node.in[0] = 0;
        node.out[0] = 1;
        node.params_size = sizeof params;
        node.params = &params;
        node.name = "scaled";
        graph = {.struct_size = sizeof graph, .n_tensors = 2, .tensors = tensors, .n_nodes = 1, .nodes = &node};
    }
    ScaleGraph(const ScaleGraph&) = delete;
    ScaleGraph& operator=(const ScaleGraph&) = delete;
};

// "cpu:avx2" as the name of a test.
inline std::string test_name(const testing::TestParamInfo<std::string>& info) {
    std::string name = info.param;
    std::replace_if(
        name.begin(), name.end(), [](unsigned char c) { return !std::isalnum(c); }, '_');
    return name;
}

#define KRAIT_ON_EVERY_DEVICE(Suite) \
    INSTANTIATE_TEST_SUITE_P(Every, Suite, testing::ValuesIn(harness::all_device_specs(true)), test_name)

}  // namespace krait
