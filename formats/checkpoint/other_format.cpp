// SPDX-License-Identifier: Apache-2.0
#include "formats/checkpoint/other_format.hpp"

#include <algorithm>

namespace krait {
namespace {

using namespace std::string_view_literals;

struct Beginning {
    FileFormat format;
    size_t at;
    std::string_view bytes;
    std::string_view hint;
};

// The first that fits counts.
constexpr Beginning kBeginnings[] = {
    // Behind the length of the header, which has less than 100,000,000 bytes.
    {FileFormat::safetensors, 4, "\0\0\0\0{"sv, "; it is a safetensors file"},
    {FileFormat::gguf, 0, "GGUF"sv, "; it is a GGUF file"},
    {FileFormat::zip, 0, "PK\3\4"sv, "; it is a zip archive, as PyTorch writes them"},
    {FileFormat::other, 0, "version "sv, "; is it a Git LFS pointer? Fetch the file itself with 'git lfs pull'"},
    {FileFormat::other, 0, "<!"sv, "; it is a web page, not the file behind the link"},
    {FileFormat::other, 0, "<html"sv, "; it is a web page, not the file behind the link"},
    {FileFormat::json, 0, "{"sv, "; it is JSON: an index's name ends in .json"},
    // A pickle of protocol 2 of the number 0x1950a86a20f9469cfc6c.
    {FileFormat::pickle, 0, "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."sv,
     "; it is a checkpoint as PyTorch before 1.6 wrote them, which is not read. Save it again with PyTorch: "
     "torch.save(torch.load(FILE, weights_only=True), NEW_FILE)"},
    {FileFormat::pickle, 0, "\x80\2"sv,
     "; it is a bare pickle, which is not read. Save the tensors with PyTorch: torch.save(TENSORS, NEW_FILE)"},
    {FileFormat::tar, 257, "ustar"sv,
     "; it is a tar archive, as PyTorch before 0.1.10 wrote them, which is not read. Where you trust its origin, save it again "
     "with PyTorch: torch.save(torch.load(FILE, weights_only=False), NEW_FILE)"},
};

}  // namespace

Result<std::string_view> other_format(const DataFile& file, FileFormat expected) {
    char first[512] = {};
    const auto n_first = static_cast<size_t>(std::min<uint64_t>(file.size(), sizeof first));
    KRAIT_CHECK(file.read(0, std::as_writable_bytes(std::span(first, n_first))));
    const std::string_view text(first, n_first);
    for (const Beginning& beginning : kBeginnings)
        if (text.size() > beginning.at && text.substr(beginning.at).starts_with(beginning.bytes))
            return beginning.format == expected ? "" : beginning.hint;
    return "";
}

}  // namespace krait
