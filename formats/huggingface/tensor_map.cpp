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

// The number between two places of a name.
std::optional<int64_t> number_at(std::string_view name, size_t first, size_t last) {
    int64_t number = 0;
    const auto [end, code] = std::from_chars(name.data() + first, name.data() + last, number);
    if (code != std::errc{} || end != name.data() + last || number < 0 || first == last) return std::nullopt;
    return number;
}

// "backbone.layers.3.mixer.D": layer 3, "mixer.D".
Place place_of(std::string_view name, const ModelFacts& facts) {
    for (const std::string_view prefix : {"model.", "backbone."})  // Mistral's have both
        if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
    constexpr std::string_view kLayers = "layers.", kExperts = "experts.";
    Place place{.rest = std::string(name)};
    if (!name.starts_with(kLayers)) return place;
    const size_t dot = std::min(name.find('.', kLayers.size()), name.size());
    const auto layer = number_at(name, kLayers.size(), dot);
    if (!layer || dot == name.size()) return place;
    place.layer = *layer;
    place.rest = name.substr(dot + 1);
    if (place.layer >= facts.size("block_count")) return place;
    if (facts.architecture->relocate) facts.architecture->relocate(facts, place);
    const size_t experts = place.rest.starts_with(kExperts) ? 0 : place.rest.find(".experts.") + 1;
    if (experts == 0 && !place.rest.starts_with(kExperts)) return place;
    const size_t first = experts + kExperts.size(), end = std::min(place.rest.find('.', first), place.rest.size());
    if (const auto expert = number_at(place.rest, first, end)) {
        place.expert = *expert;
        place.rest.replace(first, end - first, "{}");
    }
    return place;
}

// A rule, and the name that it has for a tensor of its layer.
struct NamedRule {
    const TensorRule* rule;
    std::string theirs;
};

bool belongs(const TensorGroup& group, LayerParts parts) {
    // A shared block has its own groups alone.
    return (parts & group.parts) == group.parts && ((parts & kBlock) != 0) == ((group.parts & kBlock) != 0);
}

// The rules for a layer, in the order of files; -1: those of no layer.
std::vector<NamedRule> rules_of(const ModelFacts& facts, int64_t layer) {
    std::vector<NamedRule> rules;
    const auto add = [&](std::string_view prefix, const TensorRule& rule) {
        // A tied head is looked for as well: files may have it.
        if (facts.has(rule.presence) || rule.presence == Presence::untied)
            rules.push_back({&rule, std::string(prefix) + std::string(rule.theirs)});
    };
    if (layer < 0) {
        for (const TensorRule& rule : facts.architecture->global_tensors) add("", rule);
        return rules;
    }
    for (const TensorGroup& group : facts.architecture->groups)
        if (belongs(group, facts.parts_of(layer)))
            for (const TensorRule& rule : group.rules) add(group.prefix, rule);
    return rules;
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
        const auto blocks = facts_.sizes.find("shared_block_count");
        const int64_t n_block = blocks == facts_.sizes.end() ? 0 : blocks->second;
        if (n_block > n_layer)
            return fail(ErrorCode::corrupt_file, "{}: config.json has {} blocks that layers share, but {} layers", folder_,
                        n_block, n_layer);
        global_ = rules_of(facts_, -1);
        for (int64_t layer = 0; layer < n_layer + n_block; ++layer) layers_.push_back(rules_of(facts_, layer));
        KRAIT_CHECK(assign());
        KRAIT_CHECK(drop_tied_head());
        NameList missing;
        KRAIT_CHECK(take(std::span(global_).first(1), -1, "", missing));
        for (int64_t block = 0; block < n_block; ++block)
            KRAIT_CHECK(take(rules(n_layer + block), n_layer + block, fmt::format("shared.{}.", block), missing));
        for (int64_t layer = 0; layer < n_layer; ++layer)
            KRAIT_CHECK(take(rules(layer), layer, fmt::format("blk.{}.", layer), missing));
        KRAIT_CHECK(take(std::span(global_).subspan(1), -1, "", missing));
        if (missing.count() > 0)
            return fail(ErrorCode::corrupt_file, "{}: {} of {} layers: {} {} missing: {}", folder_, facts_.architecture->title,
                        n_layer, missing.count(), missing.count() == 1 ? "weight is" : "weights are", missing.text());
        return std::move(mapped_);
    }

  private:
    static constexpr size_t kNone = SIZE_MAX;
    using Sources = std::vector<size_t>;  // of one tensor, or by expert; kNone where one is missing

    std::span<const NamedRule> rules(int64_t layer) const { return layers_[static_cast<size_t>(layer)]; }

    // The name of the rule that takes a tensor; nullptr where none does.
    const std::string* find_rule(const Place& place) const {
        if (place.layer >= std::ssize(layers_)) return nullptr;
        const auto find = [&](std::string_view name) -> const std::string* {
            const std::span<const NamedRule> all = place.layer < 0 ? std::span<const NamedRule>(global_) : rules(place.layer);
            const auto found = std::ranges::find(all, name, &NamedRule::theirs);
            return found == all.end() ? nullptr : &found->theirs;
        };
        if (place.layer >= 0) {
            const std::string* rule = find(place.rest);
            return rule ? rule : find("mixer." + place.rest);
        }
        // The embedding has a name in each family of checkpoints.
        const bool is_embedding = place.rest == "embedding.weight" || place.rest == "embed_tokens.weight";
        return find(is_embedding ? "embeddings.weight" : place.rest);
    }

    // Gives each tensor its place in the model.
    Result<void> assign() {
        NameList extra;
        const std::span<const CheckpointTensor> tensors = checkpoint_.tensors();
        const std::string_view dropped = facts_.architecture->dropped;
        for (size_t i = 0; i < tensors.size(); ++i) {
            const std::string& name = tensors[i].name;
            if (!dropped.empty() && name.starts_with(dropped)) continue;
            const Place place = place_of(name, facts_);
            const std::string* theirs = find_rule(place);
            if (!theirs || place.expert >= std::ssize(tensors)) {
                extra.add(name);
                continue;
            }
            Sources& sources = found_[{place.layer, *theirs}];
            const auto at = static_cast<size_t>(std::max<int64_t>(place.expert, 0));
            if (sources.size() <= at) sources.resize(at + 1, kNone);
            if (sources[at] == kNone) {
                sources[at] = i;
                continue;
            }
            if (!place.is_copy)
                return fail(ErrorCode::corrupt_file, "{}: the tensors {} and {} are the same weight under two names", folder_,
                            quote(tensors[sources[at]].name), quote(name));
            KRAIT_TRY(const bool same, are_equal(sources[at], i));
            if (!same)
                return fail(ErrorCode::corrupt_file,
                            "{}: the tensors {} and {} belong to one block that layers share, but differ", folder_,
                            quote(tensors[sources[at]].name), quote(name));
        }
        if (extra.count() == 0) return {};
        return fail(ErrorCode::unsupported,
                    "{}: {} of {} layers{} has no place for {} of the {} tensors, and the results would be wrong "
                    "without them: {}",
                    folder_, facts_.architecture->title, facts_.size("block_count"),
                    facts_.has(Presence::with_bias) ? "" : " without biases", extra.count(), tensors.size(), extra.text());
    }

    // Files that keep a tied head keep the embedding twice.
    Result<void> drop_tied_head() {
        const auto head = found_.find({-1, "lm_head.weight"}), embedding = found_.find({-1, "embeddings.weight"});
        if (head == found_.end() || embedding == found_.end() || !facts_.is_tied) return {};
        KRAIT_TRY(const bool same, are_equal(embedding->second[0], head->second[0]));
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

    Result<void> take(std::span<const NamedRule> rules, int64_t layer, const std::string& prefix, NameList& missing) {
        for (const NamedRule& named : rules) {
            if (!facts_.has(named.rule->presence)) continue;
            const auto found = found_.find({layer, named.theirs});
            // Rules for one tensor of ours are names of it in different files.
            const NamedRule* other = nullptr;
            for (const NamedRule& one : rules)
                if (one.rule != named.rule && one.rule->ours == named.rule->ours && facts_.has(one.rule->presence))
                    other = &one;
            const bool has_other = other && found_.contains({layer, other->theirs});
            if (found != found_.end() && has_other)
                return fail(ErrorCode::corrupt_file,
                            "{}: layer {} has both '{}' and '{}', which are names for the same weight; one of them is right",
                            folder_, layer, named.theirs, other->theirs);
            if (found == found_.end()) {
                if (!has_other && !(other && other->rule < named.rule)) missing.add(name_of(layer, named.theirs));
                continue;
            }
            for (size_t expert = 0; expert < found->second.size(); ++expert)
                if (found->second[expert] == kNone) missing.add(name_of(layer, named.theirs, expert));
            if (missing.count() == 0) KRAIT_CHECK(add(*named.rule, prefix, found->second));
        }
        return {};
    }

    // As checkpoints have it.
    std::string name_of(int64_t layer, std::string_view theirs, std::optional<size_t> expert = {}) const {
        std::string name(theirs);
        if (const size_t at = name.find("{}"); expert && at != std::string::npos)
            name.replace(at, 2, fmt::format("{}", *expert));
        const std::string_view owner = facts_.architecture->prefix;
        if (theirs == "embeddings.weight" && owner == "model.") name = "embed_tokens.weight";
        if (layer < 0) return fmt::format("{}{}", theirs == "lm_head.weight" ? "" : owner, name);
        int64_t user = layer;  // a block that layers share is named by the first layer with it
        if (int64_t block = layer - facts_.size("block_count"); block >= 0)
            for (user = 0; user < std::ssize(facts_.layers) &&
                           (!(facts_.layers[static_cast<size_t>(user)] & kSharedBlock) || block-- > 0);)
                ++user;
        return fmt::format("{}layers.{}.{}", owner, user, name);
    }

    Result<void> add(const TensorRule& rule, const std::string& prefix, const Sources& sources) {
        const CheckpointTensor& stored = checkpoint_.tensors()[sources[0]];
        const auto refuse = [&](std::string_view why) {
            return fail(ErrorCode::corrupt_file, "{}: tensor {} (described at byte {}) is {} [{}]; {}",
                        checkpoint_.name_of(stored), quote(stored.name), stored.record_offset,
                        checkpoint_type_name(stored.type), extents_text(stored.extents), why);
        };
        const std::optional<DType> type = weight_type(stored.type);
        if (!type) return refuse("weights are F32, F16 or BF16");
        std::vector<int64_t> extents = stored.extents;
        if (std::ranges::any_of(extents, [](int64_t n) { return n == 0; })) return refuse("it is empty");
        for (const size_t source : sources)
            if (const CheckpointTensor& other = checkpoint_.tensors()[source];
                other.type != stored.type || other.extents != stored.extents)
                return refuse(fmt::format("{} is {} [{}], but experts are alike", quote(other.name),
                                          checkpoint_type_name(other.type), extents_text(other.extents)));
        const bool is_listed = rule.theirs.find("{}") != std::string_view::npos;  // a tensor for each expert
        if (rule.shape == Shape::experts) {
            if (is_listed && extents.size() == 2) extents.insert(extents.begin(), std::ssize(sources));
            if (extents.size() != 3) return refuse(is_listed ? "a matrix is needed" : "[experts, rows, columns] is needed");
        } else if (sources.size() > 1) {
            return refuse(fmt::format("it is one of {} experts, where one is needed", sources.size()));
        }
        switch (rule.shape) {
            case Shape::as_it_is:
            case Shape::experts: break;
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
        if (extents.empty() || (rule.shape != Shape::experts && extents.size() > 2))
            return refuse("a vector or a matrix is needed");
        // Rows and columns of a matrix, or of one expert's.
        const size_t row_extent = extents.size() == 1 ? 0 : extents.size() - 2;
        const int64_t width = extents.size() == 1 ? 1 : extents.back(), rows = extents[row_extent];
        if (rows % rule.parts != 0) return refuse(fmt::format("rows in {} parts are needed", rule.parts));
        extents[row_extent] = rows / rule.parts;

        MappedTensor mapped{.values = rule.values, .stored = *type};
        mapped.tensor.name = prefix + std::string(rule.ours);
        mapped.tensor.desc = make_desc(rule.values == Values::as_they_are ? *type : DType::F32, extents);
        mapped.tensor.shard = stored.shard;
        mapped.tensor.file_offset = stored.file_offset;
        mapped.tensor.record_offset = stored.record_offset;
        mapped.tensor.size = static_cast<uint64_t>(span_bytes(mapped.tensor.desc));
        const int64_t n_expert = rule.shape == Shape::experts ? extents[0] : 1;
        for (int64_t expert = 0; expert < n_expert; ++expert) {
            const size_t source = sources[is_listed ? static_cast<size_t>(expert) : 0];
            const int64_t row = (is_listed ? 0 : expert * rows) + rule.part * extents[row_extent];
            append(mapped.runs, {.source = source, .first = row * width, .count = extents[row_extent] * width});
        }
        if (rule.permuted && !permute(mapped.runs, width))
            return refuse(fmt::format("heads of {} rows are needed", facts_.size("attention.key_length")));
        if (rule.factors != Factors::none && !scale(rule, mapped.runs, width))
            return refuse("its rows are not those of z, x, B, C and dt by the sizes in config.json");
        mapped_.push_back(std::move(mapped));
        return {};
    }

    // To the end of a list; a run that goes on where the last one ends becomes part of it.
    static void append(std::vector<Run>& runs, Run run) {
        if (!runs.empty()) {
            Run& last = runs.back();
            run.begin = last.begin + last.count;
            if (last.source == run.source && last.first + last.count == run.first && last.factor == run.factor) {
                last.count += run.count;
                return;
            }
        }
        runs.push_back(run);
    }

    // From pairs (i, i + n_rot / 2) of each head to pairs of neighbours. Of one whole matrix or bias.
    bool permute(std::vector<Run>& runs, int64_t width) const {
        const auto turning = facts_.sizes.find("rope.dimension_count");
        if (turning == facts_.sizes.end()) return true;
        const int64_t n_rot = turning->second, head = facts_.size("attention.key_length"), rows = runs[0].count / width;
        if (rows % head != 0 || n_rot > head) return false;
        const Run whole = runs[0];
        runs.clear();
        for (int64_t row = 0; row < rows; ++row) {
            const int64_t i = row % head, from = i < n_rot ? row - i + i % 2 * (n_rot / 2) + i / 2 : row;
            append(runs, {.source = whole.source, .first = from * width, .count = width});
        }
        return true;
    }

    bool scale(const TensorRule& rule, std::vector<Run>& runs, int64_t width) const {
        double factor = 1;
        for (const std::string_view number : rule.numbers)
            if (!number.empty()) factor *= facts_.number(number);
        if (rule.factors == Factors::one) {
            for (Run& run : runs) run.factor = static_cast<float>(factor);
            return true;
        }
        const int64_t inner = facts_.size("ssm.inner_size"),
                      bc = facts_.size("ssm.group_count") * facts_.size("ssm.state_size");
        const std::pair<std::string_view, int64_t> blocks[] = {
            {".z", inner}, {".x", inner}, {".b", bc}, {".c", bc}, {".dt", facts_.size("ssm.time_step_rank")}};
        const Run whole = runs[0];
        runs.clear();
        int64_t row = 0;
        for (const auto& [number, rows] : blocks) {
            append(runs, {.source = whole.source,
                          .first = row * width,
                          .count = rows * width,
                          .factor = static_cast<float>(factor * facts_.number(number))});
            row += rows;
        }
        return row * width == whole.count;
    }

    static std::string extents_text(const std::vector<int64_t>& extents) {
        std::string text;
        for (const int64_t n : extents) text += fmt::format("{}{}", text.empty() ? "" : ", ", n);
        return text;
    }

    const CheckpointFile& checkpoint_;
    const ModelFacts& facts_;
    const std::string& folder_;
    std::vector<NamedRule> global_;
    std::vector<std::vector<NamedRule>> layers_;                // behind the layers: the blocks that they share
    std::map<std::pair<int64_t, std::string>, Sources> found_;  // by layer and rule's name
    std::vector<MappedTensor> mapped_;
};

}  // namespace

bool MappedTensor::is_as_stored(const CheckpointFile& checkpoint) const {
    return values != Values::minus_exp && stored == tensor.dtype() && runs.size() == 1 && runs[0].factor == 1 &&
           runs[0].first == 0 && checkpoint.tensors()[runs[0].source].size == tensor.size;
}

Result<std::vector<MappedTensor>> map_tensors(const CheckpointFile& checkpoint, const ModelFacts& facts,
                                              const std::string& folder) {
    return Mapper(checkpoint, facts, folder).map();
}

}  // namespace krait::huggingface
