// SPDX-License-Identifier: Apache-2.0
//
// Devices that may take float32 subnormals for zeros, as Vulkan lets them (KRAIT_DEVICE_FLUSHES_SUBNORMALS). A sum or a product
// of two numbers, which is held to the exact bits elsewhere, may then be that of such zeros, in all of a result alike.
#pragma once

#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

#include "tests/harness/case_data.hpp"
#include "tests/harness/compare.hpp"

namespace krait::harness {

template <class T>
T without_subnormal(T v) {
    return std::fabs(v) < std::numeric_limits<float>::min() ? std::copysign(T{0}, v) : v;
}

inline bool may_flush_subnormals(const Case& of, const krait_device_capabilities& device) {
    return (of.op == OpId::add || of.op == OpId::mul) && (device.flags & KRAIT_DEVICE_FLUSHES_SUBNORMALS) != 0;
}

// The difference from the result of operands without subnormals, a subnormal result being 0 too.
inline std::optional<std::string> compare_flushed(const Comparison& how, const Case& of, const CaseData& data,
                                                  std::span<const float> got) {
    CaseData flushed = data;
    for (std::vector<std::byte>& bytes : flushed.in)
        for (size_t at = 0; at + sizeof(float) <= bytes.size(); at += sizeof(float)) {
            float v;
            std::memcpy(&v, bytes.data() + at, sizeof v);
            v = without_subnormal(v);
            std::memcpy(bytes.data() + at, &v, sizeof v);
        }
    std::vector<double> expected = evaluate(of, flushed).out[0];
    for (double& v : expected) v = without_subnormal(v);
    return compare(how, got, expected);
}

}  // namespace krait::harness
