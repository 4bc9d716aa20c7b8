// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/rounded_operands.hpp"

#include <algorithm>
#include <cmath>

#include "core/quant/blocks.hpp"
#include "core/quant/codec.hpp"
#include "tests/harness/tolerance.hpp"

namespace krait::harness {
namespace {

std::span<float> floats(std::vector<std::byte>& bytes) {
    return {reinterpret_cast<float*>(bytes.data()), bytes.size() / sizeof(float)};
}

struct Rounding {
    size_t unit;  // elements that share a scale
    float max;    // of the integers
};
constexpr Rounding kInt8x32{32, 127}, kInt13x32{32, 8191};

// Each unit of rows of n_in numbers becomes what the integers stand for.
void round_units(const Rounding& how, size_t n_in, std::span<float> x) {
    for (size_t row = 0; row < x.size(); row += n_in)
        for (size_t first = 0; first < n_in; first += how.unit) {
            const std::span<float> unit = x.subspan(row + first, std::min(how.unit, n_in - first));
            float largest = 0;
            bool finite = true;
            for (const float v : unit) {
                finite = finite && std::isfinite(v);
                largest = std::max(largest, std::fabs(v));
            }
            // The factor is float32 as on a device: which integer a tie rounds to hangs on its last bit.
            const float inverse = how.max / largest;
            for (float& v : unit) {
                if (!finite) v = std::numeric_limits<float>::quiet_NaN();
                else if (largest == 0) v = 0;
                else v = static_cast<float>(std::nearbyint(v * inverse) * static_cast<double>(largest) / how.max);
            }
        }
}

// The case with F32 weights: those that w's bytes stand for, rounded.
void round_halves(Case& of, CaseData& data, size_t w) {
    TensorDesc& desc = of.in[w].desc;
    const auto n_in = static_cast<size_t>(last_extent(desc)), n_rows = static_cast<size_t>(row_count(desc));
    const auto stride = static_cast<size_t>(row_bytes(dtype_of(desc), last_extent(desc)));
    std::vector<std::byte> bytes(n_in * n_rows * sizeof(float));
    for (size_t n = 0; n < n_rows; ++n)
        decode_row(dtype_of(desc), data.in[w].data() + n * stride, floats(bytes).subspan(n * n_in, n_in));
    round_units(kInt13x32, n_in, floats(bytes));
    data.in[w] = std::move(bytes);
    desc = make_desc(DType::F32, std::span(desc.extent, desc.rank));
}

// The middle quant of the formats that have a minimum, -1 for the others.
template <class Block>
constexpr int middle_quant() {
    if constexpr (std::is_same_v<Block, BlockQ2_K>) return 2;
    else if constexpr (std::is_same_v<Block, BlockQ4_1> || std::is_same_v<Block, BlockQ4_K>) return 8;
    else if constexpr (std::is_same_v<Block, BlockQ5_1> || std::is_same_v<Block, BlockQ5_K>) return 16;
    else return -1;
}

// Sets every quant of w to the middle one; false for a format without minima.
bool set_to_centre(DType dtype, std::vector<std::byte>& w) {
    bool has_minima = false;
    visit_block(dtype, [&]<class Block>() {
        if constexpr (middle_quant<Block>() >= 0) {
            has_minima = true;
            for (size_t at = 0; at < w.size(); at += sizeof(Block)) {
                Block block;
                std::memcpy(&block, w.data() + at, sizeof block);
                for (int i = 0; i < block_elems<Block>; ++i) set_quant(block, i, middle_quant<Block>());
                std::memcpy(w.data() + at, &block, sizeof block);
            }
        }
    });
    return has_minima;
}

}  // namespace

bool rounds_operands(const Case& of, const krait_device_capabilities& device) {
    if (!multiplies_weights(of.op)) return false;
    const uint32_t rounding = rounding_of(dtype_of(of.find("w")->desc), device);
    return rounding == KRAIT_ROUNDING_INT8X32 || rounding == KRAIT_ROUNDING_INT13X32;
}

Expected evaluate_rounded(const Case& of, const CaseData& data) {
    const auto x = static_cast<size_t>(find_operand(of.spec().inputs, "x")),
               w = static_cast<size_t>(find_operand(of.spec().inputs, "w"));
    const auto n_in = static_cast<size_t>(last_extent(of.in[x].desc));
    CaseData rounded = data;
    if (!is_quantized(dtype_of(of.in[w].desc))) {
        // A weight that is not finite has no integers: a device keeps such weights as they are.
        Case wide = of;
        round_halves(wide, rounded, w);
        const auto values = floats(rounded.in[w]);
        if (std::any_of(values.begin(), values.end(), [](float v) { return !std::isfinite(v); })) return evaluate(of, data);
        round_units(kInt13x32, n_in, floats(rounded.in[x]));
        return evaluate(wide, rounded);
    }
    round_units(kInt8x32, n_in, floats(rounded.in[x]));
    Expected expected = evaluate(of, rounded);

    CaseData rest = data;
    if (!set_to_centre(dtype_of(of.find("w")->desc), rest.in[w])) return expected;
    Case plain = of;  // what the rounding took, through the centre: without the additions that are in already
    for (const char* operand : {"bias", "residual"}) {
        const int i = find_operand(of.spec().inputs, operand);
        if (i < 0) continue;
        plain.in[static_cast<size_t>(i)] = {};
        rest.in[static_cast<size_t>(i)].clear();
    }
    for (size_t k = 0; k < floats(rest.in[x]).size(); ++k) floats(rest.in[x])[k] -= floats(rounded.in[x])[k];
    const Expected correction = evaluate(plain, rest);
    for (size_t i = 0; i < expected.out[0].size(); ++i) expected.out[0][i] += correction.out[0][i];
    return expected;
}

}  // namespace krait::harness
