// SPDX-License-Identifier: Apache-2.0
//
// The table, device information, options, and errors as plain data.
#include "core/ops/op_hash.hpp"
#include "tests/conformance/conformance_test.hpp"

namespace krait {
namespace {

class DeviceLaws : public ConformanceTest {};

TEST_P(DeviceLaws, TableIsCompleteAndOfThisVersion) {
    EXPECT_EQ(api().abi_version >> 16, KRAIT_ABI_MAJOR);
    EXPECT_GE(api().struct_size, KRAIT_BACKEND_SIZE_2_0);
    EXPECT_EQ(api().formats_hash, formats_hash());
    for (const krait_op_version& built_with : std::span(api().ops, api().n_ops)) {
        if (built_with.op >= kOpCount) continue;
        EXPECT_EQ(built_with.hash, kOpVersions[built_with.op].hash) << kOpNames[built_with.op];
    }
    EXPECT_STRNE(api().version, "");
    EXPECT_GT(api().score(&err), 0u);
    EXPECT_GT(api().score(nullptr), 0u);
    EXPECT_EQ(api().score(&err), api().score(&err));
    EXPECT_GE(api().device_count(), 1u);
}

TEST_P(DeviceLaws, InfoDescribesTheDevice) {
    const krait_device_info& info = device->info();
    EXPECT_STRNE(info.name, "");
    EXPECT_LT(strnlen(info.name, sizeof info.name), sizeof info.name);
    EXPECT_LT(strnlen(info.features, sizeof info.features), sizeof info.features);
    EXPECT_LE(info.kind, static_cast<uint32_t>(KRAIT_DEVICE_EMULATED));
    EXPECT_GT(info.memory_total, 0u);
    EXPECT_LE(info.memory_free, info.memory_total);
    EXPECT_GE(info.alignment, 4u);
    EXPECT_EQ(info.alignment & (info.alignment - 1), 0u) << "no power of two";
    if (info.kind == KRAIT_DEVICE_EMULATED) {
        EXPECT_EQ(info.auto_rank, 0u) << "'auto' must not choose it";
    }
}

TEST_P(DeviceLaws, InfoNeedsAStruct) { EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().device_info(0, nullptr, &err)); }

// Flags are promises: tests, and hosts, choose by them.
TEST_P(DeviceLaws, CapabilitiesAreTrue) {
    const krait_device_capabilities& can = device->capabilities();
    EXPECT_LE(can.quantized_rounding, static_cast<uint32_t>(KRAIT_ROUNDING_INT8X32));
    EXPECT_LE(can.half_rounding, static_cast<uint32_t>(KRAIT_ROUNDING_INT13X32));
    EXPECT_NE(can.half_rounding, static_cast<uint32_t>(KRAIT_ROUNDING_INT8X32)) << "of quantized weights";
    EXPECT_EQ(buffer(64).map().has_value(), device->can(KRAIT_DEVICE_MAPS_BUFFERS));
    std::vector<std::byte> ours(4096);
    EXPECT_EQ(device->import_host(ours.data(), ours.size()).has_value(), device->can(KRAIT_DEVICE_IMPORTS_HOST));
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().device_capabilities(device->get(), nullptr, &err));
    krait_device_capabilities none{};
    none.struct_size = sizeof none;
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().device_capabilities(nullptr, &none, &err));
}

TEST_P(DeviceLaws, ADeviceThatIsNotThere) {
    krait_device_info info{};
    info.struct_size = sizeof info;
    EXPECT_REFUSED(KRAIT_STATUS_NOT_FOUND, api().device_info(api().device_count(), &info, &err));
    krait_device* none = reinterpret_cast<krait_device*>(&info);
    EXPECT_REFUSED(KRAIT_STATUS_NOT_FOUND, api().device_open(api().device_count() + 5, nullptr, &none, &err));
    EXPECT_EQ(none, nullptr);
}

TEST_P(DeviceLaws, UnknownOptionsAreRefused) {
    for (const char* options : {"no_such_option=1", "threads", "=3", "a=1:b=2", ":"}) {
        krait_device* none = nullptr;
        const krait_open_params params = with_options(options);
        EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().device_open(0, &params, &none, &err));
        EXPECT_EQ(none, nullptr) << options;
    }
    krait_device* none = nullptr;
    const krait_open_params unknown = with_options("no_such_option=1");
    api().device_open(0, &unknown, &none, &err);
    EXPECT_TRUE(err.says("no_such_option")) << err.message;
    const krait_open_params no_text = with_options(nullptr), empty = with_options("");
    for (const krait_open_params* params : {static_cast<const krait_open_params*>(nullptr), &no_text, &empty}) {
        krait_device* opened = nullptr;
        EXPECT_DONE(api().device_open(0, params, &opened, &err));
        if (opened) api().device_close(opened);
    }
}

TEST_P(DeviceLaws, OpensManyTimes) {
    std::vector<krait_device*> devices(5, nullptr);
    for (krait_device*& opened : devices)
        ASSERT_EQ(api().device_open(0, nullptr, &opened, &err), KRAIT_STATUS_OK) << err.message;
    for (size_t i = 1; i < devices.size(); ++i) EXPECT_NE(devices[0], devices[i]);
    for (krait_device* opened : devices) api().device_close(opened);
}

TEST_P(DeviceLaws, ErrorsMayBeLeftOut) {
    krait_buffer* none = nullptr;
    EXPECT_NE(api().buffer_create(device->get(), 99, 64, &none, nullptr), KRAIT_STATUS_OK);
    const krait_open_params unknown = with_options("no_such_option=1");
    EXPECT_NE(api().device_open(0, &unknown, reinterpret_cast<krait_device**>(&none), nullptr), KRAIT_STATUS_OK);
    EXPECT_EQ(none, nullptr);
}

TEST_P(DeviceLaws, ErrorsStayInTheirStruct) {
    // A struct that is shorter than ours: a message is cut to fit or left out; what lies behind is not touched.
    struct {
        krait_error error;
        char behind[16];
    } memory;
    std::memset(&memory, 0x5a, sizeof memory);
    constexpr size_t kShort = offsetof(krait_error, message) + 12;
    memory.error.struct_size = kShort;
    krait_buffer* none = nullptr;
    EXPECT_NE(api().buffer_create(device->get(), 99, 64, &none, &memory.error), KRAIT_STATUS_OK);
    const bool left_out = memory.error.message[0] == 0x5a;
    EXPECT_TRUE(left_out || strnlen(memory.error.message, 12) < 12) << "the message is not terminated";
    const auto* bytes = reinterpret_cast<const unsigned char*>(&memory);
    for (size_t i = kShort; i < sizeof memory; ++i) ASSERT_EQ(bytes[i], 0x5a) << "byte " << i;
}

TEST_P(DeviceLaws, NullHandlesAreRefused) {
    krait_buffer* buffer = nullptr;
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().buffer_create(nullptr, KRAIT_BUFFER_DEVICE, 64, &buffer, &err));
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().buffer_create(device->get(), KRAIT_BUFFER_DEVICE, 64, nullptr, &err));
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().queue_create(device->get(), nullptr, &err));
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().queue_write(queue.get(), nullptr, 0, "x", 1, &err));
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().queue_run(queue.get(), nullptr, nullptr, 0, &err));
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().queue_sync(nullptr, &err));
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().event_create(nullptr, nullptr, &err));
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().supports(device->get(), nullptr, 0, &err));
    EXPECT_EQ(api().buffer_size(nullptr), 0u);
    EXPECT_EQ(api().event_value(nullptr), 0u);
    // Destroying nothing is fine, as free(NULL) is.
    api().buffer_destroy(nullptr);
    api().program_destroy(nullptr);
    api().queue_destroy(nullptr);
    api().event_destroy(nullptr);
    api().device_close(nullptr);
}

KRAIT_ON_EVERY_DEVICE(DeviceLaws);

}  // namespace
}  // namespace krait
