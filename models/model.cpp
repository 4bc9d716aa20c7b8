// SPDX-License-Identifier: Apache-2.0
#include "models/model.hpp"

#include <fmt/ranges.h>
#include <xxhash.h>

#include <algorithm>

#include "core/base/environment.hpp"
#include "formats/open_model.hpp"
#include "models/demo/demo_model.hpp"

namespace krait {
namespace {

Result<uint64_t> hash_of(const ModelSource& source) {
    // 4 KiB of each tensor tell two trainings of one shape apart without reading gigabytes.
    constexpr size_t kSample = 4096;
    uint64_t hash = 0;  // the seed of XXH3_64bits too
    for (const std::span<const std::byte> part : source.descriptions())
        hash = XXH3_64bits_withSeed(part.data(), part.size(), hash);
    for (const GgufTensor& tensor : source.tensors()) {
        KRAIT_TRY(const TensorBytes sample, source.read(tensor, kSample));
        hash = XXH3_64bits_withSeed(sample.bytes.data(), sample.bytes.size(), hash);
    }
    return hash;
}

// names: "cuda0,cpu"; empty: the best one.
Result<std::vector<std::shared_ptr<const Device>>> open_devices(const std::string& names, const Device::Executor& executor) {
    std::vector<std::shared_ptr<const Device>> devices;
    KRAIT_TRY(const std::vector<DeviceSpec> specs, parse_device_list(names.empty() ? "auto" : names));
    for (const DeviceSpec& spec : specs) {
        KRAIT_TRY(std::shared_ptr<const Device> device, Device::open(spec, executor));
        devices.push_back(std::move(device));
    }
    return devices;
}

}  // namespace

Result<std::shared_ptr<const Model>> Model::load(const std::filesystem::path& path, const LoadOptions& options) {
    KRAIT_TRY(std::unique_ptr<ModelSource> source, open_model(path, {.access = options.access}));
    return load(std::move(source), options);
}

Result<std::shared_ptr<const Model>> Model::load_demo(const LoadOptions& options) {
    KRAIT_TRY(std::unique_ptr<ModelSource> source, open_model(demo_model_bytes(), kDemoModelName));
    return load(std::move(source), options);
}

Result<std::shared_ptr<const Model>> Model::load(std::unique_ptr<ModelSource> source, const LoadOptions& options) {
    auto model = std::shared_ptr<Model>(new Model(std::move(source), options.progress));
    if (const auto& read = model->vocabulary_.tokenizer; !read && read.error().code == ErrorCode::cancelled)
        return tl::unexpected<Error>(read.error());
    KRAIT_TRY(model->architecture_, create_architecture(*model->source_, options.architectures, options.cache));
    model->fit_vocabulary();
    // The tokenizer has them: 5 MB of a usual vocabulary.
    for (const char* key : {"tokenizer.ggml.tokens", "tokenizer.ggml.merges", "tokenizer.ggml.token_type"})
        model->source_->forget(key);
    const auto from_environment = options.device.empty() ? environment::device() : std::nullopt;
    auto devices = open_devices(from_environment ? *from_environment : options.device, options.executor);
    if (!devices && from_environment) return tl::unexpected<Error>(std::move(devices).error().within("KRAIT_DEVICE"));
    KRAIT_TRY(model->devices_, std::move(devices));
    // Before the weights: the system maps neighbours of each page that is read, and here nothing else is in memory yet.
    KRAIT_TRY(model->hash_, hash_of(*model->source_));
    model->source_->release_pages();
    const std::vector<WeightSpec>& weights = model->architecture_->weights();
    KRAIT_TRY(const WeightDescs descs, describe_weights(*model->source_, weights));
    KRAIT_TRY(model->placement_, Placement::decide(*model->architecture_, descs, model->devices_, options.placement));
    KRAIT_TRY(model->weights_,
              Weights::load(*model->source_, weights, model->devices_, model->placement_.weight_locations(), options.progress));
    KRAIT_CHECK(model->placement_.check_limits(options.placement, model->weights_.bytes_by_device()));
    model->has_executor_ = options.executor.has_value();
    // Devices that read weights in place get their pages anew, from the system's cache.
    model->source_->release_pages();
    return model;
}

// The file's vocabulary beside the model's.
void Model::fit_vocabulary() {
    const auto n_row = static_cast<size_t>(shape().n_vocab);
    const size_t n_token = vocabulary_.n_token;
    if (n_token > n_row)
        vocabulary_.warnings.push_back(fmt::format(
            "{}: the tokenizer has {} tokens, but 'token_embd.weight' only {} rows: the model cannot read tokens from {} on",
            source_->name(), n_token, n_row, n_row));
    n_token_ = static_cast<int32_t>(n_token == 0 ? n_row : std::min(n_token, n_row));
}

Result<const Tokenizer*> Model::tokenizer() const {
    if (!vocabulary_.tokenizer) return tl::unexpected<Error>(vocabulary_.tokenizer.error());
    return &*vocabulary_.tokenizer;
}

bool Model::is_end(int32_t token) const { return std::binary_search(vocabulary_.ends.begin(), vocabulary_.ends.end(), token); }

std::string Model::device_names() const { return fmt::format("{}", fmt::join(placement_.labels(), ",")); }

std::string Model::hardware() const {
    std::vector<std::string_view> names;
    for (size_t d = 0; d < devices_.size(); ++d) {
        const std::string_view name = devices_[d]->info().name;
        if (placement_.uses(static_cast<int32_t>(d)) && std::find(names.begin(), names.end(), name) == names.end())
            names.push_back(name);
    }
    return fmt::format("{}", fmt::join(names, ", "));
}

size_t Model::n_used_devices() const {
    size_t n = 0;
    for (size_t d = 0; d < devices_.size(); ++d) n += placement_.uses(static_cast<int32_t>(d));
    return n;
}

int32_t Model::chain_length() const {
    constexpr int32_t kOfGpu = 16;
    if (n_used_devices() != 1 || !placement_.supports_top_k()) return 1;
    for (size_t d = 0; d < devices_.size(); ++d)
        if (placement_.uses(static_cast<int32_t>(d))) switch (devices_[d]->info().kind) {
                case KRAIT_DEVICE_GPU:
                case KRAIT_DEVICE_INTEGRATED_GPU:
                case KRAIT_DEVICE_ACCELERATOR: return kOfGpu;
                default: break;
            }
    return 1;
}

}  // namespace krait
