// SPDX-License-Identifier: Apache-2.0
//
// A model: a source (formats/model_source.hpp), checked, with its weights on one device or several. Immutable once loaded; any
// number of sessions share it.
#pragma once

#include <filesystem>
#include <optional>

#include "models/architectures/registry.hpp"
#include "models/loading/gguf_tokenizer.hpp"
#include "models/placement/placement.hpp"

namespace krait {

struct LoadOptions {
    // "cpu", "cpu:avx2:threads=2", "auto", or several: "cuda0,cpu"; empty: KRAIT_DEVICE where set, else "auto".
    std::string device;
    PlacementOptions placement;  // what goes where, of several devices
    LoadProgress progress;
    FileAccess access = FileAccess::mapped;  // of a file that is named by its path
    Device::Executor executor{};             // threads of the application instead of the device's own (core/runtime/device.hpp)
    std::span<const ArchitectureEntry> architectures = known_architectures();
    DType cache = DType::F16;  // of keys and values, where a model has attention: F32, F16 or Q8_0
};

class Model {
  public:
    // Whatever open_model (formats/open_model.hpp) takes.
    static Result<std::shared_ptr<const Model>> load(const std::filesystem::path& path, const LoadOptions& options = {});
    // The small model that ships inside the library (models/demo).
    static Result<std::shared_ptr<const Model>> load_demo(const LoadOptions& options = {});
    // access of the options is not looked at: the source is open.
    static Result<std::shared_ptr<const Model>> load(std::unique_ptr<ModelSource> source, const LoadOptions& options = {});

    const ModelSource& source() const { return *source_; }
    const Architecture& architecture() const { return *architecture_; }
    const ModelShape& shape() const { return architecture_->shape(); }
    const Weights& weights() const { return weights_; }
    const std::vector<std::shared_ptr<const Device>>& devices() const { return devices_; }
    const std::shared_ptr<const Device>& device() const { return devices_.front(); }
    const Placement& placement() const { return placement_; }
    std::string device_names() const;  // "cuda0,cpu"
    std::string hardware() const;      // "NVIDIA H100, AMD EPYC": of the devices that are used, each name once
    size_t n_used_devices() const;
    // The smallest micro-batch of a prompt in a pipeline, in rows.
    size_t min_chunk_rows() const { return placement_.min_chunk_rows(); }
    // How many tokens a chain of its sessions had best have (Session::chain): more than 1 where one GPU does all, for which the
    // host's turn between two steps is a pause.
    int32_t chain_length() const;
    // Whether its loops run on threads of the application alone: Krait then starts none for it.
    bool has_executor() const { return has_executor_; }

    // The error says what the file lacks; the model then takes token ids only.
    Result<const Tokenizer*> tokenizer() const;
    // How many of the n_vocab logits stand for tokens; the rest pads the head to a round size.
    int32_t n_token() const { return n_token_; }
    // The tokens that end a text, a turn or a message, ascending.
    std::span<const int32_t> ends() const { return vocabulary_.ends; }
    bool is_end(int32_t token) const;
    // Flaws of the file that were got over: sentences for the user.
    const std::vector<std::string>& warnings() const { return vocabulary_.warnings; }

    // The hash of everything that a saved state depends on: metadata, tensor records, and the first bytes of every tensor.
    uint64_t hash() const { return hash_; }

  private:
    Model(std::unique_ptr<ModelSource> source, const LoadProgress& progress)
        : source_(std::move(source)), vocabulary_(read_vocabulary(*source_, progress)) {}
    void fit_vocabulary();

    std::unique_ptr<ModelSource> source_;
    std::optional<Architecture> architecture_;
    GgufVocabulary vocabulary_;
    int32_t n_token_ = 0;
    std::vector<std::shared_ptr<const Device>> devices_;
    Placement placement_;
    Weights weights_;
    uint64_t hash_ = 0;
    bool has_executor_ = false;
};

}  // namespace krait
