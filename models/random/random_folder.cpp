// SPDX-License-Identifier: Apache-2.0
#include "models/random/random_folder.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "core/base/output_file.hpp"
#include "core/base/printable.hpp"
#include "formats/huggingface/architectures.hpp"
#include "formats/safetensors/safetensors_writer.hpp"
#include "models/quantize/write_rows.hpp"
#include "models/random/random_vocabulary.hpp"
#include "models/random/random_weights.hpp"

namespace krait {
namespace {

namespace fs = std::filesystem;
using huggingface::Shape;
using huggingface::TensorRule;
using huggingface::Values;

const huggingface::Architecture& architecture_of(const RandomModelSizes& sizes) {
    const std::string_view type = sizes.dt_b_c_rms ? "falcon_mamba" : std::string_view(sizes.architecture);
    for (const huggingface::Architecture* one : huggingface::architectures())
        if (one->model_type == type) return *one;
    std::abort();  // the tables have every architecture of published_sizes
}

struct PlannedTensor {
    std::string ours, theirs;
    Values values = Values::as_they_are;
    Shape shape = Shape::as_it_is;
    TensorDesc desc;  // as the rows are made
};

// Tensors of the same weight, under its name here and there.
Result<std::vector<PlannedTensor>> plan(const RandomModelSizes& sizes, DType matrices) {
    const huggingface::Architecture& architecture = architecture_of(sizes);
    std::vector<PlannedTensor> tensors;
    for (const WeightSpec& spec : weights_of(sizes)) {
        const huggingface::TensorGroup everywhere{"", architecture.global_tensors};
        std::span<const huggingface::TensorGroup> groups(&everywhere, 1);
        std::string prefix(architecture.prefix);
        const std::string_view kind = tensor_kind(spec.name);
        if (kind.size() < spec.name.size()) {  // "blk.3." before it
            prefix += fmt::format("layers.{}.", spec.name.substr(4, spec.name.size() - kind.size() - 5));
            groups = architecture.groups;
        }
        const TensorRule* rule = nullptr;
        for (const huggingface::TensorGroup& group : groups)
            for (const TensorRule& one : group.rules)
                if (one.ours == kind) {
                    rule = &one;
                    if (rule->presence == huggingface::Presence::untied) prefix.clear();
                    prefix += group.prefix;
                }
        if (!rule) return fail(ErrorCode::internal, "the weight {} has no name in these folders", spec.name);
        const DType dtype = rule->values == Values::as_they_are ? matrices : DType::F32;
        tensors.push_back(
            {spec.name, prefix + std::string(rule->theirs), rule->values, rule->shape, make_desc(dtype, spec.extents)});
    }
    return tensors;
}

std::vector<int64_t> extents_there(const PlannedTensor& tensor) {
    std::vector<int64_t> extents(tensor.desc.extent, tensor.desc.extent + tensor.desc.rank);
    switch (tensor.shape) {
        case Shape::as_it_is: return extents;
        case Shape::without_middle: extents.insert(extents.begin() + 1, 1); return extents;
        case Shape::column:
        case Shape::groups: return {element_count(tensor.desc)};
        case Shape::experts: break;  // of hybrids, whose folders are not written
    }
    return extents;
}

std::string config_json(const RandomModelSizes& s) {
    const huggingface::Architecture& architecture = architecture_of(s);
    std::string text = fmt::format(
        "{{\n  \"architectures\": [\"{}\"],\n  \"model_type\": \"{}\",\n  \"vocab_size\": {},\n  \"hidden_size\": {},\n"
        "  \"num_hidden_layers\": {},\n  \"state_size\": {},\n  \"conv_kernel\": {},\n  \"use_bias\": {},\n"
        "  \"use_conv_bias\": true,\n  \"tie_word_embeddings\": {},\n  \"layer_norm_epsilon\": 1e-05,\n",
        architecture.classes.front(), architecture.model_type, s.n_vocab, s.d_model, s.n_layer, s.d_state, s.d_conv,
        s.projection_biases, s.tied_head);
    if (s.architecture == "mamba2") {
        text += fmt::format("  \"expand\": {},\n  \"num_heads\": {},\n  \"head_dim\": {},\n  \"n_groups\": {},\n",
                            s.d_inner / s.d_model, s.n_head, s.d_inner / s.n_head, s.n_group);
    } else {
        text += fmt::format("  \"intermediate_size\": {},\n  \"time_step_rank\": {},\n", s.d_inner, s.dt_rank);
        if (s.dt_b_c_rms) text += "  \"mixer_rms_eps\": 1e-05,\n";
    }
    return text + "  \"bos_token_id\": 0,\n  \"eos_token_id\": 0,\n  \"hidden_act\": \"silu\"\n}\n";
}

// Tokens of the byte alphabet have no character that JSON escapes but '"' and '\\'.
std::string json_text(std::string_view token) {
    std::string text = "\"";
    for (const char c : token) {
        if (c == '"' || c == '\\') text += '\\';
        text += c;
    }
    return text + '"';
}

// Ids without a token are padding, which every reader adds up to the vocabulary's size.
std::string tokenizer_json(const TokenizerSpec& spec) {
    std::string vocabulary, merges;
    for (size_t id = 0; id < spec.tokens.size(); ++id)
        if (spec.token_types[id] != static_cast<int32_t>(TokenType::unused))
            vocabulary += fmt::format("{}\n      {}: {}", id == 0 ? "" : ",", json_text(spec.tokens[id]), id);
    for (const std::string& merge : spec.merges) merges += (merges.empty() ? "\n      " : ",\n      ") + json_text(merge);
    return R"({
  "version": "1.0",
  "added_tokens": [
    {"id": 0, "content": "<|endoftext|>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
     "special": true}
  ],
  "normalizer": null,
  "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
  "post_processor": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
  "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
  "model": {
    "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null, "end_of_word_suffix": null,
    "fuse_unk": false, "byte_fallback": false,
    "vocab": {)" +
           vocabulary + "\n    },\n    \"merges\": [" + merges + "\n    ]\n  }\n}\n";
}

constexpr std::string_view kTokenizerConfig =
    "{\n  \"tokenizer_class\": \"GPTNeoXTokenizer\",\n  \"add_bos_token\": false,\n  \"bos_token\": \"<|endoftext|>\",\n"
    "  \"eos_token\": \"<|endoftext|>\",\n  \"unk_token\": \"<|endoftext|>\"\n}\n";

// A = -exp(A_log), and A is negative.
void take_log(std::span<std::byte> row) {
    for (size_t at = 0; at < row.size(); at += sizeof(float)) {
        float value = 0;
        std::memcpy(&value, &row[at], sizeof value);
        value = std::log(-value);
        std::memcpy(&row[at], &value, sizeof value);
    }
}

Result<void> write_weights(const fs::path& path, const std::vector<PlannedTensor>& tensors, const RandomModelOptions& options,
                           RandomModelReport& report) {
    KRAIT_TRY(SafetensorsWriter writer, SafetensorsWriter::create(path));
    for (const PlannedTensor& tensor : tensors) {
        KRAIT_CHECK(writer.declare(tensor.theirs, dtype_of(tensor.desc), extents_there(tensor)));
        report.n_weight += element_count(tensor.desc);
        report.tensor_bytes += static_cast<uint64_t>(span_bytes(tensor.desc));
    }
    RandomWeights weights(options.sizes.n_layer, options.seed, options.threads);
    uint64_t done = 0;
    for (const PlannedTensor& tensor : tensors) {
        const DType dtype = dtype_of(tensor.desc);
        const RandomTensor rows = weights.tensor(tensor.ours, dtype, {tensor.desc.extent, tensor.desc.rank});
        const auto on_rows = [&](int64_t count) {
            done += static_cast<uint64_t>(count * row_bytes(dtype, last_extent(tensor.desc)));
            if (options.progress) options.progress(done, report.tensor_bytes);
        };
        KRAIT_CHECK(write_rows(writer, tensor.theirs, tensor.desc,
                               {.threads = options.threads, .cancel = options.cancel, .progress = on_rows},
                               [&](int64_t row, std::span<std::byte> out) {
                                   rows.fill(row, out);
                                   if (tensor.values == Values::minus_exp) take_log(out);
                               }));
    }
    KRAIT_CHECK(writer.finish());
    report.file_bytes = writer.bytes_written();
    return {};
}

}  // namespace

Result<RandomModelReport> write_random_folder(const fs::path& folder, const RandomModelOptions& options) {
    KRAIT_CHECK(check_sizes(options.sizes));
    if (options.sizes.hybrid)
        return fail(ErrorCode::invalid_argument,
                    "folders of Hugging Face are written for models of Mamba and Mamba-2; {} is written as GGUF",
                    options.sizes.name);
    const DType matrices = options.scheme.body;
    if (options.scheme.out || options.scheme.head ||
        (matrices != DType::F32 && matrices != DType::F16 && matrices != DType::BF16))
        return fail(ErrorCode::invalid_argument, "folders of Hugging Face hold F32, F16 or BF16, in all matrices alike");
    if (options.sizes.architecture == "mamba2" && options.sizes.d_inner % options.sizes.d_model != 0)
        return fail(ErrorCode::invalid_argument,
                    "d_inner, {}, is no multiple of d_model, {}: config.json of Mamba-2 has the ratio as a whole number",
                    options.sizes.d_inner, options.sizes.d_model);
    KRAIT_TRY(const std::vector<PlannedTensor> tensors, plan(options.sizes, matrices));
    std::error_code code;
    const bool is_new = fs::create_directory(folder, code);
    if (code) return fail(ErrorCode::io, "{} cannot be made: {}", quote(folder.string()), code.message());
    if (!is_new && (!fs::is_empty(folder, code) || code))
        return fail(ErrorCode::invalid_argument, "{} is there already, and is no empty folder", quote(folder.string()));

    RandomModelReport report;
    const TokenizerSpec vocabulary = random_vocabulary(options.sizes.n_vocab);
    const std::pair<const char*, std::string> texts[] = {{"config.json", config_json(options.sizes)},
                                                         {"tokenizer.json", tokenizer_json(vocabulary)},
                                                         {"tokenizer_config.json", std::string(kTokenizerConfig)}};
    Result<void> done = write_weights(folder / "model.safetensors", tensors, options, report);
    for (const auto& [name, text] : texts)
        if (done) done = write_file(folder / name, text);
    if (done) return report;
    fs::remove(folder / "model.safetensors", code);
    for (const auto& [name, text] : texts) fs::remove(folder / name, code);
    if (is_new) fs::remove(folder, code);
    return tl::unexpected(done.error());
}

}  // namespace krait
