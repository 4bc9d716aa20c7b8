// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/compare.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace krait::harness {
namespace {

std::string place(const Comparison& how, size_t i) {
    const auto columns = static_cast<size_t>(std::max<int64_t>(how.row_elements, 1));
    return fmt::format("{}: row {}, column {}", how.what, i / columns, i % columns);
}

bool same_kind(float got, double expected) {
    if (std::isnan(expected) || std::isnan(got)) return std::isnan(expected) && std::isnan(got);
    // A double beyond float32 is infinite there.
    const auto rounded = static_cast<float>(expected);
    if (std::isinf(rounded) || std::isinf(got)) return got == rounded;
    return true;
}

bool same_bits(float got, double expected) {
    if (std::isnan(expected)) return std::isnan(got);
    return std::bit_cast<uint32_t>(got) == std::bit_cast<uint32_t>(static_cast<float>(expected));
}

struct Errors {
    double squared = 0, energy = 0, worst = -1;
    size_t worst_at = 0;
    void add(double got, double expected, size_t i) {
        const double error = (got - expected) * (got - expected);
        squared += error;
        energy += expected * expected;
        if (error > worst) worst = error, worst_at = i;
    }
    // Where nothing but zero is expected, any other number is infinitely wrong.
    double nmse() const { return squared == 0 ? 0 : energy == 0 ? HUGE_VAL : squared / energy; }
};

}  // namespace

std::optional<std::string> compare(const Comparison& how, std::span<const float> got, std::span<const double> expected) {
    if (got.size() != expected.size())
        return fmt::format("{}: {} elements, {} expected", how.what, got.size(), expected.size());
    Errors total;
    const auto columns = static_cast<size_t>(std::max<int64_t>(how.row_elements, 1));
    std::optional<std::string> bad_row;
    for (size_t start = 0; start < got.size(); start += columns) {
        Errors row;
        for (size_t i = start; i < std::min(start + columns, got.size()); ++i) {
            if (!same_kind(got[i], expected[i]) || (how.tolerance == 0 && !same_bits(got[i], expected[i])))
                return fmt::format("{}: got {:.9g}, expected {:.9g}{}", place(how, i), got[i], expected[i],
                                   how.tolerance == 0 ? " exactly" : "");
            if (!std::isfinite(got[i])) continue;
            row.add(got[i], expected[i], i);
            total.add(got[i], expected[i], i);
        }
        if (how.tolerance > 0 && !bad_row && row.nmse() > how.row_tolerance)
            bad_row =
                fmt::format("{}: got {:.9g}, expected {:.9g}; NMSE of the row {:.3g}, allowed {:.3g}", place(how, row.worst_at),
                            got[row.worst_at], expected[row.worst_at], row.nmse(), how.row_tolerance);
    }
    if (how.tolerance > 0 && total.nmse() > how.tolerance)
        return fmt::format("{}: got {:.9g}, expected {:.9g} (the largest error); NMSE {:.3g}, allowed {:.3g}",
                           place(how, total.worst_at), got[total.worst_at], expected[total.worst_at], total.nmse(),
                           how.tolerance);
    return bad_row;
}

std::optional<std::string> compare(const Comparison& how, std::span<const int32_t> got, std::span<const double> expected) {
    if (got.size() != expected.size())
        return fmt::format("{}: {} elements, {} expected", how.what, got.size(), expected.size());
    for (size_t i = 0; i < got.size(); ++i)
        if (got[i] != expected[i]) return fmt::format("{}: got {}, expected {}", place(how, i), got[i], expected[i]);
    return std::nullopt;
}

std::optional<std::string> compare_bits(std::string_view what, std::span<const std::byte> got,
                                        std::span<const std::byte> expected, int64_t row_elements) {
    if (got.size() != expected.size()) return fmt::format("{}: {} bytes, {} expected", what, got.size(), expected.size());
    if (got.empty() || std::memcmp(got.data(), expected.data(), got.size()) == 0) return std::nullopt;
    const size_t byte = static_cast<size_t>(std::mismatch(got.begin(), got.end(), expected.begin()).first - got.begin());
    uint32_t a = 0, b = 0;
    const size_t word = byte / 4 * 4, n = std::min<size_t>(4, got.size() - word);
    std::memcpy(&a, got.data() + word, n);
    std::memcpy(&b, expected.data() + word, n);
    return fmt::format("{}: got {:.9g} ({:08x}), expected {:.9g} ({:08x}) bit for bit",
                       place({std::string(what), 0, 0, row_elements}, byte / 4), std::bit_cast<float>(a), a,
                       std::bit_cast<float>(b), b);
}

}  // namespace krait::harness
