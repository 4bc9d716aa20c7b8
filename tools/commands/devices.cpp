// SPDX-License-Identifier: Apache-2.0
//
// krait devices: what there is to run on, and what was refused and why.
#include <fmt/format.h>

#include <algorithm>

#include "core/base/environment.hpp"
#include "core/base/format_bytes.hpp"
#include "core/base/printable.hpp"
#include "core/runtime/plugin_registry.hpp"
#include "models/placement/device_rates.hpp"
#include "tools/command.hpp"
#include "tools/output.hpp"

namespace krait::tools {
namespace {

const char* kind_name(uint32_t kind) {
    constexpr const char* kNames[] = {"cpu", "gpu", "integrated gpu", "accelerator", "emulated"};
    return kind < std::size(kNames) ? kNames[kind] : "?";
}

std::string name_of(const PluginReport& plugin) {
    if (plugin.family.empty()) return "?";
    return plugin.variant.empty() ? plugin.family : plugin.family + ":" + plugin.variant;
}

// The variant that serves a family where none is named: the first of those with the highest score, as in PluginRegistry::find.
const PluginReport* best_of(const std::vector<PluginReport>& plugins, std::string_view family) {
    const PluginReport* best = nullptr;
    for (const PluginReport& plugin : plugins)
        if (plugin.family == family && plugin.score > (best ? best->score : 0)) best = &plugin;
    return best;
}

void show_plugins(const std::vector<PluginReport>& plugins) {
    print("\n{:<21} {:<9} {:<6} {}\n", "PLUGIN", "VERSION", "SCORE", "FILE");
    for (const PluginReport& plugin : plugins) {
        print("{:<21} {:<9} {:<6} {}\n", printable(name_of(plugin)), printable(plugin.version), plugin.score,
              printable(plugin.path));
        if (!plugin.reason.empty()) print("{:<21} not used: {}\n", "", printable(plugin.reason));
        else if (!plugin.variant.empty() && &plugin == best_of(plugins, plugin.family))
            print("{:<21} serves '{}': no other variant that runs here has a higher score\n", "", printable(plugin.family));
    }
}

// Where the environment names a variant that is not the best one, nothing else would say why a command is slower.
void show_choice_of_environment(const std::vector<PluginReport>& plugins) {
    const auto chosen = environment::device();
    if (!chosen) return;
    print("\nKRAIT_DEVICE={}: ", printable(*chosen));
    const auto specs = parse_device_list(*chosen);
    if (!specs) return print("no device: {}\n", printable(specs.error().message));
    for (const DeviceSpec& spec : *specs)
        if (!spec.is_auto())
            if (const auto found = PluginRegistry::instance().find(spec.family, spec.variant); !found)
                return print("no device: {}\n", printable(found.error().message));
    print("what a command without --device runs on\n");
    for (const DeviceSpec& spec : *specs) {
        const PluginReport* best = best_of(plugins, spec.family);
        if (spec.variant.empty() || !best || best->variant == spec.variant) continue;
        print("  {}:{} is forced by its name; '{}' alone would be {}\n", printable(spec.family), printable(spec.variant),
              printable(spec.family), printable(name_of(*best)));
    }
}

int show_devices() {
    PluginRegistry& registry = PluginRegistry::instance();
    const auto devices = registry.devices();
    print("{:<12} {:<15} {:<22} {}\n", "DEVICE", "KIND", "MEMORY (free of all)", "WHAT IT IS");
    bool first = true;
    for (const DeviceListing& device : devices) {
        if (!device.error.empty()) {
            print("{:<12} {}\n", printable(device.name), printable(device.error));
            continue;
        }
        const bool best = first && device.info.auto_rank > 0;
        first = first && !best;
        print("{:<12} {:<15} {:<22} {}{}\n", device.name, kind_name(device.info.kind),
              fmt::format("{} of {}", format_bytes(static_cast<double>(device.info.memory_free)),
                          format_bytes(static_cast<double>(device.info.memory_total))),
              printable(device.info.name),
              best                         ? "  <- auto"
              : device.info.auto_rank == 0 ? "  (only when named)"
                                           : "");
        if (device.info.features[0]) print("{:<51} {}\n", "", printable(device.info.features));
    }
    if (devices.empty()) print("(none)\n");

    const auto plugins = registry.reports();
    show_plugins(plugins);
    show_choice_of_environment(plugins);
    return devices.empty() ? kExitFailure : kExitOk;
}

int probe_devices() {
    print("{:<14} {:>14} {:>16} {:>14} {:>14}\n", "DEVICE", "WEIGHTS GB/s", "PRODUCTS GFLOP/s", "COPY us", "COPIES GB/s");
    bool any = false;
    for (const DeviceListing& listing : PluginRegistry::instance().devices()) {
        auto device = Device::open(DeviceSpec{listing.family, listing.index, {}, {}});
        const auto rates = device ? rates_of(*device) : Result<DeviceRates>(tl::unexpected<Error>(device.error()));
        if (!rates) {
            print("{:<14} not measured: {}\n", listing.name, printable(rates.error().message));
            continue;
        }
        any = true;
        print("{:<14} {:>14.2f} {:>16.1f} {:>14.2f} {:>14.2f}\n", listing.name, rates->bytes_per_second / 1e9,
              rates->operations_per_second / 1e9, rates->copy_seconds * 1e6, rates->copy_bytes_per_second / 1e9);
    }
    return any ? kExitOk : kExitFailure;
}

}  // namespace

void add_devices_command(Command& program) {
    Command& command = program.command("devices", "List devices and plugins: which serve, and why others do not");
    command.footer(
        "A device is named as in the first column, with a plugin's variant and options after ':' where wanted:\n"
        "  cpu    cpu:avx2    cpu:avx512:threads=2\n"
        "Without a variant the one with the highest score serves; each that does not run here says what the machine lacks.\n"
        "Plugins are looked for in $KRAIT_BACKEND_PATH and in backends/ beside the program.\n"
        "Every command prints what they warn of; KRAIT_LOG=debug or info in the environment: more; error or none: less.\n"
        "Examples:\n"
        "  krait devices\n"
        "  krait devices --probe                              how fast each is, measured once\n"
        "  krait devices --safe-probe                         when a plugin or driver crashes: which\n"
        "  KRAIT_BACKEND_PATH=~/plugins krait devices         with plugins of your own, or why they are refused");
    auto probe = std::make_shared<bool>(false);
    command.option(
        "--probe", *probe,
        "measure each device, once: what decides where layers go when several share a model. Kept in krait/rates.tsv in "
        "$XDG_CACHE_HOME or ~/.cache; delete it to measure again");
    auto safe_probe = std::make_shared<bool>(false);
    command.option("--safe-probe", *safe_probe,
                   "try each plugin in a child process first: one that crashes is listed, not used");
    command.body([probe, safe_probe] {
        PluginRegistry::instance().set_safe_probe(*safe_probe);
        return *probe ? probe_devices() : show_devices();
    });
}

}  // namespace krait::tools
