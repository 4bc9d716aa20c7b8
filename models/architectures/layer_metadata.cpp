// SPDX-License-Identifier: Apache-2.0
#include "models/architectures/layer_metadata.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "formats/gguf/gguf_value.hpp"

namespace krait {

std::string LayerMetadata::place_of(std::string_view name) const {
    const GgufMetadata* entry = file_.find(key(name));
    return entry ? fmt::format("at byte {}", entry->offset) : std::string("is absent");
}

bool LayerMetadata::has_tensor(int64_t layer, std::string_view name) const {
    return file_.find_tensor(layer_prefix(layer) + std::string(name)) != nullptr;
}

Result<int64_t> LayerMetadata::size_or(std::string_view name, int64_t fallback) const {
    KRAIT_TRY(const uint64_t value, file_.get_u64(key(name), static_cast<uint64_t>(fallback)));
    if (value > INT32_MAX) return corrupt(name, "{}; at most {} is possible", value, INT32_MAX);
    return static_cast<int64_t>(value);
}

Result<float> LayerMetadata::number(std::string_view name, float fallback) const {
    KRAIT_TRY(const float value, file_.get_f32(key(name), fallback));
    if (!std::isfinite(value)) return corrupt(name, "{} is no finite number", value);
    return value;
}

Result<std::vector<int64_t>> LayerMetadata::per_layer(std::string_view name, std::optional<int64_t> fallback) const {
    const auto n_layer = static_cast<size_t>(shape_.n_layer);
    const GgufMetadata* entry = file_.find(key(name));
    std::vector<int64_t> values;
    if (!entry && fallback) {
        values.assign(n_layer, *fallback);
    } else if (entry && std::holds_alternative<GgufArray>(entry->value)) {
        if (const auto* flags = std::get_if<std::vector<bool>>(&std::get<GgufArray>(entry->value))) {
            values.assign(flags->begin(), flags->end());
        } else {
            KRAIT_TRY(values, file_.get<std::vector<int64_t>>(key(name)));
        }
        if (values.size() != n_layer)
            return corrupt(name, "{} numbers for {} layers; one for each is needed, or one number for all", values.size(),
                           n_layer);
    } else {
        KRAIT_TRY(const int64_t value, file_.get_i64(key(name)));
        values.assign(n_layer, value);
    }
    for (size_t i = 0; i < values.size(); ++i)
        if (values[i] < 0 || values[i] > INT32_MAX)
            return corrupt(name, "{} in layer {}; 0 to {} are possible", values[i], i, INT32_MAX);
    return values;
}

Result<Mamba2Sizes> LayerMetadata::mamba2() const {
    constexpr const char* kHeads = "ssm.time_step_rank";
    constexpr const char* kGroups = "ssm.group_count";
    Mamba2Sizes sizes{.d_model = shape_.d_model};
    KRAIT_TRY(sizes.d_inner, size("ssm.inner_size"));
    KRAIT_TRY(sizes.d_state, size("ssm.state_size"));
    KRAIT_TRY(sizes.d_conv, size("ssm.conv_kernel"));
    KRAIT_TRY(sizes.n_head, size(kHeads));
    KRAIT_TRY(sizes.n_group, size(kGroups));
    if (sizes.d_inner % sizes.n_head != 0)
        return fail(ErrorCode::corrupt_file, "{}: '{}' {} is {}: heads must divide the inner size, {}", file_.name(),
                    key(kHeads), place_of(kHeads), sizes.n_head, sizes.d_inner);
    if (sizes.n_head % sizes.n_group != 0)
        return fail(ErrorCode::corrupt_file, "{}: '{}' {} is {}: groups must divide the {} heads", file_.name(), key(kGroups),
                    place_of(kGroups), sizes.n_group, sizes.n_head);
    return sizes;
}

Result<AttentionSizes> LayerMetadata::attention(int64_t layer, int64_t n_head, int64_t n_kv_head) const {
    if (n_head < 1) return corrupt("attention.head_count", "{} in layer {}, which has {} key heads", n_head, layer, n_kv_head);
    if (n_head % n_kv_head != 0)
        return corrupt("attention.head_count_kv", "{} in layer {}: key heads must divide the {} query heads", n_kv_head, layer,
                       n_head);
    AttentionSizes sizes{.d_model = shape_.d_model, .n_head = n_head, .n_kv_head = n_kv_head, .cache = shape_.cache};
    KRAIT_TRY(sizes.k_dim, size_or("attention.key_length", shape_.d_model / n_head));
    KRAIT_TRY(sizes.v_dim, size_or("attention.value_length", sizes.k_dim));
    if (sizes.k_dim < 1 || sizes.v_dim < 1)
        return corrupt("attention.key_length", "heads of {} and {} elements; at least 1 is needed", sizes.k_dim, sizes.v_dim);
    KRAIT_TRY(sizes.scale, number("attention.scale", 0));
    sizes.fused_qkv = has_tensor(layer, "attn_qkv.weight");
    if (sizes.fused_qkv && has_tensor(layer, "attn_q.weight"))
        return fail(ErrorCode::corrupt_file,
                    "{}: layer {} has both 'attn_qkv.weight' and 'attn_q.weight'; one of the two ways to name them is right",
                    file_.name(), layer);
    return sizes;
}

Result<ops::RopeParams> LayerMetadata::rope(int64_t k_dim, ops::RopePairing pairing) const {
    ops::RopeParams rope{.pairing = pairing};
    KRAIT_TRY(const int64_t n_rot, size_or("rope.dimension_count", k_dim));
    if (n_rot < 2 || n_rot % 2 != 0 || n_rot > k_dim)
        return corrupt("rope.dimension_count", "{}; an even number from 2 to the head's {} elements is needed", n_rot, k_dim);
    rope.n_rot = static_cast<int32_t>(n_rot);
    KRAIT_TRY(rope.base, number("rope.freq_base", 10000));
    if (!(rope.base > 0)) return corrupt("rope.freq_base", "{} is not above 0", rope.base);
    if (file_.find_tensor("rope_freqs.weight"))
        return fail(
            ErrorCode::unsupported,
            "{}: 'rope_freqs.weight' has a factor for each frequency of the rotary positions; '{}' is not read with such "
            "factors yet",
            file_.name(), shape_.architecture);
    KRAIT_TRY(const std::string_view type, file_.get_string(key("rope.scaling.type"), "none"));
    if (type == "none") return rope;
    KRAIT_TRY(const float factor, number("rope.scaling.factor", 1));
    if (!(factor > 0)) return corrupt("rope.scaling.factor", "{} is not above 0", factor);
    rope.scale = 1 / factor;
    if (type == "linear") return rope;
    if (type != "yarn")
        return fail(ErrorCode::unsupported, "{}: '{}' is {}; 'none', 'linear' and 'yarn' are known", file_.name(),
                    key("rope.scaling.type"), quote_name(type));
    // Peng et al. 2023, section 3.2: pairs that turn more than beta_fast times within the original context stay as they are,
    // those that turn less than beta_slow times are interpolated, and scores grow (eq. 22).
    KRAIT_TRY(const int64_t original, size("rope.scaling.original_context_length"));
    KRAIT_TRY(const float beta_fast, number("rope.scaling.yarn_beta_fast", 32));
    KRAIT_TRY(const float beta_slow, number("rope.scaling.yarn_beta_slow", 1));
    KRAIT_TRY(const float factor_of_scores, number("rope.scaling.attn_factor", 1));
    if (!(beta_fast > 0) || !(beta_slow > 0))
        return corrupt("rope.scaling.yarn_beta_fast", "{} turns, and {} slow ones; both must be above 0", beta_fast, beta_slow);
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

Result<ExpertSizes> LayerMetadata::experts() const {
    ExpertSizes sizes{.d_model = shape_.d_model};
    KRAIT_TRY(sizes.n_expert, size_or("expert_count", 0));
    if (sizes.n_expert == 0) return sizes;
    KRAIT_TRY(const int64_t n_used, size("expert_used_count"));
    if (n_used > sizes.n_expert)
        return corrupt("expert_used_count", "{} experts for each token, but there are {}", n_used, sizes.n_expert);
    sizes.route.k = static_cast<int32_t>(n_used);
    KRAIT_TRY(const bool normalize, file_.get_bool(key("expert_weights_norm"), false));
    sizes.route.normalize = normalize;
    KRAIT_TRY(const float scale, number("expert_weights_scale", 0));
    sizes.route.scale = scale == 0 ? 1 : scale;
    KRAIT_TRY(const int64_t n_group, size_or("expert_group_count", 1));
    sizes.route.n_group = static_cast<int32_t>(std::max<int64_t>(n_group, 1));
    KRAIT_TRY(const int64_t n_group_used, size_or("expert_group_used_count", sizes.route.n_group));
    sizes.route.n_group_used = static_cast<int32_t>(n_group_used == 0 ? sizes.route.n_group : n_group_used);
    if (sizes.n_expert % sizes.route.n_group != 0)
        return corrupt("expert_group_count", "{} groups do not divide the {} experts", sizes.route.n_group, sizes.n_expert);
    if (sizes.route.n_group_used > sizes.route.n_group)
        return corrupt("expert_group_used_count", "{} of {} groups", sizes.route.n_group_used, sizes.route.n_group);
    if (const int64_t n_choice = sizes.n_expert / sizes.route.n_group * sizes.route.n_group_used; n_used > n_choice)
        return corrupt("expert_used_count", "{} experts for each token, but a token's groups have {}", n_used, n_choice);
    return sizes;
}

}  // namespace krait
