// SPDX-License-Identifier: Apache-2.0
//
// LayerMetadata::rope: how heads turn, with the ramp of YaRN that follows from a file's keys.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "formats/factor_range.hpp"
#include "formats/gguf/gguf_value.hpp"
#include "models/architectures/layer_metadata.hpp"

namespace krait {

Result<ops::RopeParams> LayerMetadata::rope(int64_t k_dim, ops::RopePairing pairing) const {
    ops::RopeParams rope{.pairing = pairing};
    KRAIT_TRY(const int64_t n_rot, size_or("rope.dimension_count", k_dim));
    if (n_rot < 2 || n_rot % 2 != 0 || n_rot > k_dim)
        return corrupt("rope.dimension_count", "{}; an even number from 2 to the head's {} elements is needed", n_rot, k_dim);
    rope.n_rot = static_cast<int32_t>(n_rot);
    KRAIT_TRY(rope.base, number("rope.freq_base", 10000, kMinRopeBase, kMaxRopeBase));
    // Sections of the pairs turn with positions of their own, which in a text are all the same.
    if (has("rope.dimension_sections")) {
        KRAIT_TRY(const auto sections, file_.get<std::vector<int64_t>>(key("rope.dimension_sections")));
        if (const int64_t n_pair = std::accumulate(sections.begin(), sections.end(), int64_t{0}); n_pair != n_rot / 2)
            return corrupt("rope.dimension_sections", "{} pairs in all; those of the {} elements that turn, {}, are needed",
                           n_pair, n_rot, n_rot / 2);
    }
    if (file_.find_tensor("rope_freqs.weight"))
        return fail(
            ErrorCode::unsupported,
            "{}: 'rope_freqs.weight' has a factor for each frequency of the rotary positions; '{}' is not read with such "
            "factors yet",
            file_.name(), shape_.architecture);
    KRAIT_TRY(const std::string_view type, file_.get_string(key("rope.scaling.type"), "none"));
    if (type == "none") return rope;
    if (type != "linear" && type != "yarn")
        return unsupported("rope.scaling.type", "{}; 'none', 'linear' and 'yarn' are known", quote_name(type));
    KRAIT_TRY(const float factor, number("rope.scaling.factor", std::nullopt, kMinFactor, kMaxFactor));
    rope.scale = 1 / factor;
    if (type == "linear") return rope;
    // Peng et al. 2023, section 3.2: pairs that turn more than beta_fast times within the original context stay as they are,
    // those that turn less than beta_slow times are interpolated, and scores grow (eq. 22).
    KRAIT_TRY(const int64_t original, size("rope.scaling.original_context_length"));
    KRAIT_TRY(const float beta_fast, number("rope.scaling.yarn_beta_fast", 32, kMinFactor, kMaxFactor));
    KRAIT_TRY(const float beta_slow, number("rope.scaling.yarn_beta_slow", 1, kMinFactor, kMaxFactor));
    KRAIT_TRY(const float factor_of_scores, number("rope.scaling.attn_factor", 1, kMinFactor, kMaxFactor));
    if (rope.base == 1) return corrupt("rope.freq_base", "1: with YaRN frequencies differ, so it is above 1");
    const auto pair_of = [&](double turns) {
        return static_cast<double>(n_rot) * std::log(static_cast<double>(original) / (turns * 2 * std::numbers::pi)) /
               (2 * std::log(static_cast<double>(rope.base)));
    };
    const auto within = [&](double pair) { return static_cast<float>(std::clamp(pair, 0.0, static_cast<double>(n_rot - 1))); };
    rope.ramp_low = within(std::floor(pair_of(beta_fast)));
    rope.ramp_high = within(std::ceil(pair_of(beta_slow)));
    rope.magnitude = factor_of_scores * static_cast<float>(1 + 0.1 * std::log(static_cast<double>(std::max(factor, 1.0f))));
    return rope;
}

}  // namespace krait
