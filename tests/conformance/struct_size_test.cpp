// SPDX-License-Identifier: Apache-2.0
//
// Structs of hosts of other minor versions: one that ends where version 2.0 ended and one that goes on behind what the plugin
// knows are taken, a shorter one is refused, and a struct that is filled is not written beyond its end.
#include "tests/conformance/conformance_test.hpp"

namespace krait {
namespace {

// These sizes were given out: a field that a later version appends does not change them.
static_assert(KRAIT_GRAPH_SIZE_2_0 == 48 && KRAIT_DEVICE_INFO_SIZE_2_0 == 420 && KRAIT_STATE_DESC_SIZE_2_0 == 40 &&
              KRAIT_HOST_SIZE_2_0 == 40 && KRAIT_BACKEND_SIZE_2_0 == 304);

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

TEST_P(StructSizes, StateDescription) {
    Guarded<krait_state_desc> desc;
    desc.value.op = static_cast<uint32_t>(OpId::ssm_scan);
    desc.value.n_slots = 2;
    std::fill(std::begin(desc.value.extent), std::end(desc.value.extent), 3);
    for (const uint32_t size : {KRAIT_STATE_DESC_SIZE_2_0, static_cast<uint32_t>(sizeof desc)}) {
        desc.value.struct_size = size;
        krait_buffer* pool = nullptr;
        EXPECT_DONE(api().state_create(device->get(), &desc.value, &pool, &err));
        float slot[27] = {1, 2, 3}, back[27] = {};
        EXPECT_DONE(api().queue_state_import(queue.get(), pool, 1, slot, sizeof slot, &err));
        EXPECT_DONE(api().queue_state_export(queue.get(), pool, 1, back, sizeof back, &err));
        EXPECT_TRUE(queue.sync());
        EXPECT_EQ(std::memcmp(slot, back, sizeof slot), 0);
        api().buffer_destroy(pool);
    }
    for (const uint32_t size : {0u, KRAIT_STATE_DESC_SIZE_2_0 - 1}) {
        desc.value.struct_size = size;
        krait_buffer* none = nullptr;
        EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().state_create(device->get(), &desc.value, &none, &err));
        EXPECT_TRUE(err.says("struct_size")) << err.message;
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
