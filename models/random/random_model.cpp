// SPDX-License-Identifier: Apache-2.0
#include "models/random/random_model.hpp"

#include "formats/gguf/gguf_writer.hpp"
#include "models/architectures/mamba.hpp"
#include "models/architectures/mamba2.hpp"
#include "models/quantize/write_rows.hpp"
#include "models/random/random_vocabulary.hpp"
#include "models/random/random_weights.hpp"

namespace krait {
namespace {

static_assert(kRandomModelLimits.n_vocab.min == kMinRandomVocabulary);

struct PublishedSize {
    const char* name;
    const char* architecture;
    int64_t n_layer, d_model;
};
constexpr PublishedSize kPublished[] = {
    {"mamba-130m", "mamba", 24, 768},    {"mamba-370m", "mamba", 48, 1024},   {"mamba-790m", "mamba", 48, 1536},
    {"mamba-1.4b", "mamba", 48, 2048},   {"mamba-2.8b", "mamba", 64, 2560},   {"falcon-mamba-7b", "mamba", 64, 4096},
    {"mamba2-130m", "mamba2", 24, 768},  {"mamba2-370m", "mamba2", 48, 1024}, {"mamba2-780m", "mamba2", 48, 1536},
    {"mamba2-1.3b", "mamba2", 48, 2048}, {"mamba2-2.7b", "mamba2", 64, 2560},
};

Architecture make_architecture(const RandomModelSizes& s) {
    ModelShape shape{.architecture = s.architecture,
                     .n_vocab = s.n_vocab,
                     .d_model = s.d_model,
                     .n_layer = s.n_layer,
                     .tied_head = s.tied_head};
    if (s.architecture == "mamba2")
        return make_mamba2(std::move(shape), {s.d_model, s.d_inner, s.d_state, s.d_conv, s.n_head, s.n_group});
    return make_mamba(std::move(shape), {s.d_model, s.d_inner, s.d_state, s.d_conv, s.dt_rank,
                                         s.dt_b_c_rms ? InnerNorms::plain : InnerNorms::none});
}

}  // namespace

Result<void> check_sizes(const RandomModelSizes& s) {
    const RandomModelLimits& limits = kRandomModelLimits;
    struct Size {
        const char* name;
        int64_t value;
        SizeRange possible;
    };
    const auto check = [](const Size& size) -> Result<void> {
        if (size.value >= size.possible.min && size.value <= size.possible.max) return {};
        return fail(ErrorCode::invalid_argument, "{} is {}: {} to {} are possible", size.name, size.value, size.possible.min,
                    size.possible.max);
    };
    const bool is_mamba2 = s.architecture == "mamba2";
    if (s.hybrid) {
        for (const Size& size : {Size{"layers", s.n_layer, limits.n_layer}, Size{"d_model", s.d_model, limits.d_model},
                                 Size{"vocab", s.n_vocab, limits.n_vocab}})
            KRAIT_CHECK(check(size));
        return hybrid_weights(s.architecture, *s.hybrid, s.n_vocab, s.tied_head).map([](const auto&) {});
    }
    for (const Size& size :
         {Size{"layers", s.n_layer, limits.n_layer}, Size{"d_model", s.d_model, limits.d_model},
          Size{"vocab", s.n_vocab, limits.n_vocab}, Size{"d_inner", s.d_inner, limits.d_inner},
          Size{"d_state", s.d_state, limits.d_state}, Size{"d_conv", s.d_conv, limits.d_conv},
          Size{"dt_rank", is_mamba2 ? 1 : s.dt_rank, limits.dt_rank}, Size{"heads", is_mamba2 ? s.n_head : 1, limits.n_head},
          Size{"groups", is_mamba2 ? s.n_group : 1, limits.n_group}})
        KRAIT_CHECK(check(size));
    if (is_mamba2 && s.d_inner % s.n_head != 0)
        return fail(ErrorCode::invalid_argument, "{} heads do not divide d_inner, {}", s.n_head, s.d_inner);
    if (is_mamba2 && s.n_head % s.n_group != 0)
        return fail(ErrorCode::invalid_argument, "{} groups do not divide the {} heads", s.n_group, s.n_head);
    return {};
}

std::vector<WeightSpec> weights_of(const RandomModelSizes& sizes) {
    if (sizes.hybrid)
        return hybrid_weights(sizes.architecture, *sizes.hybrid, sizes.n_vocab, sizes.tied_head)
            .value_or(std::vector<WeightSpec>());
    std::vector<WeightSpec> specs = make_architecture(sizes).weights();
    if (!sizes.projection_biases)
        std::erase_if(specs, [](const WeightSpec& spec) {
            const std::string_view kind = tensor_kind(spec.name);
            return kind == "ssm_in.bias" || kind == "ssm_out.bias";
        });
    return specs;
}

namespace {

// The keys of Mamba and Mamba-2.
Result<void> add_mamba_metadata(GgufWriter& writer, const RandomModelSizes& s) {
    const auto u32 = [](int64_t value) { return static_cast<uint32_t>(value); };
    const auto key = [&](const char* name) { return s.architecture + "." + name; };
    KRAIT_CHECK(writer.add(key("context_length"), uint32_t{1} << 20));
    KRAIT_CHECK(writer.add(key("embedding_length"), u32(s.d_model)));
    KRAIT_CHECK(writer.add(key("feed_forward_length"), uint32_t{0}));
    KRAIT_CHECK(writer.add(key("attention.head_count"), uint32_t{0}));
    KRAIT_CHECK(writer.add(key("attention.layer_norm_rms_epsilon"), 1e-5f));
    KRAIT_CHECK(writer.add(key("block_count"), u32(s.n_layer)));
    KRAIT_CHECK(writer.add(key("vocab_size"), u32(s.n_vocab)));
    KRAIT_CHECK(writer.add(key("ssm.conv_kernel"), u32(s.d_conv)));
    KRAIT_CHECK(writer.add(key("ssm.inner_size"), u32(s.d_inner)));
    KRAIT_CHECK(writer.add(key("ssm.state_size"), u32(s.d_state)));
    KRAIT_CHECK(writer.add(key("ssm.time_step_rank"), u32(s.architecture == "mamba2" ? s.n_head : s.dt_rank)));
    if (s.architecture == "mamba2") {
        KRAIT_CHECK(writer.add(key("ssm.group_count"), u32(s.n_group)));
    } else {
        KRAIT_CHECK(writer.add(key("ssm.dt_b_c_rms"), s.dt_b_c_rms));
    }
    return {};
}

Result<void> add_metadata(GgufWriter& writer, const RandomModelSizes& s, uint32_t file_type, uint64_t seed) {
    const auto u32 = [](int64_t value) { return static_cast<uint32_t>(value); };
    const auto key = [&](const char* name) { return s.architecture + "." + name; };
    KRAIT_CHECK(writer.add("general.architecture", s.architecture));
    KRAIT_CHECK(writer.add("general.name", s.name + " random"));
    KRAIT_CHECK(
        writer.add("general.description", fmt::format("Random weights of seed {}, written by krait make-random", seed)));
    KRAIT_CHECK(writer.add(kFileTypeKey, file_type));
    KRAIT_CHECK(writer.add(kQuantizationVersionKey, kQuantizationVersion));
    if (s.hybrid) {
        for (GgufMetadata& entry : hybrid_metadata(s.architecture, *s.hybrid))
            KRAIT_CHECK(writer.add(entry.key, std::move(entry.value)));
        KRAIT_CHECK(writer.add(key("vocab_size"), u32(s.n_vocab)));
    } else {
        KRAIT_CHECK(add_mamba_metadata(writer, s));
    }

    TokenizerSpec vocabulary = random_vocabulary(s.n_vocab);
    KRAIT_CHECK(writer.add("tokenizer.ggml.model", vocabulary.model));
    KRAIT_CHECK(writer.add("tokenizer.ggml.pre", vocabulary.pre));
    KRAIT_CHECK(writer.add("tokenizer.ggml.tokens", GgufArray(std::move(vocabulary.tokens))));
    KRAIT_CHECK(writer.add("tokenizer.ggml.token_type", GgufArray(std::move(vocabulary.token_types))));
    KRAIT_CHECK(writer.add("tokenizer.ggml.merges", GgufArray(std::move(vocabulary.merges))));
    KRAIT_CHECK(writer.add("tokenizer.ggml.bos_token_id", static_cast<uint32_t>(*vocabulary.bos)));
    KRAIT_CHECK(writer.add("tokenizer.ggml.eos_token_id", static_cast<uint32_t>(*vocabulary.eos)));
    return writer.add("tokenizer.ggml.unknown_token_id", static_cast<uint32_t>(*vocabulary.unk));
}

// As files have it: other readers insist on extents that a graph does not need.
std::vector<int64_t> extents_in_file(const WeightSpec& spec, const RandomModelSizes& sizes) {
    const int64_t n_group = sizes.hybrid                     ? sizes.hybrid->size("ssm.group_count")
                            : sizes.architecture == "mamba2" ? sizes.n_group
                                                             : 0;
    const std::string_view kind = tensor_kind(spec.name);
    if (n_group > 0 && kind == "ssm_d") return {spec.extents[0], 1};
    if (n_group > 0 && kind == "ssm_norm.weight") return {n_group, spec.extents[0] / n_group};
    return spec.extents;
}

struct PlannedTensor {
    std::string name;
    TensorDesc desc;
    uint64_t row_size() const { return static_cast<uint64_t>(row_bytes(dtype_of(desc), last_extent(desc))); }
    uint64_t byte_size() const { return static_cast<uint64_t>(row_count(desc)) * row_size(); }
};

void tell_fallback(RandomModelReport& report, std::string_view name, const FormatChoice& choice) {
    std::string text = fmt::format("{} is {}: {}", tensor_kind(name), dtype_name(choice.dtype), choice.why);
    if (std::find(report.fallbacks.begin(), report.fallbacks.end(), text) == report.fallbacks.end())
        report.fallbacks.push_back(std::move(text));
}

}  // namespace

void RandomModelSizes::set_d_model(int64_t width) {
    d_model = width;
    if (hybrid) {
        scale_widths(*hybrid, width);
        return;
    }
    d_inner = 2 * width;
    dt_rank = (width + 15) / 16;
    n_head = std::max<int64_t>(d_inner / 64, 1);  // heads of 64
}

void RandomModelSizes::set_n_layer(int64_t count) {
    n_layer = count;
    if (hybrid && count > 0 && count < kRandomModelLimits.n_layer.max) hybrid->layers = reduced_layers(hybrid->layers, count);
}

std::string published_size_names() {
    std::string names;
    for (const PublishedSize& size : kPublished) names += fmt::format("{}{}", names.empty() ? "" : ", ", size.name);
    return fmt::format("{}, {}", names, published_hybrid_names());
}

Result<RandomModelSizes> published_sizes(std::string_view name) {
    if (auto hybrid = published_hybrid(name)) {
        RandomModelSizes sizes{.name = std::string(name), .architecture = hybrid->architecture, .tied_head = hybrid->tied_head};
        sizes.n_layer = std::ssize(hybrid->sizes.layers);
        sizes.d_model = hybrid->sizes.size("embedding_length");
        sizes.n_vocab = hybrid->n_vocab;
        sizes.hybrid = std::move(hybrid->sizes);
        return sizes;
    }
    for (const PublishedSize& size : kPublished) {
        if (name != size.name) continue;
        RandomModelSizes sizes{.name = size.name, .architecture = size.architecture, .n_layer = size.n_layer};
        sizes.set_d_model(size.d_model);
        if (sizes.architecture == "mamba2") {
            sizes.d_state = 128;
            sizes.n_vocab = 50288;  // padded to 16 instead of 8
        }
        if (name.starts_with("falcon")) {
            sizes.dt_b_c_rms = true;
            sizes.tied_head = false;
            sizes.n_vocab = 65024;
        }
        return sizes;
    }
    return fail(ErrorCode::not_found, "no sizes are known of '{}'; there are {}", name, published_size_names());
}

int64_t count_weights(const RandomModelSizes& sizes) {
    int64_t n_weight = 0;
    for (const WeightSpec& spec : weights_of(sizes)) n_weight += element_count(make_desc(DType::F32, spec.extents));
    return n_weight;
}

Result<RandomModelReport> write_random_model(const std::filesystem::path& target, const RandomModelOptions& options) {
    const RandomModelSizes& sizes = options.sizes;
    KRAIT_CHECK(check_sizes(sizes));
    const QuantizeRecipe recipe(options.scheme, sizes.tied_head);
    RandomModelReport report;
    FileType file_type;
    std::vector<PlannedTensor> tensors;
    for (const WeightSpec& spec : weights_of(sizes)) {
        const std::vector<int64_t> extents = extents_in_file(spec, sizes);
        const FormatChoice choice = recipe.choose(spec.name, extents);
        tensors.push_back({spec.name, make_desc(choice.dtype, extents)});
        file_type.add(spec.name, tensors.back().desc);
        if (choice.fell_back) tell_fallback(report, spec.name, choice);
        report.n_weight += element_count(tensors.back().desc);
        report.tensor_bytes += tensors.back().byte_size();
    }

    KRAIT_TRY(GgufWriter writer, GgufWriter::create(target));
    KRAIT_CHECK(add_metadata(writer, sizes, file_type.number(), options.seed));
    for (const PlannedTensor& tensor : tensors)
        KRAIT_CHECK(writer.declare(tensor.name, dtype_of(tensor.desc), {tensor.desc.extent, tensor.desc.rank}));

    RandomWeights weights(sizes.n_layer, options.seed, options.threads);
    uint64_t done = 0;
    for (const PlannedTensor& tensor : tensors) {
        const RandomTensor rows = weights.tensor(tensor.name, dtype_of(tensor.desc), {tensor.desc.extent, tensor.desc.rank});
        const auto on_rows = [&](int64_t count) {
            done += static_cast<uint64_t>(count) * tensor.row_size();
            if (options.progress) options.progress(done, report.tensor_bytes);
        };
        KRAIT_CHECK(write_rows(writer, tensor.name, tensor.desc,
                               {.threads = options.threads, .cancel = options.cancel, .progress = on_rows},
                               [&](int64_t row, std::span<std::byte> out) { rows.fill(row, out); }));
    }
    KRAIT_CHECK(writer.finish());
    report.file_bytes = writer.bytes_written();
    return report;
}

}  // namespace krait
