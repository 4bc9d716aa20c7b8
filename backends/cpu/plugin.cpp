// SPDX-License-Identifier: Apache-2.0
//
// The plugin's entry. This file and what it asks (instruction_sets, cpu_info, affinity) are compiled without instruction-set
// flags and come first in the link, so that what runs before the score is known (this table, the score, device_info) runs on
// any machine.
#include "backends/common/host_device.hpp"
#include "backends/cpu/cpu_info.hpp"
#include "backends/cpu/instruction_sets.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

std::unique_ptr<plugin::Device> open_device(const plugin::OpenParams& params);

namespace {

#define KRAIT_CPU_TEXT_(name) #name
#define KRAIT_CPU_TEXT(name) KRAIT_CPU_TEXT_(name)
constexpr Level kLevel = Level::KRAIT_CPU_VARIANT;
constexpr uint64_t kAlignment = 64;  // a cache line
constexpr uint32_t kAutoRank = 10;   // below every accelerator

uint32_t score(std::string& why) {
    const std::string missing = missing_for(kLevel);
    if (!missing.empty()) {
        why = "this machine lacks " + missing;
        return 0;
    }
    return score_of(kLevel);
}

uint32_t device_count() { return 1; }

void device_info(uint32_t, krait_device_info& info) {
    info.kind = KRAIT_DEVICE_CPU;
    plugin::set_text(info.name, processor_name());
    plugin::set_text(info.features, processor_features() + " activations=int8x32 halves=int13x32");
    info.memory_total = plugin::host::memory_total();
    info.memory_free = plugin::host::memory_free();
    info.alignment = kAlignment;
    info.auto_rank = kAutoRank;
}

constexpr plugin::PluginInfo kInfo{
    .family = "cpu",
    .variant = KRAIT_CPU_TEXT(KRAIT_CPU_VARIANT),
    .version = KRAIT_PLUGIN_VERSION,
    .score = score,
    .device_count = device_count,
    .device_info = device_info,
    .device_open = [](uint32_t, const plugin::OpenParams& params) { return open_device(params); }};

}  // namespace
}  // namespace krait::cpu::KRAIT_CPU_VARIANT

KRAIT_DEFINE_PLUGIN(krait::cpu::KRAIT_CPU_VARIANT::kInfo)
