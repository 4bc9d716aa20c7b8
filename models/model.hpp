// SPDX-License-Identifier: Apache-2.0
//
// A model: a GGUF file, checked, with its weights on a device. Immutable once loaded; any number of sessions share it.
#pragma once

#include <filesystem>
#include <optional>

#include "models/architectures/architecture.hpp"
#include "models/gguf_tokenizer.hpp"

namespace krait {

struct LoadOptions {
    std::string device;  // "cpu", "cuda0", "cpu:avx2:threads=2", "auto"; empty: KRAIT_DEVICE where set, else "auto"
    LoadProgress progress;
    Device::Executor executor{};  // threads of the application instead of the device's own (core/runtime/device.hpp)
};

class Model {
  public:
    static Result<std::shared_ptr<const Model>> load(const std::filesystem::path& path, const LoadOptions& options = {});
    // The small model that ships inside the library (models/demo).
    static Result<std::shared_ptr<const Model>> load_demo(const LoadOptions& options = {});
    static Result<std::shared_ptr<const Model>> load(GgufFile file, const LoadOptions& options = {});

    const GgufFile& file() const { return file_; }
    const Architecture& architecture() const { return *architecture_; }
    const ModelShape& shape() const { return architecture_->shape(); }
    const Weights& weights() const { return weights_; }
    const std::shared_ptr<const Device>& device() const { return device_; }

    // The error says what the file lacks.
    Result<const Tokenizer*> tokenizer() const;
    // How many of the n_vocab logits stand for tokens; the rest pads the head to a round size.
    int32_t n_token() const;

    // Of everything that a saved state depends on: metadata, tensor records, and the first bytes of every tensor.
    uint64_t hash() const { return hash_; }

  private:
    explicit Model(GgufFile file) : file_(std::move(file)), tokenizer_(fail(ErrorCode::internal, "not loaded")) {}

    GgufFile file_;
    std::unique_ptr<Architecture> architecture_;
    Result<Tokenizer> tokenizer_;
    std::shared_ptr<const Device> device_;
    Weights weights_;
    uint64_t hash_ = 0;
};

}  // namespace krait
