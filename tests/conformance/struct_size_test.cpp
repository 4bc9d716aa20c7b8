// SPDX-License-Identifier: Apache-2.0
//
// Structs of hosts of other minor versions: one that ends where version 2.0 ended and one that goes on behind what the plugin
// knows are taken, a shorter one is refused, and a struct that is filled is not written beyond its end.
#include "tests/conformance/conformance_test.hpp"

namespace krait {
namespace {

// These sizes were given out: a field that a later version appends does not change them.
static_assert(KRAIT_GRAPH_SIZE_2_0 == 48 && KRAIT_DEVICE_INFO_SIZE_2_0 == 420 && KRAIT_DEVICE_CAPABILITIES_SIZE_2_0 == 16 &&
              KRAIT_OPEN_PARAMS_SIZE_2_0 == 24 && KRAIT_MEMORY_DESC_SIZE_2_0 == 68 && KRAIT_HOST_SIZE_2_0 == 32 &&
              KRAIT_BACKEND_SIZE_2_0 == 312);

class StructSizes : public ConformanceTest {};

// A struct, and bytes behind it that belong to somebody else.
template <class Struct>
struct Guarded {
    Struct value{};
    unsigned char behind[64];
    Guarded() { std::memset(behind, 0x5a, sizeof behind); }
    bool is_untouched(size_t size) const {
        const auto* bytes = reinterpret_cast<const unsigned char*>(this);
        return std::all_of(bytes + std::max(size, offsetof(Guarded, behind)), bytes + sizeof *this,
                           [](unsigned char byte) { return byte == 0x5a; });
    }
};

TEST_P(StructSizes, DeviceInfo) {
    for (const uint32_t size : {KRAIT_DEVICE_INFO_SIZE_2_0, static_cast<uint32_t>(sizeof(krait_device_info) + 64)}) {
        Guarded<krait_device_info> info;
        std::memset(&info.value, 0x5a, sizeof info.value);
        info.value.struct_size = size;
        EXPECT_DONE(api().device_info(0, &info.value, &err));
        EXPECT_EQ(info.value.struct_size, size);
        EXPECT_STREQ(info.value.name, device->info().name);
        EXPECT_TRUE(info.is_untouched(sizeof(krait_device_info)));
        const auto* bytes = reinterpret_cast<const unsigned char*>(&info.value);
        for (size_t i = size; i < sizeof info.value; ++i)
            EXPECT_EQ(bytes[i], 0x5a) << "byte " << i << " lies behind the struct";
    }
    for (const uint32_t size : {0u, KRAIT_DEVICE_INFO_SIZE_2_0 - 1}) {
        krait_device_info info{};
        info.struct_size = size;
        EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().device_info(0, &info, &err));
        EXPECT_TRUE(err.says("struct_size")) << err.message;
    }
}

TEST_P(StructSizes, Capabilities) {
    for (const uint32_t size :
         {KRAIT_DEVICE_CAPABILITIES_SIZE_2_0, static_cast<uint32_t>(sizeof(krait_device_capabilities) + 64)}) {
        Guarded<krait_device_capabilities> can;
        std::memset(&can.value, 0x5a, sizeof can.value);
        can.value.struct_size = size;
        EXPECT_DONE(api().device_capabilities(device->get(), &can.value, &err));
        EXPECT_EQ(can.value.struct_size, size);
        EXPECT_EQ(can.value.flags, device->capabilities().flags);
        EXPECT_EQ(can.value.quantized_rounding, device->capabilities().quantized_rounding);
        EXPECT_EQ(can.value.half_rounding, device->capabilities().half_rounding);
        EXPECT_TRUE(can.is_untouched(sizeof(krait_device_capabilities)));
    }
    for (const uint32_t size : {0u, KRAIT_DEVICE_CAPABILITIES_SIZE_2_0 - 1}) {
        krait_device_capabilities can{};
        can.struct_size = size;
        EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().device_capabilities(device->get(), &can, &err));
        EXPECT_TRUE(err.says("struct_size")) << err.message;
    }
}

TEST_P(StructSizes, OpenParameters) {
    Guarded<krait_open_params> params;
    params.value.options = "";
    for (const uint32_t size : {KRAIT_OPEN_PARAMS_SIZE_2_0, static_cast<uint32_t>(sizeof params)}) {
        params.value.struct_size = size;
        krait_device* opened = nullptr;
        EXPECT_DONE(api().device_open(0, &params.value, &opened, &err));
        if (opened) api().device_close(opened);
    }
    for (const uint32_t size : {0u, KRAIT_OPEN_PARAMS_SIZE_2_0 - 1}) {
        params.value.struct_size = size;
        krait_device* none = nullptr;
        EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().device_open(0, &params.value, &none, &err));
        EXPECT_TRUE(err.says("struct_size")) << err.message;
        EXPECT_EQ(none, nullptr);
    }
}

TEST_P(StructSizes, MemoryDescription) {
    const krait_use scan{static_cast<uint32_t>(OpId::ssm_scan), static_cast<uint32_t>(find_state(ops::SsmScan::kIn))},
        write{static_cast<uint32_t>(OpId::kv_write), static_cast<uint32_t>(find_memory(ops::KvWrite::kIn))};
    Guarded<krait_memory_desc> slots;
    slots.value = {.struct_size = 0,
                   .layout = KRAIT_MEMORY_SLOTS,
                   .dtype = static_cast<uint32_t>(DType::F32),
                   .rank = 3,
                   .n_units = 2,
                   .rows_per_unit = 1,
                   .extent = {3, 3, 3},
                   .uses = &scan,
                   .n_uses = 1};
    Guarded<krait_memory_desc> pages = slots;
    pages.value.layout = KRAIT_MEMORY_PAGES;
    pages.value.rank = 1;
    pages.value.rows_per_unit = 9;
    pages.value.extent[1] = pages.value.extent[2] = 1;
    pages.value.uses = &write;
    for (Guarded<krait_memory_desc>* desc : {&slots, &pages}) {
        for (const uint32_t size : {KRAIT_MEMORY_DESC_SIZE_2_0, static_cast<uint32_t>(sizeof *desc)}) {
            desc->value.struct_size = size;
            krait_buffer* memory = nullptr;
            EXPECT_DONE(api().memory_create(device->get(), &desc->value, &memory, &err));
            float unit[27] = {1, 2, 3}, back[27] = {};
            EXPECT_DONE(api().queue_memory_import(queue.get(), memory, 1, unit, sizeof unit, &err));
            EXPECT_DONE(api().queue_memory_export(queue.get(), memory, 1, back, sizeof back, &err));
            EXPECT_TRUE(queue.sync());
            EXPECT_EQ(std::memcmp(unit, back, sizeof unit), 0);
            api().buffer_destroy(memory);
        }
        for (const uint32_t size : {0u, KRAIT_MEMORY_DESC_SIZE_2_0 - 1}) {
            desc->value.struct_size = size;
            krait_buffer* none = nullptr;
            EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().memory_create(device->get(), &desc->value, &none, &err));
            EXPECT_TRUE(err.says("struct_size")) << err.message;
        }
    }
}

TEST_P(StructSizes, Graph) {
    const Buffer memory = buffer(4096);
    const auto outcome = [&](uint32_t size) {
        ScaleGraph scaled(memory.get(), 0, 1024, 3, 8, 2, 1);
        Guarded<krait_graph> graph;
        graph.value = scaled.graph;
        graph.value.struct_size = size;
        krait_program* program = nullptr;
        err.clear();
        const krait_status status = api().supports(device->get(), &graph.value, 0, &err);
        const krait_status created = api().program_create(device->get(), &graph.value, &program, nullptr);
        EXPECT_EQ(created, status);
        if (program) api().program_destroy(program);
        return status;
    };
    const krait_status now = outcome(sizeof(krait_graph));
    EXPECT_TRUE(now == KRAIT_STATUS_OK || now == KRAIT_STATUS_UNSUPPORTED) << err.message;
    EXPECT_EQ(outcome(KRAIT_GRAPH_SIZE_2_0), now) << err.message;
    EXPECT_EQ(outcome(sizeof(Guarded<krait_graph>)), now) << err.message;
    for (const uint32_t size : {0u, KRAIT_GRAPH_SIZE_2_0 - 1}) {
        EXPECT_EQ(outcome(size), KRAIT_STATUS_INVALID_ARGUMENT);
        EXPECT_TRUE(err.says("struct_size")) << err.message;
    }
}

KRAIT_ON_EVERY_DEVICE(StructSizes);

}  // namespace
}  // namespace krait
