// SPDX-License-Identifier: Apache-2.0
//
// Threads of the application, which device_open gets with its parameters; and hosts of other sizes.
#include "tests/main/paths.hpp"
#include "tests/unit/plugin_fixture.hpp"

namespace krait::unit {
namespace {

// Opens the device of the CPU plugin with this host; what went wrong, or "". The plugin keeps the host, so it has to be static.
std::string open(const krait_host& host, const krait_open_params* params) {
    void* library = dlopen(test::kCpuPlugin, RTLD_NOW | RTLD_LOCAL);
    const auto query = library ? reinterpret_cast<krait_plugin_query_fn>(dlsym(library, KRAIT_PLUGIN_QUERY_NAME)) : nullptr;
    const krait_backend* api = query ? query(KRAIT_ABI_VERSION, &host) : nullptr;
    if (!api) return "the plugin cannot be loaded";
    Failure err;
    krait_device* device = nullptr;
    if (api->device_open(0, params, &device, &err) != KRAIT_STATUS_OK) return err.message;
    api->device_close(device);
    return "";
}

TEST(HostExecutor, RunsTheLoopsOfTheDeviceThatItWasGivenTo) {
    static const krait_host host{.struct_size = sizeof(krait_host), .abi_version = KRAIT_ABI_VERSION};
    const krait_open_params plain = with_options("threads=1");
    EXPECT_EQ(open(host, &plain), "") << "no executor";
    const krait_host_executor executor{nullptr, 2, [](void*, uint32_t, void (*)(void*, uint32_t), void*) {}};
    const krait_open_params given = with_options("", &executor), both = with_options("threads=1", &executor),
                            no_text = with_options(nullptr, &executor);
    EXPECT_EQ(open(host, &given), "");
    EXPECT_EQ(open(host, &no_text), "");
    EXPECT_NE(open(host, &both).find("'threads'"), std::string::npos) << "the threads are the application's";
    // Where the struct ended before the executor, there is none to look at.
    krait_open_params shorter = both;
    shorter.struct_size = KRAIT_OPEN_PARAMS_SIZE_2_0 - 1;
    EXPECT_NE(open(host, &shorter).find("struct_size"), std::string::npos);
}

TEST(HostExecutor, AHostThatIsShorterThanTheFirstIsRefused) {
    static const auto of_size = [](uint32_t size) { return krait_host{.struct_size = size, .abi_version = KRAIT_ABI_VERSION}; };
    static const krait_host shorter = of_size(KRAIT_HOST_SIZE_2_0 - 1), first = of_size(KRAIT_HOST_SIZE_2_0),
                            later = of_size(sizeof(krait_host) + 64);
    const krait_open_params plain = with_options("threads=1");
    EXPECT_EQ(open(shorter, &plain), "the plugin cannot be loaded");
    EXPECT_EQ(open(first, &plain), "");
    EXPECT_EQ(open(later, &plain), "");
}

}  // namespace
}  // namespace krait::unit
