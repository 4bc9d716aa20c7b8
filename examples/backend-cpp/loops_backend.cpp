// SPDX-License-Identifier: Apache-2.0
//
// The device "loops": a backend that computes in the host's memory with plain loops. It has nine of Krait's operators and
// declines the rest, so a model runs on it together with another device:
//   krait run --device loops,cpu --layers 0 -p "The sea was"
// buffers, weights, memories, queues and events come from host_device.hpp.
#include "backends/common/host_device.hpp"
#include "core/ops/op_list.hpp"
#include "kernels.hpp"

namespace loops {
namespace {

namespace plugin = krait::plugin;

class Device final : public plugin::host::Device {
  public:
    Device() : plugin::host::Device(kKernels) {}
    std::unique_ptr<plugin::KernelContext> create_context() override { return std::make_unique<Context>(); }
    // Asked for each node. The reason is shown to users.
    plugin::Decline declines(krait::OpId op, const krait_graph&, const krait_graph_node&) override {
        if (kKernels[static_cast<uint32_t>(op)] == nullptr) return plugin::decline("loops has no {}", krait::op_name(op));
        return plugin::kSupported;
    }
};

// How well this backend suits the machine; 0 where the machine lacks what it needs, and `why` says what that is.
uint32_t score(std::string& /*why*/) { return 1; }
uint32_t device_count() { return 1; }

void device_info(uint32_t, krait_device_info& info) {
    info.kind = KRAIT_DEVICE_CPU;
    plugin::set_text(info.name, "plain loops");
    info.memory_total = plugin::host::memory_total();
    info.memory_free = plugin::host::memory_free();
    info.alignment = plugin::host::kAlignment;
    info.auto_rank = 0;  // "auto" never chooses it
}

std::unique_ptr<plugin::Device> device_open(uint32_t, const plugin::OpenParams& params) {
    const plugin::Options none(params.options, {});  // an unknown option is an error
    return std::make_unique<Device>();
}

constexpr plugin::PluginInfo kInfo{"loops", "", KRAIT_PLUGIN_VERSION, score, device_count, device_info, device_open};

}  // namespace
}  // namespace loops

KRAIT_DEFINE_PLUGIN(loops::kInfo)
