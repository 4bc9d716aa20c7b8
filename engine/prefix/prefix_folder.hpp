// SPDX-License-Identifier: Apache-2.0
//
// Prefixes as files of a folder, which outlive the process. A file, little-endian:
//   8 bytes "KRAITPFX" · u32 version (1) · u32 n_candidate · u64 model hash · u64 n_tok · u64 n_logit · u64 n_state ·
//   i32 tokens[n_tok] · (f32 logit, i32 token)[n_candidate] · f32 logits[n_logit] · u64 XXH3 of everything before it ·
//   the sequence as Session::save gives it, n_state bytes, with a checksum of its own
// Its name is <hash of the model>-<XXH3 of the tokens>.prefix, both 16 hexadecimal digits. Files appear whole or not at all.
// The time of the last change is that of the last use. Several engines may share a folder: a file that another one has removed
// is a prefix that is gone.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "core/base/result.hpp"
#include "engine/outputs.hpp"

namespace krait::engine {

struct PrefixFile {
    std::filesystem::path path;
    uint64_t n_byte = 0;
    std::vector<int32_t> tokens;
    std::shared_ptr<const KeptOutputs> outputs;
};

class PrefixFolder {
  public:
    // Makes the folder where it is missing.
    static Result<PrefixFolder> open(const std::filesystem::path& folder, uint64_t model_hash);

    // Those of the model that are whole, the one that was used last at the end. Damaged ones are removed.
    std::vector<PrefixFile> list() const;
    // Returns where it is, and its size.
    Result<PrefixFile> write(std::span<const int32_t> tokens, const Outputs& outputs, std::span<const std::byte> state) const;
    static Result<std::vector<std::byte>> read_state(const PrefixFile& file);
    static void touch(const std::filesystem::path& path) noexcept;   // it is used
    static void remove(const std::filesystem::path& path) noexcept;  // a file that is gone is no error

  private:
    PrefixFolder(std::filesystem::path folder, uint64_t model_hash) : folder_(std::move(folder)), model_hash_(model_hash) {}
    std::filesystem::path folder_;
    uint64_t model_hash_ = 0;
};

}  // namespace krait::engine
