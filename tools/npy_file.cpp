// SPDX-License-Identifier: Apache-2.0
#include "tools/npy_file.hpp"

namespace krait::tools {

Result<NpyFile> NpyFile::create(const std::filesystem::path& target, int64_t n_row, int64_t n_col) {
    NpyFile npy;
    KRAIT_TRY(npy.output_, OutputFile::create(target));
    npy.missing_ = n_row * n_col;
    // Magic, version 1.0, length of the header, header padded to a multiple of 64 with its newline.
    std::string header = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", n_row, n_col);
    constexpr size_t kPreamble = 10;
    header.append((64 - (kPreamble + header.size() + 1) % 64) % 64, ' ');
    header += '\n';
    const auto length = static_cast<uint16_t>(header.size());
    const char preamble[kPreamble] = {
        '\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, static_cast<char>(length & 0xff), static_cast<char>(length >> 8)};
    KRAIT_CHECK(npy.output_.write(std::as_bytes(std::span(preamble))));
    KRAIT_CHECK(npy.output_.write(std::as_bytes(std::span(header))));
    return npy;
}

Result<void> NpyFile::write(std::span<const float> values) {
    missing_ -= static_cast<int64_t>(values.size());
    return output_.write(std::as_bytes(values));
}

Result<void> NpyFile::finish() {
    if (missing_ != 0) return fail(ErrorCode::internal, "{}: {} values are missing", output_.target().string(), missing_);
    return output_.finish();
}

}  // namespace krait::tools
