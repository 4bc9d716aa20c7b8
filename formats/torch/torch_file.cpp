// SPDX-License-Identifier: Apache-2.0
#include "formats/torch/torch_file.hpp"

#include <algorithm>

#include "core/base/printable.hpp"
#include "formats/checkpoint/other_format.hpp"
#include "formats/torch/torch_state_dict.hpp"
#include "formats/torch/zip_directory.hpp"

namespace krait {
namespace {

constexpr std::string_view kPickleName = "/data.pkl";

// The content of a small entry.
Result<std::string> read_entry(const DataFile& file, const ZipEntry& entry, uint64_t max_bytes) {
    if (entry.size > max_bytes)
        return fail(ErrorCode::unsupported, "{}: entry {}: it has {} bytes at byte {}; at most {} are read", file.name(),
                    quote(entry.name), entry.size, entry.data_offset, max_bytes);
    std::string text(static_cast<size_t>(entry.size), '\0');
    KRAIT_CHECK(file.read(entry.data_offset, std::as_writable_bytes(std::span(text))));
    return text;
}

// The one pickle of tensors, in a folder that has any name and holds all entries.
Result<const ZipEntry*> find_pickle(const DataFile& file, std::span<const ZipEntry> entries) {
    const auto is_pickle = [](const ZipEntry& entry) {
        return entry.name.ends_with(kPickleName) && entry.name.find('/') == entry.name.size() - kPickleName.size();
    };
    const auto found = std::ranges::find_if(entries, is_pickle);
    if (found == entries.end())
        return fail(
            ErrorCode::unsupported,
            "{}: archive: none of its {} entries up to byte {} is a data.pkl in a folder: it is no archive that torch.save "
            "writes",
            file.name(), entries.size(), file.size());
    const std::string_view root = std::string_view(found->name).substr(0, found->name.find('/') + 1);
    for (const ZipEntry& entry : entries)
        if (!entry.name.starts_with(root))
            return fail(ErrorCode::corrupt_file, "{}: entry {}: it does not lie in the folder {} (record at byte {})",
                        file.name(), quote(entry.name), quote(root), entry.record_offset);
    return &*found;
}

// Files of before there was such an entry are little-endian.
Result<void> check_byte_order(const DataFile& file, std::span<const ZipEntry> entries, std::string_view root) {
    const auto found = std::ranges::find(entries, std::string(root) + "/byteorder", &ZipEntry::name);
    if (found == entries.end()) return {};
    KRAIT_TRY(const std::string order, read_entry(file, *found, 64));
    if (order == "little") return {};
    return fail(ErrorCode::unsupported, "{}: entry {}: the byte order at byte {} is {}; only \"little\" is read", file.name(),
                quote(found->name), found->data_offset, quote(order, '"'));
}

Result<CheckpointShard> read_archive(const DataFile& file) {
    KRAIT_TRY(const std::string_view hint, other_format(file, FileFormat::zip));
    if (!hint.empty())
        return fail(ErrorCode::unsupported, "{}: archive: at byte 0 no zip archive of torch.save begins{}", file.name(), hint);
    KRAIT_TRY(const std::vector<ZipEntry> entries, read_zip_directory(file));
    KRAIT_TRY(const ZipEntry* const entry, find_pickle(file, entries));
    const std::string_view root = std::string_view(entry->name).substr(0, entry->name.size() - kPickleName.size());
    KRAIT_CHECK(check_byte_order(file, entries, root));
    KRAIT_TRY(const std::string text, read_entry(file, *entry, kPickleMaxBytes));
    KRAIT_TRY(const Pickle pickle,
              read_pickle(text, entry->data_offset, fmt::format("{}: entry {}", file.name(), quote(entry->name))));
    CheckpointShard shard;
    KRAIT_TRY(shard.tensors, read_state_dict(pickle, file, entries, root));
    return shard;
}

}  // namespace

Result<TorchFile> TorchFile::open(const std::filesystem::path& path, FileAccess access) {
    KRAIT_TRY(CheckpointFile file, open_with(read_archive, path, access));
    return TorchFile(std::move(file));
}

Result<TorchFile> TorchFile::parse(std::span<const std::byte> bytes, std::string name) {
    KRAIT_TRY(CheckpointFile file, open_one(read_archive, DataFile::borrow(bytes, std::move(name))));
    return TorchFile(std::move(file));
}

}  // namespace krait
