// SPDX-License-Identifier: Apache-2.0
//
// The predictions of one model on a text, in a file, so that another model can be compared with them (divergence.hpp).
// Little-endian:
//
//   0    8 bytes "KRAITRUN" · u32 version (1) · u32 n_token
//   16   u64 tokens of the text · u64 XXH3 of them, begin-of-text token included, as i32
//   32   i64 context · i64 stride · u32 1 = as one stream · u32 0
//   56   u64 rows · u64 hash of the model · u64 XXH3 of the 72 bytes before
//   80   rows, each: f64 ln p of the token that came · f32 largest ln p · i32 its token · u64 XXH3 of the rest of the row ·
//        u16 q[n_token], padded with zeros to a multiple of 8 bytes
//
// ln p(i) = largest - q[i] * 32 / 65535, at most 32 below the largest: off by 2.4e-4 at most where p matters, and the
// probabilities are normalized again when they are read. The divergence that this rounding alone causes is
// (32 / 65535)^2 / 24 = 1e-8 nats.
//
// Nothing in it depends on the model but the predictions: any model of the same tokenizer, on any device, may be compared.
#pragma once

#include "core/base/mapped_file.hpp"
#include "core/base/output_file.hpp"
#include "models/evaluation/perplexity.hpp"

namespace krait {

// All that a run depends on besides the model; two runs can be compared where these are equal.
struct RunSettings {
    int64_t n_token = 0;  // of the vocabulary
    int64_t n_text = 0;   // tokens of the text
    uint64_t text_hash = 0;
    WindowOptions windows;
    int64_t n_row = 0;

    // Fails as measure_perplexity does.
    static Result<RunSettings> of(const Model& model, const EvaluationText& text, const WindowOptions& windows);
};

class BaseRunWriter {
  public:
    static Result<BaseRunWriter> create(const std::filesystem::path& target, const RunSettings& settings, uint64_t model_hash);
    // In any order, every row once.
    Result<void> write(const ScoredToken& scored);
    // The file appears, or nothing does (core/base/output_file.hpp).
    Result<void> finish();
    uint64_t bytes() const;  // of the whole file

  private:
    BaseRunWriter() = default;
    OutputFile output_;
    RunSettings settings_;
    std::vector<std::byte> row_;
    int64_t n_written_ = 0;
};

// One row. ln p(i) = -kStep * q[i] - log_sum, with log_sum the logarithm of the sum of e^(-kStep * q[i]).
struct BaseRow {
    static constexpr double kStep = 32.0 / 65535.0;
    double log_probability = 0;  // of the token that came, unrounded
    int32_t best = 0;            // the most likely token
    std::span<const uint16_t> quantized;
};

class BaseRun {
  public:
    // corrupt_file, with what is wrong and where, for a file that no BaseRunWriter finished.
    static Result<BaseRun> open(const std::filesystem::path& path);
    // Fails, and says what differs, where a run with these settings cannot be compared with this one.
    Result<void> check_comparable(const RunSettings& settings) const;

    const RunSettings& settings() const { return settings_; }
    uint64_t model_hash() const { return model_hash_; }
    // Good as long as the object. corrupt_file where its checksum does not match.
    Result<BaseRow> row(size_t index) const;

  private:
    BaseRun() = default;
    MappedFile file_;
    RunSettings settings_;
    uint64_t model_hash_ = 0;
};

}  // namespace krait
