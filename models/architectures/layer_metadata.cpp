// SPDX-License-Identifier: Apache-2.0
#include "models/architectures/layer_metadata.hpp"

#include <algorithm>

#include "core/ops/page_columns.hpp"
#include "formats/factor_range.hpp"
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

Result<float> LayerMetadata::number(std::string_view name, std::optional<float> fallback, double min, double max) const {
    if (!fallback && !has(name)) return fail(ErrorCode::corrupt_file, "{}: '{}' is absent", file_.name(), key(name));
    KRAIT_TRY(const float value, file_.get_f32(key(name), fallback.value_or(0)));
    if (!(value >= static_cast<float>(min) && value <= static_cast<float>(max)))
        return corrupt(name, "{} is not from {} to {}", value, min, max);
    return value;
}

Result<float> LayerMetadata::factor(std::string_view name, float fallback) const {
    KRAIT_TRY(const float value, file_.get_f32(key(name), 0));
    if (value == 0) return fallback;
    if (!is_factor(static_cast<double>(value)))
        return corrupt(name, "{} is no factor from {} to {}, nor 0, which stands for none", value, kMinFactor, kMaxFactor);
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
        return corrupt(kHeads, "{} heads; a number that divides the inner size, {}, is needed", sizes.n_head, sizes.d_inner);
    if (sizes.n_head % sizes.n_group != 0)
        return corrupt(kGroups, "{} groups; a number that divides the {} heads is needed", sizes.n_group, sizes.n_head);
    return sizes;
}

Result<AttentionSizes> LayerMetadata::attention(int64_t layer, int64_t n_head, int64_t n_kv_head) const {
    if (n_head < 1) return corrupt("attention.head_count", "{} in layer {}, which has {} key heads", n_head, layer, n_kv_head);
    if (n_head % n_kv_head != 0)
        return corrupt("attention.head_count_kv", "{} in layer {}: key heads must divide the {} query heads", n_kv_head, layer,
                       n_head);
    constexpr std::string_view kKeyLength = "attention.key_length", kValueLength = "attention.value_length";
    AttentionSizes sizes{.d_model = shape_.d_model, .n_head = n_head, .n_kv_head = n_kv_head, .cache = shape_.cache};
    KRAIT_TRY(sizes.k_dim, size_or(kKeyLength, shape_.d_model / n_head));
    KRAIT_TRY(sizes.v_dim, size_or(kValueLength, sizes.k_dim));
    for (const auto& [name, dim] : {std::pair(kKeyLength, sizes.k_dim), std::pair(kValueLength, sizes.v_dim)})
        if (dim < 1) return corrupt(name, "heads of {} elements; at least 1 is needed", dim);
    KRAIT_TRY(sizes.scale, factor("attention.scale", 0));
    sizes.fused_qkv = has_tensor(layer, "attn_qkv.weight");
    if (sizes.fused_qkv && has_tensor(layer, "attn_q.weight"))
        return fail(ErrorCode::corrupt_file,
                    "{}: layer {} has both 'attn_qkv.weight' and 'attn_q.weight'; one of the two ways to name them is right",
                    file_.name(), layer);
    if (ops::fits_pages(sizes.cache, n_kv_head, sizes.k_dim, sizes.v_dim)) return sizes;
    // An odd width in F16, which is the default: such heads are of tests alone, so that the bytes do not matter.
    if (sizes.cache == DType::F16) {
        sizes.cache = DType::F32;
        return sizes;
    }
    return fail(ErrorCode::invalid_argument,
                "{}: layer {} keeps {} keys of {} and values of {} elements of each token: a cache of {} takes multiples of {} "
                "elements, and of {} for all heads together; 'f32' (--cache-type f32) takes any",
                file_.name(), layer, n_kv_head, sizes.k_dim, sizes.v_dim, dtype_name(sizes.cache), ops::write_step(sizes.cache),
                ops::row_step(sizes.cache));
}

Result<void> LayerMetadata::expect_tensors_of_experts(int64_t n_expert) const {
    constexpr std::string_view kFused = "ffn_gate_up_exps.weight";
    for (int64_t layer = 0; layer < shape_.n_layer; ++layer) {
        if (n_expert == 0 && has_tensor(layer, "ffn_gate_inp.weight"))
            return corrupt("expert_count", "layer {} has a router, so there are experts", layer);
        if (has_tensor(layer, kFused)) {
            const GgufTensor& fused = *file_.find_tensor(layer_prefix(layer) + std::string(kFused));
            return fail(ErrorCode::unsupported,
                        "{}: tensor '{}' ({}) has two matrices of each expert in one; files with 'ffn_gate_exps.weight' and "
                        "'ffn_up_exps.weight' are read. Convert the original checkpoint again",
                        file_.name_of(fused), fused.name, file_.origin_of(fused));
        }
    }
    return {};
}

Result<ExpertSizes> LayerMetadata::experts(const ExpertRules& rules) const {
    ExpertSizes sizes{.d_model = shape_.d_model};
    KRAIT_TRY(sizes.n_expert, size_or("expert_count", 0));
    KRAIT_CHECK(expect_tensors_of_experts(sizes.n_expert));
    if (sizes.n_expert == 0) return sizes;
    ops::RouteExpertsParams& route = sizes.route;
    KRAIT_TRY(const int64_t n_used, size("expert_used_count"));
    if (n_used > sizes.n_expert)
        return corrupt("expert_used_count", "{} experts for each token, but there are {}", n_used, sizes.n_expert);
    route.k = static_cast<int32_t>(n_used);
    // llama.cpp's numbers: 0 unset, 1 softmax, 2 sigmoid, 3 softmax of those that were chosen, which is 1 where they sum to 1.
    route.gate = rules.gate;
    const bool is_softmax = route.gate == ops::ExpertGate::softmax;
    KRAIT_TRY(const int64_t gate, size_or("expert_gating_func", 0));
    if (gate != 0 && gate != (is_softmax ? 1 : 2) && !(gate == 3 && is_softmax && rules.normalizes.value_or(false)))
        return unsupported("expert_gating_func", "{}; experts of '{}' have the gate {} ({})", gate, shape_.architecture,
                           is_softmax ? 1 : 2, is_softmax ? "softmax" : "sigmoid");
    KRAIT_TRY(const bool normalizes, file_.get_bool(key("expert_weights_norm"), rules.normalizes.value_or(false)));
    if (rules.normalizes.value_or(normalizes) != normalizes)
        return unsupported("expert_weights_norm", "{}; the weights of a row's experts {} to 1 in '{}'", normalizes,
                           normalizes ? "do not sum" : "sum", shape_.architecture);
    route.normalize = normalizes;
    KRAIT_TRY(route.scale, factor("expert_weights_scale", 1));
    KRAIT_TRY(const int64_t n_group, size_or("expert_group_count", 1));
    route.n_group = static_cast<int32_t>(std::max<int64_t>(n_group, 1));
    KRAIT_TRY(const int64_t n_group_used, size_or("expert_group_used_count", route.n_group));
    route.n_group_used = static_cast<int32_t>(n_group_used == 0 ? route.n_group : n_group_used);
    if (sizes.n_expert % route.n_group != 0)
        return corrupt("expert_group_count", "{} groups do not divide the {} experts", route.n_group, sizes.n_expert);
    if (route.n_group_used > route.n_group)
        return corrupt("expert_group_used_count", "{} of {} groups", route.n_group_used, route.n_group);
    if (const int64_t n_choice = sizes.n_expert / route.n_group * route.n_group_used; n_used > n_choice)
        return corrupt("expert_used_count", "{} experts for each token, but a token's groups have {}", n_used, n_choice);
    return sizes;
}

}  // namespace krait
