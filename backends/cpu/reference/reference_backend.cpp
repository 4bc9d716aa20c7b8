// SPDX-License-Identifier: Apache-2.0
//
// The oracle as a plugin: device "reference", slow and exact, the truth that tests hold every other device against. Also for
// people: `--device reference` tells a wrong kernel from a wrong model. Never chosen unless named.
#include "backends/cpu/reference/kernels.hpp"

namespace krait::reference {
namespace {

class ReferenceDevice final : public plugin::host::Device {
  public:
    ReferenceDevice() : Device(kOpTable) {}
    std::unique_ptr<plugin::KernelContext> create_context() override { return std::make_unique<Context>(); }
};

uint32_t score(std::string&) { return 1; }
uint32_t device_count() { return 1; }

void device_info(uint32_t, krait_device_info& info) {
    info.kind = KRAIT_DEVICE_CPU;
    plugin::set_text(info.name, "reference");
    plugin::set_text(info.features, "double-precision single-threaded");
    info.memory_total = plugin::host::memory_total();
    info.memory_free = plugin::host::memory_free();
    info.alignment = plugin::host::kAlignment;
    info.auto_rank = 0;
}

std::unique_ptr<plugin::Device> device_open(uint32_t, const plugin::OpenParams& params) {
    const plugin::Options none(params.options, {});
    return std::make_unique<ReferenceDevice>();
}

constexpr plugin::PluginInfo kInfo{"reference", "", KRAIT_PLUGIN_VERSION, score, device_count, device_info, device_open};

}  // namespace
}  // namespace krait::reference

KRAIT_DEFINE_PLUGIN(krait::reference::kInfo)
