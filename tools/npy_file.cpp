// SPDX-License-Identifier: Apache-2.0
#include "tools/npy_file.hpp"

#include <cerrno>
#include <system_error>

namespace krait::tools {

Result<NpyFile> NpyFile::create(const std::filesystem::path& target, int64_t n_row, int64_t n_col) {
    // A link is followed, so that the file it names is replaced and not the link; a device or pipe cannot be replaced at all.
    std::error_code ec;
    const auto status = std::filesystem::status(target, ec);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
        return fail(ErrorCode::invalid_argument, "{} is no regular file; name a file to write", target.string());
    NpyFile npy;
    npy.target_ = std::filesystem::exists(status) ? std::filesystem::canonical(target, ec) : target;
    npy.temporary_ = npy.target_;
    npy.temporary_ += ".part";
    npy.missing_ = n_row * n_col;
    npy.file_.reset(std::fopen(npy.temporary_.c_str(), "wb"));
    if (!npy.file_) {
        const auto why = std::generic_category().message(errno);
        npy.temporary_.clear();
        return fail(ErrorCode::io, "{} cannot be written: {}", target.string(), why);
    }
    // Magic, version 1.0, length of the header, header padded to a multiple of 64 with its newline.
    std::string header = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", n_row, n_col);
    constexpr size_t kPreamble = 10;
    header.append((64 - (kPreamble + header.size() + 1) % 64) % 64, ' ');
    header += '\n';
    const auto length = static_cast<uint16_t>(header.size());
    const char preamble[kPreamble] = {
        '\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, static_cast<char>(length & 0xff), static_cast<char>(length >> 8)};
    if (std::fwrite(preamble, 1, kPreamble, npy.file_.get()) != kPreamble ||
        std::fwrite(header.data(), 1, header.size(), npy.file_.get()) != header.size())
        return npy.failure("written");
    return npy;
}

NpyFile::~NpyFile() {
    if (temporary_.empty()) return;
    file_.reset();
    std::error_code ignored;
    std::filesystem::remove(temporary_, ignored);
}

tl::unexpected<Error> NpyFile::failure(const char* doing) const {
    return fail(ErrorCode::io, "{} cannot be {}: {}", target_.string(), doing, std::generic_category().message(errno));
}

Result<void> NpyFile::write(std::span<const float> values) {
    if (std::fwrite(values.data(), sizeof(float), values.size(), file_.get()) != values.size()) return failure("written");
    missing_ -= static_cast<int64_t>(values.size());
    return {};
}

Result<void> NpyFile::finish() {
    if (missing_ != 0) return fail(ErrorCode::internal, "{}: {} values are missing", target_.string(), missing_);
    if (std::fclose(file_.release()) != 0) return failure("written");
    std::error_code ec;
    std::filesystem::rename(temporary_, target_, ec);
    if (ec) return fail(ErrorCode::io, "{} cannot be written: {}", target_.string(), ec.message());
    temporary_.clear();
    return {};
}

}  // namespace krait::tools
