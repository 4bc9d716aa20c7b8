// SPDX-License-Identifier: Apache-2.0
//
// A plugin as its host sees it: errors as plain data, handles and ranges that are wrong, memory, state, events, queues.
// The reference stands for every plugin in C++ (backends/common), the null plugin for those in C.
#include <thread>

#include "tests/main/paths.hpp"
#include "tests/unit/plugin_fixture.hpp"

namespace krait::unit {
namespace {

// ---- every plugin ---------------------------------------------------------------------------------------------------

using EveryPlugin = PluginTest;
INSTANTIATE_TEST_SUITE_P(Plugins, EveryPlugin, ::testing::Values(test::kReferencePlugin, test::kNullPlugin),
                         [](const auto& param) { return std::string(param.index == 0 ? "reference" : "null"); });

TEST_P(EveryPlugin, table_says_what_it_was_built_with) {
    EXPECT_EQ(api->struct_size, sizeof(krait_backend));
    EXPECT_EQ(api->abi_version, KRAIT_ABI_VERSION);
    EXPECT_EQ(api->formats_hash, formats_hash());
    EXPECT_EQ(api->n_ops, kOpCount);
    EXPECT_STREQ(api->family, std::string(GetParam()).find("null") != std::string::npos ? "null" : "reference");
    EXPECT_STREQ(api->variant, "");
    EXPECT_GT(api->score(&err), 0u);
    EXPECT_EQ(load(GetParam(), (KRAIT_ABI_MAJOR + 1) << 16), nullptr);
}

TEST_P(EveryPlugin, device_is_never_chosen_by_auto) {
    ASSERT_EQ(api->device_count(), 1u);
    krait_device_info info{};
    info.struct_size = sizeof info;
    EXPECT_OK(api->device_info(0, &info, &err));
    EXPECT_EQ(info.struct_size, sizeof info);
    EXPECT_STREQ(info.name, api->family);
    EXPECT_EQ(info.auto_rank, 0u);
    EXPECT_GT(info.memory_total, 0u);
    EXPECT_FAILS(KRAIT_STATUS_NOT_FOUND, "no device 1", api->device_info(1, &info, &err));
    info.struct_size = 8;
    EXPECT_FAILS(KRAIT_STATUS_INVALID_ARGUMENT, "struct_size", api->device_info(0, &info, &err));
    EXPECT_FAILS(KRAIT_STATUS_INVALID_ARGUMENT, "NULL", api->device_info(0, nullptr, &err));
}

TEST_P(EveryPlugin, unknown_options_and_devices_are_errors) {
    krait_device* other = reinterpret_cast<krait_device*>(1);
    const krait_open_params threads = with_options("threads=2");
    EXPECT_FAILS(KRAIT_STATUS_INVALID_ARGUMENT, "unknown option 'thread", api->device_open(0, &threads, &other, &err));
    EXPECT_EQ(other, nullptr);
    EXPECT_TRUE(err.says("no options")) << err.message;
    EXPECT_FAILS(KRAIT_STATUS_NOT_FOUND, "no device 7", api->device_open(7, nullptr, &other, &err));
    EXPECT_FAILS(KRAIT_STATUS_INVALID_ARGUMENT, "out", api->device_open(0, nullptr, nullptr, &err));
    EXPECT_EQ(api->device_open(0, nullptr, nullptr, nullptr), KRAIT_STATUS_INVALID_ARGUMENT);  // err may be NULL
}

TEST_P(EveryPlugin, null_handles_are_errors) {
    const auto bad = KRAIT_STATUS_INVALID_ARGUMENT;
    krait_buffer* buffer = nullptr;
    krait_event* event = nullptr;
    krait_queue* other = nullptr;
    krait_program* program = nullptr;
    void* bytes = nullptr;
    const krait_graph graph{sizeof graph, 0, nullptr, 0, nullptr};
    EXPECT_FAILS(bad, "device", api->buffer_create(nullptr, KRAIT_BUFFER_DEVICE, 4, &buffer, &err));
    EXPECT_FAILS(bad, "out", api->buffer_create(device, KRAIT_BUFFER_DEVICE, 4, nullptr, &err));
    EXPECT_FAILS(bad, "kind", api->buffer_create(device, 77, 4, &buffer, &err));
    EXPECT_FAILS(bad, "bytes", api->buffer_import_host(device, nullptr, 4, &buffer, &err));
    EXPECT_FAILS(bad, "buffer", api->buffer_map(nullptr, &bytes, &err));
    EXPECT_FAILS(bad, "desc", api->memory_create(device, nullptr, &buffer, &err));
    EXPECT_FAILS(bad, "desc", api->constant_upload(device, nullptr, nullptr, 0, nullptr, 0, 0, &buffer, &err));
    EXPECT_FAILS(bad, "graph", api->supports(device, nullptr, 0, &err));
    EXPECT_FAILS(bad, "device", api->program_create(nullptr, &graph, &program, &err));
    EXPECT_FAILS(bad, "device", api->queue_create(nullptr, &other, &err));
    EXPECT_FAILS(bad, "queue", api->queue_sync(nullptr, &err));
    EXPECT_FAILS(bad, "program", api->queue_run(queue, nullptr, nullptr, 0, &err));
    EXPECT_FAILS(bad, "NULL", api->queue_write(queue, nullptr, 0, &bytes, 4, &err));
    EXPECT_FAILS(bad, "out", api->event_create(device, nullptr, &err));
    EXPECT_FAILS(bad, "event", api->queue_signal(queue, nullptr, 1, &err));
    EXPECT_FAILS(bad, "event", api->queue_wait(queue, event, 1, &err));
    EXPECT_FAILS(bad, "event", api->event_wait(nullptr, 1, 0, &err));
    EXPECT_EQ(api->event_value(nullptr), 0u);
    EXPECT_EQ(api->buffer_size(nullptr), 0u);
    api->buffer_destroy(nullptr);
    api->event_destroy(nullptr);
    api->queue_destroy(nullptr);
    api->program_destroy(nullptr);
    api->device_close(nullptr);
}

TEST_P(EveryPlugin, copies_stay_inside_buffers) {
    krait_buffer *a = make_buffer(16), *b = make_buffer(16);
    const std::array<int32_t, 4> sent{1, 2, 3, 4};
    std::array<int32_t, 4> got{};
    EXPECT_OK(api->queue_write(queue, a, 0, sent.data(), 16, &err));
    EXPECT_OK(api->queue_copy(queue, b, 8, a, 0, 8, &err));
    EXPECT_OK(api->queue_copy(queue, b, 0, b, 8, 8, &err));
    EXPECT_OK(api->queue_read(queue, got.data(), b, 0, 16, &err));
    EXPECT_OK(api->queue_sync(queue, &err));
    EXPECT_EQ(got, (std::array<int32_t, 4>{1, 2, 1, 2}));

    const auto bad = KRAIT_STATUS_INVALID_ARGUMENT;
    constexpr uint64_t kHuge = std::numeric_limits<uint64_t>::max();
    EXPECT_FAILS(bad, "17 bytes", api->queue_write(queue, a, 0, sent.data(), 17, &err));
    EXPECT_FAILS(bad, "not inside", api->queue_read(queue, got.data(), a, 12, 5, &err));
    EXPECT_FAILS(bad, "not inside", api->queue_read(queue, got.data(), a, kHuge - 3, 8, &err));  // the sum wraps to 4
    EXPECT_FAILS(bad, "not inside", api->queue_copy(queue, a, 4, b, 4, kHuge, &err));
    EXPECT_FAILS(bad, "overlap", api->queue_copy(queue, a, 4, a, 0, 8, &err));
    EXPECT_OK(api->queue_copy(queue, a, 16, b, 16, 0, &err));
    EXPECT_OK(api->queue_sync(queue, &err)) << "a refused call is no failed work";

    krait_device* other_device = nullptr;
    krait_queue* other_queue = nullptr;
    ASSERT_EQ(api->device_open(0, nullptr, &other_device, &err), KRAIT_STATUS_OK);
    ASSERT_EQ(api->queue_create(other_device, &other_queue, &err), KRAIT_STATUS_OK);
    EXPECT_FAILS(bad, "another device", api->queue_write(other_queue, a, 0, sent.data(), 16, &err));
    api->queue_destroy(other_queue);
    api->device_close(other_device);
}

TEST_P(EveryPlugin, buffers_of_every_kind_are_memory) {
    krait_buffer *pinned = nullptr, *imported = nullptr;
    EXPECT_OK(api->buffer_create(device, KRAIT_BUFFER_PINNED, 100, &pinned, &err));
    keep(pinned);
    EXPECT_GE(api->buffer_size(pinned), 100u);
    void* mapped = nullptr;
    EXPECT_OK(api->buffer_map(pinned, &mapped, &err));
    ASSERT_NE(mapped, nullptr);
    std::memset(mapped, 0x5a, 100);

    std::array<unsigned char, 100> ours{};
    EXPECT_OK(api->buffer_import_host(device, ours.data(), ours.size(), &imported, &err));
    keep(imported);
    EXPECT_EQ(api->buffer_size(imported), 0u) << "takes nothing of the device";
    EXPECT_OK(api->queue_copy(queue, imported, 0, pinned, 0, 100, &err));
    EXPECT_OK(api->queue_sync(queue, &err));
    EXPECT_EQ(ours[0], 0x5a);
    EXPECT_EQ(ours[99], 0x5a);

    krait_buffer* empty = make_buffer(0);
    EXPECT_OK(api->buffer_map(empty, &mapped, &err));
}

TEST_P(EveryPlugin, impossible_sizes_are_out_of_memory) {
    krait_buffer* buffer = nullptr;
    for (const uint64_t size :
         {uint64_t{1} << 60, std::numeric_limits<uint64_t>::max(), std::numeric_limits<uint64_t>::max() - 62})
        EXPECT_FAILS(KRAIT_STATUS_OUT_OF_MEMORY, std::to_string(size),
                     api->buffer_create(device, KRAIT_BUFFER_DEVICE, size, &buffer, &err));
    EXPECT_EQ(buffer, nullptr);
    const krait_use use{static_cast<uint32_t>(OpId::ssm_scan), static_cast<uint32_t>(find_state(ops::SsmScan::kIn))};
    krait_memory_desc desc = slots_for(use, int64_t{1} << 35, {1 << 10, 1 << 4, 1 << 3});
    EXPECT_FAILS(KRAIT_STATUS_OUT_OF_MEMORY, "asked for", api->memory_create(device, &desc, &buffer, &err));
    desc.n_units = int64_t{1} << 62;
    EXPECT_FAILS(KRAIT_STATUS_INVALID_ARGUMENT, "addressed", api->memory_create(device, &desc, &buffer, &err));
}

TEST_P(EveryPlugin, constants_are_checked) {
    const TensorDesc desc = make_desc(DType::Q8_0, {2, 32});
    const std::array<std::byte, 68> bytes{};
    krait_buffer* buffer = nullptr;
    const krait_use use{static_cast<uint32_t>(OpId::mul_mat), 1};
    EXPECT_OK(api->constant_upload(device, &desc, &use, 1, bytes.data(), bytes.size(), 0, &buffer, &err));
    keep(buffer);
    EXPECT_GE(api->buffer_size(buffer), 68u);
    void* mapped = nullptr;
    EXPECT_FAILS(KRAIT_STATUS_UNSUPPORTED, "", api->buffer_map(buffer, &mapped, &err));
    int32_t word = 0;
    EXPECT_FAILS(KRAIT_STATUS_INVALID_ARGUMENT, "no meaning", api->queue_read(queue, &word, buffer, 0, 4, &err));
    EXPECT_FAILS(KRAIT_STATUS_INVALID_ARGUMENT, "68 bytes, not 67",
                 api->constant_upload(device, &desc, &use, 1, bytes.data(), 67, 0, &buffer, &err));
    EXPECT_EQ(buffer, nullptr);
    TensorDesc broken = desc;
    broken.extent[1] = 33;
    EXPECT_FAILS(KRAIT_STATUS_INVALID_ARGUMENT, "",
                 api->constant_upload(device, &broken, &use, 1, bytes.data(), 68, 0, &buffer, &err));
    broken = desc;
    broken.dtype = 9999;
    EXPECT_FAILS(KRAIT_STATUS_INVALID_ARGUMENT, "",
                 api->constant_upload(device, &broken, &use, 1, bytes.data(), 68, 0, &buffer, &err));
}

TEST_P(EveryPlugin, state_moves_bit_for_bit) {
    krait_buffer* state = make_state(OpId::ssm_scan, 3, {2, 3, 5});
    std::vector<float> values(30);
    for (size_t i = 0; i < values.size(); ++i) {
        const uint32_t bits = 0x7fa00000u + static_cast<uint32_t>(i) * 0x01234567u;  // signalling NaNs, denormals, all signs
        std::memcpy(&values[i], &bits, 4);
    }
    set_slot(state, 2, values);
    EXPECT_OK(api->queue_memory_copy(queue, state, 2, 0, &err));
    EXPECT_OK(api->queue_memory_copy(queue, state, 2, 2, &err));
    std::vector<std::byte> unaligned(30 * 4 + 1);
    EXPECT_OK(api->queue_memory_export(queue, state, 0, unaligned.data() + 1, 120, &err));
    EXPECT_OK(api->queue_memory_import(queue, state, 1, unaligned.data() + 1, 120, &err));
    EXPECT_OK(api->queue_sync(queue, &err));
    EXPECT_EQ(std::memcmp(unaligned.data() + 1, values.data(), 120), 0);
    for (int64_t s = 0; s < 3; ++s) {
        const std::vector<float> got = slot(state, s, 30);
        EXPECT_EQ(std::memcmp(got.data(), values.data(), 120), 0) << "slot " << s;
    }

    const auto bad = KRAIT_STATUS_INVALID_ARGUMENT;
    EXPECT_FAILS(bad, "unit 3", api->queue_memory_export(queue, state, 3, values.data(), 120, &err));
    EXPECT_FAILS(bad, "unit -1", api->queue_memory_import(queue, state, -1, values.data(), 120, &err));
    EXPECT_FAILS(bad, "120 bytes", api->queue_memory_export(queue, state, 0, values.data(), 116, &err));
    EXPECT_FAILS(bad, "unit", api->queue_memory_copy(queue, state, 0, 3, &err));
    EXPECT_FAILS(bad, "no memory", api->queue_memory_export(queue, make_buffer(120), 0, values.data(), 120, &err));
    krait_use use{static_cast<uint32_t>(OpId::add), 0};
    krait_buffer* none = nullptr;
    krait_memory_desc desc = slots_for(use, 1, {1, 1, 1});
    EXPECT_FAILS(bad, "slots", api->memory_create(device, &desc, &none, &err));
    use = {static_cast<uint32_t>(OpId::ssm_scan), static_cast<uint32_t>(find_state(ops::SsmScan::kIn))};
    desc = slots_for(use, 0, {1, 1, 1});
    EXPECT_FAILS(bad, "units", api->memory_create(device, &desc, &none, &err));
    make_state(OpId::ssm_conv, 2, {0, 8, 1});  // d_conv 1: nothing to remember
}

TEST_P(EveryPlugin, events_count_up) {
    krait_event* event = make_event();
    EXPECT_EQ(api->event_value(event), 0u);
    EXPECT_FAILS(KRAIT_STATUS_UNAVAILABLE, "did not reach 1", api->event_wait(event, 1, 1000000, &err));
    EXPECT_OK(api->queue_signal(queue, event, 3, &err));
    EXPECT_OK(api->queue_wait(queue, event, 2, &err));
    EXPECT_OK(api->event_wait(event, 3, 0, &err));
    EXPECT_EQ(api->event_value(event), 3u);
    EXPECT_FAILS(KRAIT_STATUS_INVALID_ARGUMENT, "larger", api->queue_signal(queue, event, 3, &err));

    std::thread waiter([&] {
        Failure mine;
        EXPECT_EQ(api->event_wait(event, 10, std::numeric_limits<uint64_t>::max(), &mine), KRAIT_STATUS_OK) << mine.message;
    });
    EXPECT_OK(api->queue_signal(queue, event, 10, &err));
    waiter.join();
}

// ---- plugins in C++ -------------------------------------------------------------------------------------------------

TEST_F(Reference, supports_every_op_and_names_the_node_of_a_broken_graph) {
    Node n = make_node(OpId::add);
    value<float>(n, "a", {1, 2}, {1, 2});
    value<float>(n, "b", {1, 2}, {3, 4});
    add_outputs(n);
    make_program(n);
    const auto bad = KRAIT_STATUS_INVALID_ARGUMENT;
    krait_program* program = nullptr;
    EXPECT_FAILS(bad, "node 1", api->supports(device, &n.graph, 1, &err));

    const auto broken = [&](auto&& change) {
        Node other = n;
        change(other);
        other.graph = {sizeof(krait_graph), static_cast<uint32_t>(other.tensors.size()), other.tensors.data(), 1, &other.node};
        const krait_status status = api->program_create(device, &other.graph, &program, &err);
        EXPECT_EQ(program, nullptr);
        return status;
    };
    EXPECT_FAILS(bad, "'tested': op 999", broken([](Node& x) { x.node.op = 999; }));
    EXPECT_FAILS(bad, "operand 'b' is missing", broken([](Node& x) { x.node.in[1] = -1; }));
    EXPECT_FAILS(bad, "operand 'b' is tensor 3", broken([](Node& x) { x.node.in[1] = 3; }));
    EXPECT_FAILS(bad, "operand 'a' cannot be a constant", broken([](Node& x) { x.tensors[0].role = KRAIT_TENSOR_CONSTANT; }));
    EXPECT_FAILS(bad, "operand 'y': it has no buffer", broken([](Node& x) { x.tensors[2].buffer = nullptr; }));
    EXPECT_FAILS(bad, "not inside its buffer", broken([](Node& x) { x.tensors[2].offset = 4; }));
    EXPECT_FAILS(bad, "not inside its buffer", broken([](Node& x) { x.tensors[2].offset = UINT64_MAX - 3; }));
    EXPECT_FAILS(bad, "negative", broken([](Node& x) { x.tensors[0].desc.extent[0] = -5; }));
    EXPECT_FAILS(bad, "bytes of params", broken([](Node& x) { x.node.params_size = 4; }));
    krait_buffer* pool = make_state(OpId::ssm_scan, 1, {1, 1, 2});
    EXPECT_FAILS(bad, "its buffer holds a memory", broken([&](Node& x) { x.tensors[1].buffer = pool; }));
}

TEST_F(Reference, waits_may_be_submitted_before_their_signal) {
    krait_queue* second = nullptr;
    ASSERT_EQ(api->queue_create(device, &second, &err), KRAIT_STATUS_OK);
    krait_event *go = make_event(), *done = make_event();
    krait_buffer *a = make_buffer(4), *b = make_buffer(4);
    float first = 1, later = 2, got = 0;
    EXPECT_OK(api->queue_write(queue, a, 0, &first, 4, &err));
    EXPECT_OK(api->queue_wait(queue, go, 5, &err));
    EXPECT_OK(api->queue_write(queue, a, 0, &later, 4, &err));
    later = 99;  // the queue keeps its own copy
    EXPECT_OK(api->queue_copy(queue, b, 0, a, 0, 4, &err));
    EXPECT_OK(api->queue_read(queue, &got, b, 0, 4, &err));
    EXPECT_OK(api->queue_signal(queue, done, 1, &err));
    EXPECT_EQ(api->event_value(done), 0u);
    void* bytes = nullptr;
    EXPECT_OK(api->buffer_map(a, &bytes, &err));
    EXPECT_EQ(*static_cast<float*>(bytes), 1.0f);
    EXPECT_OK(api->queue_signal(second, go, 5, &err));
    EXPECT_OK(api->event_wait(done, 1, UINT64_MAX, &err));
    EXPECT_EQ(got, 2.0f);
    EXPECT_OK(api->queue_sync(queue, &err));
    api->queue_destroy(second);
}

TEST_F(Reference, failed_work_is_reported_at_once_and_by_sync) {
    Node n = make_node(OpId::get_rows);
    value<float>(n, "table", {2, 1}, {1, 2});
    value<int32_t>(n, "ids", {1}, {2});  // a host would have refused it
    add_outputs(n);
    krait_program* program = make_program(n);
    EXPECT_FAILS(KRAIT_STATUS_INVALID_ARGUMENT, "ids[0] = 2", api->queue_run(queue, program, nullptr, 0, &err));
    EXPECT_FAILS(KRAIT_STATUS_INVALID_ARGUMENT, "ids[0] = 2", api->queue_sync(queue, &err));
    EXPECT_OK(api->queue_sync(queue, &err));

    // The same behind a wait: the call itself cannot know.
    krait_queue* second = nullptr;
    ASSERT_EQ(api->queue_create(device, &second, &err), KRAIT_STATUS_OK);
    krait_event* go = make_event();
    EXPECT_OK(api->queue_wait(queue, go, 1, &err));
    EXPECT_OK(api->queue_run(queue, program, nullptr, 0, &err));
    EXPECT_OK(api->queue_signal(second, go, 1, &err));
    EXPECT_FAILS(KRAIT_STATUS_INVALID_ARGUMENT, "ids[0] = 2", api->queue_sync(queue, &err));
    EXPECT_OK(api->queue_sync(queue, &err));
    api->queue_destroy(second);
}

TEST_F(Reference, errors_fit_the_callers_struct) {
    struct {
        uint32_t struct_size = 8 + 12;
        int32_t code = 0;
        char message[12];
        char guard[8] = "guarded";
    } small;
    static_assert(offsetof(krait_error, message) == 8);
    krait_device* none = nullptr;
    const krait_open_params key = with_options("schl\xc3\xbcssel=1");
    EXPECT_EQ(api->device_open(0, &key, &none, reinterpret_cast<krait_error*>(&small)), KRAIT_STATUS_INVALID_ARGUMENT);
    EXPECT_STREQ(small.message, "unknown opt");
    EXPECT_STREQ(small.guard, "guarded");
    err.struct_size = 8 + 21;  // the cut falls into the two bytes of the umlaut
    EXPECT_EQ(api->device_open(0, &key, &none, &err), KRAIT_STATUS_INVALID_ARGUMENT);
    EXPECT_STREQ(err.message, "unknown option 'schl");
}

// ---- the null device ------------------------------------------------------------------------------------------------

class Null : public PluginTest {
  protected:
    const char* path() const override { return test::kNullPlugin; }
};

TEST_F(Null, declines_with_a_reason) {
    const ops::ScaleParams params{};
    krait_graph_node node{};
    node.op = static_cast<uint32_t>(OpId::scale);
    node.params = &params;
    node.params_size = sizeof params;
    const krait_graph_tensor tensors[] = {{make_desc(DType::F32, {1, 1}), KRAIT_TENSOR_VALUE, -1, nullptr, 0, "x", 0, 0}};
    const krait_graph graph{sizeof graph, 1, tensors, 1, &node, 0, nullptr};
    krait_program* program = nullptr;
    EXPECT_FAILS(KRAIT_STATUS_UNSUPPORTED, "computes nothing", api->supports(device, &graph, 0, &err));
    EXPECT_FAILS(KRAIT_STATUS_UNSUPPORTED, "computes nothing", api->program_create(device, &graph, &program, &err));
    krait_event* event = make_event();
    EXPECT_FAILS(KRAIT_STATUS_UNSUPPORTED, "cannot wait", api->queue_wait(queue, event, 1, &err));
}

}  // namespace
}  // namespace krait::unit
