// SPDX-License-Identifier: Apache-2.0
#include "bench/device_ceilings.hpp"

#include <cstdlib>

#include "core/base/processors.hpp"

namespace krait::bench {

Result<int> threads_of(std::string_view spec) {
    KRAIT_TRY(const DeviceSpec parsed, parse_device_spec(spec));
    const std::string options = ":" + parsed.options;
    const auto value_of = [&](std::string_view key) -> std::optional<std::string> {
        const size_t at = options.find(key);
        if (at == std::string::npos) return std::nullopt;
        return options.substr(at + key.size(), options.find(':', at + 1) - at - key.size());
    };
    if (const auto threads = value_of(":threads=")) return std::atoi(threads->c_str());
    if (const auto affinity = value_of(":affinity="); affinity && *affinity != "none")
        return fail(
            ErrorCode::invalid_argument,
            "the device '{}' has as many threads as its list of processors says, and the machine is measured with as many: "
            "give their number too, with --threads or as cpu:threads=N:affinity={}",
            spec, *affinity);
    return usable_processors();
}

Result<std::optional<Ceilings>> ceilings_of(const Device& device, std::string_view spec,
                                            const std::function<void(uint64_t done, uint64_t total)>& progress) {
    if (device.info().kind != KRAIT_DEVICE_CPU) return std::nullopt;
    KRAIT_TRY(const int n_threads, threads_of(spec));
    return measure_ceilings({.n_threads = n_threads, .progress = progress});
}

const Peak& peak_for(const Ceilings& ceilings, DType format) {
    if (is_quantized(format)) return ceilings.highest();
    const Peak *f32 = ceilings.best(Number::f32), *int16 = ceilings.best(Number::int16);
    return format == DType::F32 || !int16 ? *f32 : *int16;
}

}  // namespace krait::bench
