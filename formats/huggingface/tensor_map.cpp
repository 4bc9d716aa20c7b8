// SPDX-License-Identifier: Apache-2.0
#include "formats/huggingface/tensor_map.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>

#include "core/base/printable.hpp"
#include "core/tensor/tensor_desc.hpp"

namespace krait::huggingface {
namespace {

// "backbone.layers.3.mixer.D": layer 3, "mixer.D". -1: of no layer.
struct Place {
    int64_t layer = -1;
    std::string_view rest;
};

Place place_of(std::string_view name) {
    for (const std::string_view prefix : {"model.", "backbone."})  // Mistral's have both
        if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
    constexpr std::string_view kLayers = "layers.";
    if (!name.starts_with(kLayers)) return {-1, name};
    int64_t layer = 0;
    const char* const end = name.data() + name.size();
    const auto [last, code] = std::from_chars(name.data() + kLayers.size(), end, layer);
    if (code != std::errc{} || last == end || *last != '.' || layer < 0) return {-1, name};
    return {layer, {last + 1, end}};
}

const TensorRule* find_rule(const ModelFacts& facts, const Place& place) {
    const auto find = [](std::span<const TensorRule> rules, std::string_view name) -> const TensorRule* {
        const auto found = std::ranges::find(rules, name, &TensorRule::theirs);
        return found == rules.end() ? nullptr : &*found;
    };
    if (place.layer >= 0) {
        if (place.layer >= facts.size("block_count")) return nullptr;
        const TensorRule* rule = find(facts.architecture->layer_tensors, place.rest);
        return rule ? rule : find(facts.architecture->layer_tensors, fmt::format("mixer.{}", place.rest));
    }
    // The embedding has a name in each family of checkpoints.
    const bool is_embedding = place.rest == "embedding.weight" || place.rest == "embed_tokens.weight";
    return find(global_tensors(), is_embedding ? "embeddings.weight" : place.rest);
}

bool is_wanted(Presence presence, const ModelFacts& facts) {
    switch (presence) {
        case Presence::always: return true;
        case Presence::with_bias: return facts.has_bias;
        case Presence::with_conv_bias: return facts.has_conv_bias;
        case Presence::untied: return !facts.is_tied;
    }
    return false;
}

// Names for an error: the first few.
class NameList {
  public:
    void add(std::string_view name) {
        constexpr size_t kMaxNamed = 8;
        if (count_++ < kMaxNamed) text_ += (text_.empty() ? "" : ", ") + quote(name);
    }
    [[nodiscard]] size_t count() const { return count_; }
    [[nodiscard]] std::string text() const { return count_ > 8 ? fmt::format("{} and {} more", text_, count_ - 8) : text_; }

  private:
    std::string text_;
    size_t count_ = 0;
};

class Mapper {
  public:
    Mapper(const CheckpointFile& checkpoint, const ModelFacts& facts, const std::string& folder)
        : checkpoint_(checkpoint), facts_(facts), folder_(folder) {}

    Result<std::vector<MappedTensor>> map() {
        const auto n_layer = facts_.size("block_count");
        // Every layer has tensors of its own, so a lying count is caught before anything is made per layer.
        if (static_cast<uint64_t>(n_layer) > checkpoint_.tensors().size())
            return fail(ErrorCode::corrupt_file, "{}: config.json has {} layers, but there are {} tensors in all", folder_,
                        n_layer, checkpoint_.tensors().size());
        KRAIT_CHECK(assign());
        KRAIT_CHECK(drop_tied_head());
        NameList missing;
        KRAIT_CHECK(take(global_tensors().first(1), -1, "", missing));
        for (int64_t layer = 0; layer < n_layer; ++layer)
            KRAIT_CHECK(take(facts_.architecture->layer_tensors, layer, fmt::format("blk.{}.", layer), missing));
        KRAIT_CHECK(take(global_tensors().subspan(1), -1, "", missing));
        if (missing.count() > 0)
            return fail(ErrorCode::corrupt_file, "{}: {} weights of a {} model of {} layers are missing: {}", folder_,
                        missing.count(), facts_.architecture->title, n_layer, missing.text());
        return std::move(mapped_);
    }

  private:
    // Gives each tensor its place in the model.
    Result<void> assign() {
        NameList extra;
        for (size_t i = 0; i < checkpoint_.tensors().size(); ++i) {
            const std::string& name = checkpoint_.tensors()[i].name;
            const Place place = place_of(name);
            const TensorRule* rule = find_rule(facts_, place);
            const bool is_head = rule && rule->presence == Presence::untied;
            if (!rule || (!is_head && !is_wanted(rule->presence, facts_))) {
                extra.add(name);
                continue;
            }
            const auto [first, added] = found_.emplace(std::pair(place.layer, rule->theirs), i);
            if (!added)
                return fail(ErrorCode::corrupt_file, "{}: the tensors {} and {} are the same weight under two names", folder_,
                            quote(checkpoint_.tensors()[first->second].name), quote(name));
        }
        if (extra.count() == 0) return {};
        return fail(ErrorCode::unsupported,
                    "{}: a {} model of {} layers{} has no place for {} of the {} tensors, and the results would be wrong "
                    "without them: {}",
                    folder_, facts_.architecture->title, facts_.size("block_count"), facts_.has_bias ? "" : " without biases",
                    extra.count(), checkpoint_.tensors().size(), extra.text());
    }

    // Files that keep a tied head keep the embedding twice.
    Result<void> drop_tied_head() {
        const auto head = found_.find(std::pair(int64_t{-1}, std::string_view("lm_head.weight")));
        const auto embedding = found_.find(std::pair(int64_t{-1}, std::string_view("embeddings.weight")));
        if (head == found_.end() || embedding == found_.end() || !facts_.is_tied) return {};
        KRAIT_TRY(const bool same, are_equal(embedding->second, head->second));
        if (!same)
            return fail(ErrorCode::corrupt_file,
                        "{}: config.json ties the head to the embedding, but 'lm_head.weight' differs from it; "
                        "'tie_word_embeddings' is false where the head has weights of its own",
                        folder_);
        found_.erase(head);
        return {};
    }

    Result<bool> are_equal(size_t a, size_t b) const {
        const CheckpointTensor &one = checkpoint_.tensors()[a], &other = checkpoint_.tensors()[b];
        if (one.size != other.size || one.type != other.type || one.extents != other.extents) return false;
        if (one.shard == other.shard && one.file_offset == other.file_offset && one.strides == other.strides) return true;
        std::vector<std::byte> left(size_t{1} << 20), right(left.size());
        for (uint64_t at = 0; at < one.size; at += left.size()) {
            const auto n = static_cast<size_t>(std::min<uint64_t>(left.size(), one.size - at));
            KRAIT_CHECK(checkpoint_.read_part(one, at, std::span(left).first(n)));
            KRAIT_CHECK(checkpoint_.read_part(other, at, std::span(right).first(n)));
            if (std::memcmp(left.data(), right.data(), n) != 0) return false;
        }
        return true;
    }

    Result<void> take(std::span<const TensorRule> rules, int64_t layer, const std::string& prefix, NameList& missing) {
        for (const TensorRule& rule : rules) {
            const auto found = found_.find(std::pair(layer, rule.theirs));
            if (found != found_.end()) {
                KRAIT_CHECK(add(rule, prefix, found->second));
            } else if (is_wanted(rule.presence, facts_)) {
                const std::string_view owner = rule.theirs == "lm_head.weight" ? "" : "backbone.";
                missing.add(layer < 0 ? fmt::format("{}{}", owner, rule.theirs)
                                      : fmt::format("backbone.layers.{}.{}", layer, rule.theirs));
            }
        }
        return {};
    }

    Result<void> add(const TensorRule& rule, const std::string& prefix, size_t source) {
        const CheckpointTensor& stored = checkpoint_.tensors()[source];
        const auto refuse = [&](std::string_view why) {
            return fail(ErrorCode::corrupt_file, "{}: tensor {} (described at byte {}) is {} [{}]; {}",
                        checkpoint_.name_of(stored), quote(stored.name), stored.record_offset,
                        checkpoint_type_name(stored.type), extents_text(stored.extents), why);
        };
        const std::optional<DType> type = weight_type(stored.type);
        if (!type) return refuse("weights are F32, F16 or BF16");
        std::vector<int64_t> extents = stored.extents;
        if (std::ranges::any_of(extents, [](int64_t n) { return n == 0; })) return refuse("it is empty");
        switch (rule.shape) {
            case Shape::as_it_is: break;
            case Shape::without_middle:
                if (extents.size() == 3 && extents[1] == 1) extents.erase(extents.begin() + 1);
                else if (extents.size() != 2) return refuse("[channels, 1, taps] is needed");
                break;
            case Shape::column:
                if (extents.size() == 1) extents.push_back(1);
                break;
            case Shape::groups:
                if (extents.size() == 1 && extents[0] % facts_.size("ssm.group_count") == 0)
                    extents = {facts_.size("ssm.group_count"), extents[0] / facts_.size("ssm.group_count")};
                break;
        }
        if (extents.empty() || extents.size() > 2) return refuse("a vector or a matrix is needed");
        MappedTensor mapped{.source = source, .values = rule.values};
        mapped.tensor.name = prefix + std::string(rule.ours);
        mapped.tensor.desc = make_desc(rule.values == Values::as_they_are ? *type : DType::F32, extents);
        mapped.tensor.shard = stored.shard;
        mapped.tensor.file_offset = stored.file_offset;
        mapped.tensor.record_offset = stored.record_offset;
        mapped.tensor.size = static_cast<uint64_t>(span_bytes(mapped.tensor.desc));
        mapped_.push_back(std::move(mapped));
        return {};
    }

    static std::string extents_text(const std::vector<int64_t>& extents) {
        std::string text;
        for (const int64_t n : extents) text += fmt::format("{}{}", text.empty() ? "" : ", ", n);
        return text;
    }

    const CheckpointFile& checkpoint_;
    const ModelFacts& facts_;
    const std::string& folder_;
    std::map<std::pair<int64_t, std::string_view>, size_t> found_;  // by layer and rule
    std::vector<MappedTensor> mapped_;
};

}  // namespace

Result<std::vector<MappedTensor>> map_tensors(const CheckpointFile& checkpoint, const ModelFacts& facts,
                                              const std::string& folder) {
    return Mapper(checkpoint, facts, folder).map();
}

}  // namespace krait::huggingface
