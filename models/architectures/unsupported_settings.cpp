// SPDX-License-Identifier: Apache-2.0
#include "models/architectures/unsupported_settings.hpp"

#include <algorithm>

#include "formats/gguf/gguf_value.hpp"

namespace krait {
namespace {

enum class Match { whole, anywhere, ending };

struct Setting {
    Match match;
    std::string_view text;  // of the key without the architecture
    double neutral[2];      // values that change nothing
    std::string_view why;
};
constexpr std::string_view kUnfolded =
    "this file leaves the model's multipliers to the graph; convert the original checkpoint again, which folds them into the "
    "weights";
constexpr std::string_view kWindow = "attention to a window alone is not supported";
constexpr std::string_view kCapped = "scores and logits with a limit are not supported";
constexpr Setting kSettings[] = {
    {Match::anywhere, "multiplier", {1, 1}, kUnfolded},
    {Match::anywhere, "mup", {0, 0}, kUnfolded},
    {Match::ending, "_scale", {0, 1}, "the architecture has no such factor"},
    {Match::whole, "rope.scale_linear", {0, 1}, "'rope.scaling.type' and 'rope.scaling.factor' are read"},
    {Match::whole, "attention.causal", {1, 1}, "models that look both ways are not supported"},
    {Match::whole, "attention.sliding_window", {0, 0}, kWindow},
    {Match::whole, "attn_logit_softcapping", {0, 0}, kCapped},
    {Match::whole, "final_logit_softcapping", {0, 0}, kCapped},
    {Match::whole, "attention.clamp_kqv", {0, 0}, kCapped},
    {Match::whole, "attention.max_alibi_bias", {0, 0}, "scores that depend on the distance are not supported"},
};

bool matches(const Setting& setting, std::string_view key) {
    switch (setting.match) {
        case Match::whole: return key == setting.text;
        case Match::anywhere: return key.find(setting.text) != std::string_view::npos;
        case Match::ending: return key.ends_with(setting.text);
    }
    return false;
}

// Whether all numbers of a value are neutral; texts never are.
struct IsNeutral {
    const Setting& setting;

    template <class T>
    bool operator()(const T& value) const {
        if constexpr (std::is_arithmetic_v<T>) {
            const auto number = static_cast<double>(value);
            return number == setting.neutral[0] || number == setting.neutral[1];
        } else {
            return false;
        }
    }
    template <class T>
    bool operator()(const std::vector<T>& values) const {
        return std::all_of(values.begin(), values.end(), [&](const T& value) { return (*this)(value); });
    }
    bool operator()(const GgufArray& array) const { return std::visit(*this, array); }
};

}  // namespace

Result<void> refuse_unsupported_settings(const ModelSource& file, std::string_view architecture,
                                         std::span<const std::string_view> scales) {
    // That of experts is read wherever there are some.
    const auto is_read = [&](std::string_view key) {
        return key == "expert_weights_scale" || std::find(scales.begin(), scales.end(), key) != scales.end();
    };
    for (const GgufMetadata& entry : file.metadata()) {
        std::string_view key = entry.key;
        if (!key.starts_with(architecture)) continue;
        key.remove_prefix(architecture.size());
        if (!key.starts_with('.')) continue;
        key.remove_prefix(1);
        if (is_read(key)) continue;
        for (const Setting& setting : kSettings)
            if (matches(setting, key) && !std::visit(IsNeutral{setting}, entry.value))
                return fail(ErrorCode::unsupported, "{}: {} at byte {} is {}: {}", file.name(), quote_name(entry.key),
                            entry.offset, to_string(entry.value), setting.why);
    }
    return {};
}

}  // namespace krait
