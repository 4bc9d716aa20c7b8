// SPDX-License-Identifier: Apache-2.0
//
// A plugin asks its host for an executor when it opens a device.
#include "tests/main/paths.hpp"
#include "tests/unit/plugin_fixture.hpp"

namespace krait::unit {
namespace {

struct AskedHost {
    krait_host table{};
    krait_host_executor executor{};
    int asked = 0;

    explicit AskedHost(uint32_t size) {
        table.struct_size = size;
        table.abi_version = KRAIT_ABI_VERSION;
        table.context = this;
        table.executor = [](void* context) -> const krait_host_executor* {
            auto& self = *static_cast<AskedHost*>(context);
            ++self.asked;
            return self.executor.parallel ? &self.executor : nullptr;
        };
    }
    // Opens the device of the CPU plugin with this host; what went wrong, or "".
    std::string open(const char* options) {
        void* library = dlopen(test::kCpuPlugin, RTLD_NOW | RTLD_LOCAL);
        const auto query = library ? reinterpret_cast<krait_plugin_query_fn>(dlsym(library, KRAIT_PLUGIN_QUERY_NAME)) : nullptr;
        const krait_backend* api = query ? query(KRAIT_ABI_VERSION, &table) : nullptr;
        if (!api) return "the plugin cannot be loaded";
        Failure err;
        krait_device* device = nullptr;
        if (api->device_open(0, options, &device, &err) != KRAIT_STATUS_OK) return err.message;
        api->device_close(device);
        return "";
    }
};

// The plugin keeps the host that it was loaded with last: static, as a host has to be.
TEST(HostExecutor, IsAskedForWhenADeviceIsOpened) {
    static AskedHost host(sizeof(krait_host));
    EXPECT_EQ(host.open("threads=1"), "") << "a host without an executor";
    EXPECT_EQ(host.asked, 1);
    host.executor = {nullptr, 2, [](void*, uint32_t, void (*)(void*, uint32_t), void*) {}};
    EXPECT_EQ(host.open(""), "");
    EXPECT_NE(host.open("threads=1").find("'threads'"), std::string::npos);
    EXPECT_EQ(host.asked, 3);
}

TEST(HostExecutor, AHostThatIsShorterThanTheFirstIsRefused) {
    static AskedHost shorter(KRAIT_HOST_SIZE_2_0 - 1), first(KRAIT_HOST_SIZE_2_0), later(sizeof(krait_host) + 64);
    EXPECT_EQ(shorter.open("threads=1"), "the plugin cannot be loaded");
    EXPECT_EQ(first.open("threads=1"), "");
    EXPECT_EQ(later.open("threads=1"), "");
}

}  // namespace
}  // namespace krait::unit
