// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/rounded_activations.hpp"

#include <cmath>

#include "core/quant/blocks.hpp"

namespace krait::harness {
namespace {

constexpr int64_t kUnit = 32;

std::span<float> floats(std::vector<std::byte>& bytes) {
    return {reinterpret_cast<float*>(bytes.data()), bytes.size() / sizeof(float)};
}

// Each unit of x becomes what the int8 numbers stand for.
void round_units(std::span<float> x) {
    for (size_t first = 0; first < x.size(); first += kUnit) {
        const std::span<float> unit = x.subspan(first, kUnit);
        float largest = 0;
        bool finite = true;
        for (const float v : unit) {
            finite = finite && std::isfinite(v);
            largest = std::max(largest, std::fabs(v));
        }
        // The factors are float32 as on a device: which integer a tie rounds to hangs on their last bit.
        const float inverse = 127.0f / largest;
        for (float& v : unit) {
            if (!finite) v = std::numeric_limits<float>::quiet_NaN();
            else if (largest == 0) v = 0;
            else
                v = static_cast<float>(static_cast<double>(std::nearbyint(v * inverse)) * static_cast<double>(largest) / 127.0);
        }
    }
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

bool rounds_activations(const Case& of, std::string_view features) {
    return of.op == OpId::mul_mat && is_quantized(dtype_of(of.find("w")->desc)) &&
           features.find("activations=int8x32") != std::string_view::npos;
}

Expected evaluate_rounded(const Case& of, const CaseData& data) {
    const auto x = static_cast<size_t>(operand_index(of.spec(), "x")), w = static_cast<size_t>(operand_index(of.spec(), "w"));
    CaseData rounded = data;
    round_units(floats(rounded.in[x]));
    Expected expected = evaluate(of, rounded);

    CaseData rest = data;
    if (!set_to_centre(dtype_of(of.find("w")->desc), rest.in[w])) return expected;
    Case plain = of;  // what the rounding took, through the centre: without the additions that are in already
    for (const char* operand : {"bias", "residual"}) {
        const auto i = static_cast<size_t>(operand_index(of.spec(), operand));
        plain.in[i] = {};
        rest.in[i].clear();
    }
    for (size_t k = 0; k < floats(rest.in[x]).size(); ++k) floats(rest.in[x])[k] -= floats(rounded.in[x])[k];
    const Expected correction = evaluate(plain, rest);
    for (size_t i = 0; i < expected.out[0].size(); ++i) expected.out[0][i] += correction.out[0][i];
    return expected;
}

}  // namespace krait::harness
