// SPDX-License-Identifier: Apache-2.0
#include "tools/npy_file.hpp"

#include "core/base/output_file.hpp"
#include "tools/error.hpp"

namespace krait::tools {
namespace {

api::Status status_of(Result<void> done) {
    if (!done) return failure_of(std::move(done).error());
    return api::Done{};
}

}  // namespace

NpyFile::NpyFile(OutputFile output) : output_(std::make_unique<OutputFile>(std::move(output))) {}
NpyFile::~NpyFile() = default;
NpyFile::NpyFile(NpyFile&&) noexcept = default;
NpyFile& NpyFile::operator=(NpyFile&&) noexcept = default;

api::Result<NpyFile> NpyFile::create(const std::filesystem::path& target, int64_t n_row, int64_t n_col) {
    auto output = OutputFile::create(target);
    if (!output) return failure_of(std::move(output).error());
    NpyFile npy(std::move(*output));
    npy.missing_ = n_row * n_col;
    // Magic, version 1.0, length of the header, header padded to a multiple of 64 with its newline.
    std::string header = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", n_row, n_col);
    constexpr size_t kPreamble = 10;
    header.append((64 - (kPreamble + header.size() + 1) % 64) % 64, ' ');
    header += '\n';
    const auto length = static_cast<uint16_t>(header.size());
    const char preamble[kPreamble] = {
        '\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, static_cast<char>(length & 0xff), static_cast<char>(length >> 8)};
    TOOLS_CHECK(status_of(npy.output_->write(std::as_bytes(std::span(preamble)))));
    TOOLS_CHECK(status_of(npy.output_->write(std::as_bytes(std::span(header)))));
    return {std::move(npy)};
}

api::Status NpyFile::write(std::span<const float> values) {
    missing_ -= static_cast<int64_t>(values.size());
    return status_of(output_->write(std::as_bytes(values)));
}

api::Status NpyFile::finish() {
    if (missing_ != 0) return failure(KRAIT_INTERNAL, "{}: {} values are missing", output_->target().string(), missing_);
    return status_of(output_->finish());
}

}  // namespace krait::tools
