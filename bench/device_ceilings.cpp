// SPDX-License-Identifier: Apache-2.0
#include "bench/device_ceilings.hpp"

#include <cstdlib>

namespace krait::bench {

Result<int> threads_of(const Device& device, std::string_view spec) {
    if (std::string_view(device.api().family) != "cpu") return 0;
    KRAIT_TRY(const DeviceSpec parsed, parse_device_spec(spec));
    constexpr std::string_view kKey = "threads=";
    const size_t at = parsed.options.find(kKey);
    return at == std::string::npos ? default_thread_count() : std::atoi(parsed.options.c_str() + at + kKey.size());
}

Result<std::optional<Ceilings>> ceilings_of(const Device& device, std::string_view spec,
                                            const std::function<void(uint64_t done, uint64_t total)>& progress) {
    if (device.info().kind != KRAIT_DEVICE_CPU) return std::nullopt;
    KRAIT_TRY(const int n_threads, threads_of(device, spec));
    return measure_ceilings({.n_threads = n_threads, .progress = progress});
}

const Peak& peak_for(const Ceilings& ceilings, DType format) {
    if (is_quantized(format)) return ceilings.highest();
    const Peak *f32 = ceilings.best(Number::f32), *bf16 = ceilings.best(Number::bf16);
    if (format == DType::F32 || !bf16 || bf16->operations_per_second < f32->operations_per_second) return *f32;
    return *bf16;
}

}  // namespace krait::bench
