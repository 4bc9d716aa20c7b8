// SPDX-License-Identifier: Apache-2.0
#include "models/random/random_hybrid.hpp"

#include <algorithm>

#include "models/architectures/registry.hpp"

namespace krait {
namespace {

// Attention at these layers, other letters elsewhere.
std::string letters(size_t n_layer, char others, std::initializer_list<size_t> attention) {
    std::string layers(n_layer, others);
    for (const size_t layer : attention) layers[layer] = '*';
    return layers;
}

HybridSizes granite(std::string layers, int64_t width, int64_t key_length, int64_t head_dim, int64_t ff, float residual,
                    float logits) {
    return {.layers = std::move(layers),
            .sizes = {{"embedding_length", width},
                      {"feed_forward_length", ff},
                      {"attention.head_count", 12},
                      {".head_count_kv", 4},
                      {"attention.key_length", key_length},
                      {"attention.value_length", key_length},
                      {"ssm.conv_kernel", 4},
                      {"ssm.state_size", 128},
                      {"ssm.group_count", 1},
                      {"ssm.time_step_rank", 48},
                      {"ssm.inner_size", 48 * head_dim}},
            .numbers = {{"attention.layer_norm_rms_epsilon", 1e-5f},
                        {"attention.scale", 1.0f / static_cast<float>(key_length)},
                        {"embedding_scale", 12.0f},
                        {"residual_scale", residual},
                        {"logit_scale", logits}},
            .flags = {{"rope.scaling.finetuned", false}}};
}

// The published checkpoints, by their configurations.
const std::map<std::string, PublishedHybrid, std::less<>>& published() {
    static const std::map<std::string, PublishedHybrid, std::less<>> all = [] {
        std::map<std::string, PublishedHybrid, std::less<>> models;
        models["granite-4.0-h-350m"] = {"granitehybrid", 100352, true,
                                        granite(letters(32, 'M', {10, 13, 17, 27}), 768, 64, 32, 2048, 0.246f, 3)};
        models["granite-4.0-h-1b"] = {"granitehybrid", 100352, true,
                                      granite(letters(40, 'M', {5, 15, 25, 35}), 1536, 128, 64, 4096, 0.22f, 6)};
        PublishedHybrid tiny{"granitehybrid", 100352, true,
                             granite(letters(40, 'M', {5, 15, 25, 35}), 1536, 128, 64, 512, 0.22f, 6)};
        tiny.sizes.sizes["expert_count"] = 64;
        tiny.sizes.sizes["expert_used_count"] = 6;
        tiny.sizes.sizes["expert_shared_feed_forward_length"] = 1024;
        models["granite-4.0-h-tiny"] = std::move(tiny);
        models["nemotron-nano-9b-v2"] = {
            "nemotron_h",
            131072,
            false,
            {.layers = "M-M-M-MM-M-M-M*-M-M-M*-M-M-M-M*-M-M-M-M*-M-MM-M-M-M-M-M-",
             .sizes = {{"embedding_length", 4480},
                       {".feed_forward_length", 15680},
                       {"attention.head_count", 40},
                       {".head_count_kv", 8},
                       {"attention.key_length", 128},
                       {"attention.value_length", 128},
                       {"ssm.conv_kernel", 4},
                       {"ssm.state_size", 128},
                       {"ssm.group_count", 8},
                       {"ssm.time_step_rank", 128},
                       {"ssm.inner_size", 128 * 80}},
             .numbers = {{"attention.layer_norm_rms_epsilon", 1e-5f}, {"attention.layer_norm_epsilon", 1e-5f}}}};
        models["falcon-h1-0.5b"] = {"falcon-h1",
                                    32784,
                                    false,
                                    {.layers = std::string(36, 'H'),
                                     .sizes = {{"embedding_length", 1024},
                                               {"feed_forward_length", 2048},
                                               {"attention.head_count", 8},
                                               {".head_count_kv", 2},
                                               {"attention.key_length", 64},
                                               {"attention.value_length", 64},
                                               {"rope.dimension_count", 64},
                                               {"ssm.conv_kernel", 4},
                                               {"ssm.state_size", 128},
                                               {"ssm.group_count", 1},
                                               {"ssm.time_step_rank", 24},
                                               {"ssm.inner_size", 24 * 64}},
                                     .numbers = {{"attention.layer_norm_rms_epsilon", 1e-5f}, {"rope.freq_base", 1e11f}}}};
        models["jamba-reasoning-3b"] = {"jamba",
                                        65536,
                                        true,
                                        {.layers = letters(28, 'M', {7, 21}),
                                         .sizes = {{"embedding_length", 2560},
                                                   {"feed_forward_length", 8192},
                                                   {"attention.head_count", 20},
                                                   {".head_count_kv", 1},
                                                   {"attention.key_length", 128},
                                                   {"attention.value_length", 128},
                                                   {"ssm.conv_kernel", 4},
                                                   {"ssm.state_size", 16},
                                                   {"ssm.time_step_rank", 160},
                                                   {"ssm.inner_size", 5120}},
                                         .numbers = {{"attention.layer_norm_rms_epsilon", 1e-6f}}}};
        models["lfm2-350m"] = {"lfm2",
                               65536,
                               true,
                               {.layers = letters(16, 'C', {2, 5, 8, 10, 12, 14}),
                                .sizes = {{"embedding_length", 1024},
                                          {"feed_forward_length", 4608},
                                          {"attention.head_count", 16},
                                          {".head_count_kv", 8},
                                          {"attention.key_length", 64},
                                          {"attention.value_length", 64},
                                          {"rope.dimension_count", 64},
                                          {"shortconv.l_cache", 3}},
                                .numbers = {{"attention.layer_norm_rms_epsilon", 1e-5f}, {"rope.freq_base", 1e6f}}}};
        return models;
    }();
    return all;
}

// A file of which there are metadata alone, and of the tensors those that say what a layer is made of.
class PlannedFile final : public ModelSource {
  public:
    PlannedFile(const std::string& architecture, const HybridSizes& sizes, int64_t n_vocab, bool tied_head) {
        metadata_.push_back({"general.architecture", architecture});
        for (GgufMetadata& entry : hybrid_metadata(architecture, sizes)) metadata_.push_back(std::move(entry));
        const int64_t d_model = sizes.size("embedding_length");
        add("token_embd.weight", {n_vocab, d_model});
        if (!tied_head) add("output.weight", {n_vocab, d_model});
        const bool has_experts = sizes.size("expert_count") > 0 && architecture != "nemotron_h";
        for (size_t i = 0; i < sizes.layers.size(); ++i) {
            if (has_experts || sizes.layers[i] == 'E') add(fmt::format("blk.{}.ffn_gate_inp.weight", i), {1});
            if (sizes.layers[i] == 'H') add(fmt::format("blk.{}.ffn_norm", i), {1});
            add(fmt::format("blk.{}.attn_norm.weight", i), {d_model});
        }
        index();
    }

    const std::string& name() const override { return name_; }
    size_t file_count() const override { return 1; }
    const std::string& file_name(size_t) const override { return name_; }
    uint64_t file_size() const override { return 0; }
    uint32_t version() const override { return 0; }
    std::string origin_of(const GgufTensor&) const override { return "planned"; }
    std::vector<std::span<const std::byte>> descriptions() const override { return {}; }
    Result<void> read_part(const GgufTensor&, uint64_t, std::span<std::byte>) const override {
        return fail(ErrorCode::internal, "{} has no data", name_);
    }
    void will_read(const GgufTensor&) const override {}
    void will_not_read(const GgufTensor&) const override {}
    void release_pages() const override {}

  private:
    void add(std::string name, std::initializer_list<int64_t> extents) {
        GgufTensor& tensor = tensors_.emplace_back();
        tensor.name = std::move(name);
        tensor.desc = make_desc(DType::F32, std::vector<int64_t>(extents));
    }

    std::string name_ = "the random model";
};

}  // namespace

int64_t HybridSizes::size(std::string_view key) const {
    const auto found = sizes.find(key);
    return found == sizes.end() ? 0 : found->second;
}

std::optional<PublishedHybrid> published_hybrid(std::string_view name) {
    const auto found = published().find(name);
    if (found == published().end()) return std::nullopt;
    return found->second;
}

std::string_view published_hybrid_names() {
    static const std::string names = [] {
        std::string text;
        for (const auto& [name, model] : published()) text += (text.empty() ? "" : ", ") + name;
        return text;
    }();
    return names;
}

std::string reduced_layers(const std::string& layers, int64_t n_layer) {
    const auto n = static_cast<size_t>(n_layer), all = layers.size();
    // Recurrent kinds first: where there are fewer layers than kinds, these make the model what it is.
    std::string reduced, kinds;
    for (const char kind : std::string("MHC*-E"))
        if (layers.find(kind) != std::string::npos) kinds += kind;
    if (n < kinds.size()) return kinds.substr(0, n);
    for (size_t i = 0; i < n; ++i) reduced += layers[std::min((2 * i + 1) * all / (2 * n), all - 1)];
    // A kind that fell through the steps takes the place of the last layer of the most common one.
    for (const char kind : kinds) {
        if (reduced.find(kind) != std::string::npos) continue;
        const auto most = *std::ranges::max_element(reduced, {}, [&](char c) { return std::ranges::count(reduced, c); });
        if (std::ranges::count(reduced, most) > 1) reduced[reduced.rfind(most)] = kind;
    }
    return reduced;
}

void scale_widths(HybridSizes& sizes, int64_t d_model) {
    const double ratio = static_cast<double>(d_model) / static_cast<double>(sizes.size("embedding_length"));
    const auto scaled = [&](int64_t size, int64_t multiple) {
        return std::max<int64_t>(static_cast<int64_t>(static_cast<double>(size) * ratio) / multiple, 1) * multiple;
    };
    const bool has_heads = sizes.size("ssm.group_count") > 0;  // Mamba-2
    const int64_t head_dim = has_heads ? sizes.size("ssm.inner_size") / sizes.size("ssm.time_step_rank") : 1;
    for (auto& [key, size] : sizes.sizes) {
        if (key == "embedding_length") size = d_model;
        if (key.ends_with("feed_forward_length")) size = scaled(size, 64);  // whole blocks of most formats
    }
    int64_t& kv = sizes.sizes[".head_count_kv"];
    kv = scaled(kv, 1);
    int64_t& heads = sizes.sizes["attention.head_count"];
    heads = scaled(heads, kv);
    if (sizes.size("ssm.inner_size") == 0) return;
    int64_t& rank = sizes.sizes["ssm.time_step_rank"];
    rank = scaled(rank, has_heads ? sizes.size("ssm.group_count") : 1);
    sizes.sizes["ssm.inner_size"] = has_heads ? rank * head_dim : scaled(sizes.size("ssm.inner_size"), 1);
}

std::vector<GgufMetadata> hybrid_metadata(const std::string& architecture, const HybridSizes& s) {
    std::vector<GgufMetadata> entries;
    const auto add = [&](std::string_view key, GgufValue value) {
        entries.push_back({fmt::format("{}.{}", architecture, key), std::move(value)});
    };
    add("context_length", uint32_t{1} << 20);
    add("block_count", static_cast<uint32_t>(s.layers.size()));
    for (const auto& [key, size] : s.sizes)
        if (!key.starts_with('.')) add(key, static_cast<uint32_t>(size));
    for (const auto& [key, number] : s.numbers) add(key, number);
    for (const auto& [key, flag] : s.flags) add(key, flag);
    std::vector<int32_t> heads, widths;
    for (const char letter : s.layers) {
        heads.push_back(letter == '*' || letter == 'H' ? static_cast<int32_t>(s.size(".head_count_kv")) : 0);
        widths.push_back(letter == '-' || letter == 'E' ? static_cast<int32_t>(s.size(".feed_forward_length")) : 0);
    }
    add("attention.head_count_kv", GgufArray(std::move(heads)));
    if (s.size(".feed_forward_length") > 0) add("feed_forward_length", GgufArray(std::move(widths)));
    return entries;
}

Result<std::vector<WeightSpec>> hybrid_weights(const std::string& architecture, const HybridSizes& sizes, int64_t n_vocab,
                                               bool tied_head) {
    const PlannedFile file(architecture, sizes, n_vocab, tied_head);
    const auto known = known_architectures();
    const auto entry = std::ranges::find(known, std::string_view(architecture), &ArchitectureEntry::name);
    if (entry == known.end()) return fail(ErrorCode::internal, "there is no architecture {}", architecture);
    KRAIT_TRY(ModelShape shape, read_shape(file, architecture));
    KRAIT_TRY(const Architecture made, entry->create(file, std::move(shape)));
    std::vector<WeightSpec> specs = made.weights();
    // The bias of the convolution is the only weight here that a file may lack.
    std::erase_if(specs, [](const WeightSpec& spec) { return spec.optional && !spec.name.ends_with("ssm_conv1d.bias"); });
    for (WeightSpec& spec : specs) {  // as files have them: once
        spec.extents[0] /= spec.repeats;
        spec.repeats = 1;
    }
    return specs;
}

}  // namespace krait
