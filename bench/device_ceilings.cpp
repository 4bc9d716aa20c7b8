// SPDX-License-Identifier: Apache-2.0
#include "bench/device_ceilings.hpp"

#include <charconv>
#include <cstdlib>

#include "core/base/processors.hpp"
#include "core/runtime/plugin_registry.hpp"

namespace krait::bench {

namespace {

// "0,2-3" names three. A list that is none is refused where the device is opened.
int64_t processors_in(std::string_view list) {
    const auto number = [&] {
        int value = 0;
        const auto [end, code] = std::from_chars(list.data(), list.data() + list.size(), value);
        list.remove_prefix(static_cast<size_t>(end - list.data()));
        return value;
    };
    int64_t n = 0;
    while (!list.empty() && list[0] >= '0' && list[0] <= '9') {
        const int64_t first = number();
        int64_t last = first;
        if (list.starts_with('-')) list.remove_prefix(1), last = number();
        n += last - first + 1;
        list.remove_prefix(std::min<size_t>(1, list.size()));  // ',' or '+'
    }
    return n;
}

}  // namespace

Result<bool> is_one_device(std::string_view spec) {
    KRAIT_TRY(const auto devices, parse_device_list(spec));
    return devices.size() == 1;
}

Result<int> threads_of(std::string_view spec) {
    KRAIT_TRY(const DeviceSpec parsed, parse_device_spec(spec));
    const std::string options = ":" + parsed.options;
    const auto value_of = [&](std::string_view key) -> std::optional<std::string> {
        const size_t at = options.find(key);
        if (at == std::string::npos) return std::nullopt;
        return options.substr(at + key.size(), options.find(':', at + 1) - at - key.size());
    };
    if (const auto threads = value_of(":threads=")) return std::atoi(threads->c_str());
    if (const auto affinity = value_of(":affinity="))
        if (const int64_t n = processors_in(*affinity); n > 0) return static_cast<int>(std::min<int64_t>(n, 1024));
    return usable_processors();
}

Result<std::optional<Ceilings>> ceilings_of(bool is_processor, std::string_view spec,
                                            const std::function<void(uint64_t done, uint64_t total)>& progress) {
    if (!is_processor) return std::nullopt;
    KRAIT_TRY(const int n_threads, threads_of(spec));
    return measure_ceilings({.n_threads = n_threads, .progress = progress});
}

const Peak& peak_for(const Ceilings& ceilings, DType format) {
    if (is_quantized(format)) return ceilings.highest();
    const Peak *f32 = ceilings.best(Number::f32), *int16 = ceilings.best(Number::int16);
    return format == DType::F32 || !int16 ? *f32 : *int16;
}

}  // namespace krait::bench
