// SPDX-License-Identifier: Apache-2.0
#include "models/loading/unread_tensors.hpp"

#include <algorithm>
#include <charconv>
#include <unordered_set>

namespace krait {
namespace {

struct HarmlessTensor {
    std::string_view kind;  // the name, without "blk.N." where it has that
    std::string_view why;   // leaving it out changes nothing
};
// Only what no architecture here could use if it wanted to.
constexpr HarmlessTensor kHarmless[] = {
    {"rope_freqs.weight", "factors of rotary position frequencies; nothing rotates in a model without attention"},
    {"attn_rot_embd.weight", "a table of those frequencies, which early converters stored and every reader computes itself"},
};

// "blk.12.ssm_in.weight" -> 12, "ssm_in.weight"; -1 and the name itself where it belongs to no layer.
struct TensorPlace {
    int64_t layer = -1;
    std::string_view kind;

    explicit TensorPlace(std::string_view name) : kind(name) {
        constexpr std::string_view kPrefix = "blk.";
        if (!name.starts_with(kPrefix)) return;
        int64_t number = 0;
        const char* const end = name.data() + name.size();
        const auto [last, code] = std::from_chars(name.data() + kPrefix.size(), end, number);
        if (code != std::errc{} || last == end || *last != '.' || number < 0) return;
        layer = number;
        kind = {last + 1, end};
    }
    bool is_harmless() const {
        return std::any_of(std::begin(kHarmless), std::end(kHarmless), [&](const auto& known) { return known.kind == kind; });
    }
};

}  // namespace

Result<void> refuse_unread_tensors(const ModelSource& file, std::string_view architecture, int64_t n_layer,
                                   std::span<const WeightSpec> specs) {
    constexpr size_t kMaxNamed = 5;
    std::unordered_set<std::string_view> read;
    for (const WeightSpec& spec : specs) read.insert(spec.name);
    std::string names;
    size_t n_unread = 0;
    int64_t last_layer = -1;
    bool all_in_further_layers = true;
    for (const GgufTensor& tensor : file.tensors()) {
        const TensorPlace place(tensor.name);
        if (read.contains(tensor.name) || place.is_harmless()) continue;
        if (n_unread++ < kMaxNamed) names += (names.empty() ? "" : ", ") + quote_name(tensor.name);
        all_in_further_layers = all_in_further_layers && place.layer >= n_layer;
        last_layer = std::max(last_layer, place.layer);
    }
    if (n_unread == 0) return {};
    if (n_unread > kMaxNamed) names += fmt::format(" and {} more", n_unread - kMaxNamed);
    if (all_in_further_layers)
        return fail(ErrorCode::corrupt_file,
                    "{}: '{}.block_count' is {}, but there are weights up to layer {} (layers count from 0): {}", file.name(),
                    architecture, n_layer, last_layer, names);
    return fail(
        ErrorCode::unsupported,
        "{}: the architecture '{}' has no place for {} of the file's {} tensors, and the results would be wrong without "
        "them: {}. Is this a model of another kind?",
        file.name(), architecture, n_unread, file.tensors().size(), names);
}

}  // namespace krait
