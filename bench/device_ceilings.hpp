// SPDX-License-Identifier: Apache-2.0
//
// The ceilings of a device, where it is this processor, and which of them counts for what it multiplies.
#pragma once

#include <optional>

#include "bench/ceilings/ceilings.hpp"
#include "core/base/result.hpp"
#include "core/tensor/dtype.hpp"

namespace krait::bench {

// Whether a spec names one device, not a list of several. Fails where it is neither.
Result<bool> is_one_device(std::string_view spec);

// Threads of the processor's device that is opened as `spec`: as its options say (threads=2, or as many as affinity=0,2-3
// names), else all processors. Fails where it is no name of a device.
Result<int> threads_of(std::string_view spec);

// Measured with that many threads; nothing where the device is not this processor. progress: CeilingOptions'.
Result<std::optional<Ceilings>> ceilings_of(bool is_processor, std::string_view spec,
                                            const std::function<void(uint64_t done, uint64_t total)>& progress);

// The best rate for products of weights of that format, in the numbers that the CPU backend makes of them: F32 by f32; F16 and
// BF16 by int16, or f32 where no unit of int16 was measured; quantized ones by the fastest of all.
const Peak& peak_for(const Ceilings& ceilings, DType format);

}  // namespace krait::bench
