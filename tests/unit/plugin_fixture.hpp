// SPDX-License-Identifier: Apache-2.0
//
// A plugin loaded by its path and driven through its C table alone, without the runtime: for tests of plugins as such.
#pragma once

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "core/ops/op_hash.hpp"
#include "tests/main/paths.hpp"

namespace krait::unit {

inline constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
inline constexpr float kInf = std::numeric_limits<float>::infinity();

// Loaded once for a test program.
inline const krait_backend* load(const char* path, uint32_t abi_version = KRAIT_ABI_VERSION) {
    void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        ADD_FAILURE() << dlerror();
        return nullptr;
    }
    static const krait_host host{sizeof(krait_host), KRAIT_ABI_VERSION, nullptr, [](void*, int32_t, const char*) {}};
    const auto query = reinterpret_cast<krait_plugin_query_fn>(dlsym(library, KRAIT_PLUGIN_QUERY_NAME));
    return query ? query(abi_version, &host) : nullptr;
}

// Slots for one use, which outlives the description.
inline krait_memory_desc slots_for(const krait_use& use, int64_t n_slots, std::array<int64_t, 3> extent) {
    return {.struct_size = sizeof(krait_memory_desc),
            .layout = KRAIT_MEMORY_SLOTS,
            .dtype = static_cast<uint32_t>(DType::F32),
            .rank = use.op == static_cast<uint32_t>(OpId::ssm_conv) ? 2u : 3u,
            .n_units = n_slots,
            .rows_per_unit = 1,
            .extent = {extent[0], extent[1], extent[2]},
            .uses = &use,
            .n_uses = 1};
}

// The parameters with which a device is opened.
inline krait_open_params with_options(const char* options, const krait_host_executor* executor = nullptr) {
    return {sizeof(krait_open_params), options, executor};
}

struct Failure : krait_error {
    Failure() : krait_error{sizeof(krait_error), 0, {}} {}
    bool says(std::string_view part) const { return std::string_view(message).find(part) != std::string_view::npos; }
};

#define EXPECT_OK(call) EXPECT_EQ(call, KRAIT_STATUS_OK) << err.message
#define EXPECT_FAILS(status, part, call)                                                   \
    do {                                                                                   \
        err = {};                                                                          \
        EXPECT_EQ(call, status) << err.message;                                            \
        EXPECT_EQ(err.code, status);                                                       \
        EXPECT_TRUE(err.says(part)) << "'" << err.message << "' lacks '" << (part) << "'"; \
    } while (false)

class PluginTest : public ::testing::TestWithParam<const char*> {
  protected:
    void SetUp() override {
        api = load(path());
        ASSERT_NE(api, nullptr);
        ASSERT_EQ(api->device_open(0, nullptr, &device, &err), KRAIT_STATUS_OK) << err.message;
        ASSERT_EQ(api->queue_create(device, &queue, &err), KRAIT_STATUS_OK) << err.message;
    }
    void TearDown() override {
        for (krait_program* program : programs) api->program_destroy(program);
        if (queue) api->queue_destroy(queue);
        for (krait_event* event : events) api->event_destroy(event);
        for (krait_buffer* buffer : buffers) api->buffer_destroy(buffer);
        if (device) api->device_close(device);
    }
    virtual const char* path() const { return GetParam(); }

    krait_buffer* keep(krait_buffer* buffer) {
        buffers.push_back(buffer);
        return buffer;
    }
    krait_buffer* make_buffer(uint64_t size) {
        krait_buffer* buffer = nullptr;
        EXPECT_OK(api->buffer_create(device, KRAIT_BUFFER_DEVICE, size, &buffer, &err));
        return keep(buffer);
    }
    krait_buffer* make_state(OpId op, int64_t n_slots, std::array<int64_t, 3> extent) {
        const krait_use use{static_cast<uint32_t>(op), static_cast<uint32_t>(find_state(op_spec(op).inputs))};
        const krait_memory_desc desc = slots_for(use, n_slots, extent);
        krait_buffer* buffer = nullptr;
        EXPECT_OK(api->memory_create(device, &desc, &buffer, &err));
        return keep(buffer);
    }
    // Pages whose tensor in a graph is desc: [pages, rows, columns].
    krait_buffer* make_pages(OpId op, const TensorDesc& desc) {
        const krait_use use{static_cast<uint32_t>(op), static_cast<uint32_t>(find_memory(op_spec(op).inputs))};
        const krait_memory_desc pages{.struct_size = sizeof pages,
                                      .layout = KRAIT_MEMORY_PAGES,
                                      .dtype = desc.dtype,
                                      .rank = 1,
                                      .n_units = desc.extent[0],
                                      .rows_per_unit = desc.extent[1],
                                      .extent = {desc.extent[2], 1, 1},
                                      .uses = &use,
                                      .n_uses = 1};
        krait_buffer* buffer = nullptr;
        EXPECT_OK(api->memory_create(device, &pages, &buffer, &err));
        return keep(buffer);
    }
    krait_event* make_event() {
        krait_event* event = nullptr;
        EXPECT_OK(api->event_create(device, &event, &err));
        events.push_back(event);
        return event;
    }
    void set_slot(krait_buffer* state, int64_t slot, const std::vector<float>& values) {
        EXPECT_OK(api->queue_memory_import(queue, state, slot, values.data(), values.size() * 4, &err));
    }
    std::vector<float> slot(krait_buffer* state, int64_t index, size_t count) {
        std::vector<float> values(count);
        EXPECT_OK(api->queue_memory_export(queue, state, index, values.data(), count * 4, &err));
        EXPECT_OK(api->queue_sync(queue, &err));
        return values;
    }

    const krait_backend* api = nullptr;
    krait_device* device = nullptr;
    krait_queue* queue = nullptr;
    Failure err;
    std::vector<krait_buffer*> buffers;
    std::vector<krait_event*> events;
    std::vector<krait_program*> programs;
};

class Reference : public PluginTest {
  protected:
    const char* path() const override { return test::kReferencePlugin; }

    // A graph of one node, grown operand by operand.
    struct Node {
        std::vector<krait_graph_tensor> tensors;
        krait_graph_node node{};
        krait_graph graph{};
    };
    Node make_node(OpId op, const void* params = nullptr) {
        Node made;
        made.node.op = static_cast<uint32_t>(op);
        std::fill(std::begin(made.node.in), std::end(made.node.in), -1);
        std::fill(std::begin(made.node.out), std::end(made.node.out), -1);
        made.node.params = params;
        made.node.params_size = op_spec(op).params_size;
        made.node.name = "tested";
        return made;
    }
    static int32_t operand(std::span<const OperandSpec> operands, std::string_view name) {
        const int found = find_operand(operands, name);
        if (found < 0) ADD_FAILURE() << "no operand " << name;
        return std::max(found, 0);
    }
    void add_input(Node& n, std::string_view name, const krait_graph_tensor& tensor) {
        n.node.in[operand(find_op(n.node.op)->inputs, name)] = static_cast<int32_t>(n.tensors.size());
        n.tensors.push_back(tensor);
    }
    template <class T>
    void value(Node& n, std::string_view name, std::initializer_list<int64_t> extents, const std::vector<T>& elements) {
        krait_buffer* buffer = make_buffer(elements.size() * sizeof(T));
        EXPECT_OK(api->queue_write(queue, buffer, 0, elements.data(), elements.size() * sizeof(T), &err));
        const DType dtype = std::is_same_v<T, float> ? DType::F32 : DType::I32;
        add_input(n, name, {make_desc(dtype, extents), KRAIT_TENSOR_VALUE, -1, buffer, 0, "value"});
    }
    void constant(Node& n, std::string_view name, DType dtype, std::initializer_list<int64_t> extents, const void* bytes,
                  uint32_t flags = 0) {
        const TensorDesc desc = make_desc(dtype, extents);
        krait_buffer* buffer = nullptr;
        EXPECT_OK(api->constant_upload(device, &desc, nullptr, 0, bytes, static_cast<uint64_t>(span_bytes(desc)), flags,
                                       &buffer, &err));
        add_input(n, name, {desc, KRAIT_TENSOR_CONSTANT, -1, keep(buffer), 0, "constant"});
    }
    void constant(Node& n, std::string_view name, std::initializer_list<int64_t> extents, const std::vector<float>& elements) {
        constant(n, name, DType::F32, extents, elements.data());
    }
    void state(Node& n, std::initializer_list<int64_t> extents, krait_buffer* pool) {
        add_input(n, "state", {make_desc(DType::F32, extents), KRAIT_TENSOR_MEMORY, -1, pool, 0, "state"});
    }
    // The node's shapes decide its outputs, which are poisoned beforehand.
    std::vector<krait_buffer*> add_outputs(Node& n) {
        std::array<const TensorDesc*, KRAIT_MAX_INPUTS> in{};
        std::array<TensorDesc, KRAIT_MAX_OUTPUTS> out{};
        const OpSpec& spec = *find_op(n.node.op);
        for (size_t i = 0; i < spec.inputs.size(); ++i)
            in[i] = n.node.in[i] < 0 ? nullptr : &n.tensors[static_cast<size_t>(n.node.in[i])].desc;
        const Result<void> inferred = spec.infer(in, n.node.params, out);
        EXPECT_TRUE(inferred) << inferred.error().message;
        std::vector<krait_buffer*> made;
        for (size_t i = 0; i < spec.outputs.size(); ++i) {
            const auto size = static_cast<uint64_t>(span_bytes(out[i]));
            const std::vector<std::byte> poison(size, std::byte{0xff});
            krait_buffer* buffer = made.emplace_back(make_buffer(size));
            EXPECT_OK(api->queue_write(queue, buffer, 0, poison.data(), size, &err));
            n.node.out[i] = static_cast<int32_t>(n.tensors.size());
            n.tensors.push_back({out[i], KRAIT_TENSOR_VALUE, -1, buffer, 0, "output"});
        }
        return made;
    }
    krait_program* make_program(Node& n) {
        n.graph = {sizeof(krait_graph), static_cast<uint32_t>(n.tensors.size()), n.tensors.data(), 1, &n.node};
        krait_program* program = nullptr;
        EXPECT_OK(api->supports(device, &n.graph, 0, &err));
        EXPECT_OK(api->program_create(device, &n.graph, &program, &err));
        programs.push_back(program);
        return program;
    }
    template <class T = float>
    std::vector<T> read(krait_buffer* buffer, size_t count) {
        std::vector<T> elements(count);
        EXPECT_OK(api->queue_read(queue, elements.data(), buffer, 0, count * sizeof(T), &err));
        EXPECT_OK(api->queue_sync(queue, &err));
        return elements;
    }
    // All elements of the only output.
    std::vector<float> run(Node& n) {
        krait_buffer* y = add_outputs(n)[0];
        EXPECT_OK(api->queue_run(queue, make_program(n), nullptr, 0, &err));
        return read(y, static_cast<size_t>(element_count(n.tensors.back().desc)));
    }
    static void expect_near(const std::vector<float>& got, const std::vector<double>& wanted) {
        ASSERT_EQ(got.size(), wanted.size());
        for (size_t i = 0; i < got.size(); ++i) {
            if (std::isnan(wanted[i])) EXPECT_TRUE(std::isnan(got[i])) << i;
            else EXPECT_FLOAT_EQ(got[i], static_cast<float>(wanted[i])) << i;
        }
    }
};

}  // namespace krait::unit
