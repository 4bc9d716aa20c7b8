// SPDX-License-Identifier: Apache-2.0
#include "formats/torch/zip_directory.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <unordered_set>

#include "core/base/printable.hpp"

namespace krait {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they lie in the file");

constexpr uint64_t kEndBytes = 22, kLocatorBytes = 20, kEnd64Bytes = 56, kRecordBytes = 46, kHeaderBytes = 30;
constexpr uint16_t kEncrypted = 1, kSizesBehindData = 8;  // flags of an entry
constexpr uint16_t kExtra64 = 1;                          // the extra field with numbers of 64 bits

template <class Number>
Number number_at(std::string_view bytes, size_t at) {
    Number number;
    std::memcpy(&number, bytes.data() + at, sizeof number);
    return number;
}

// A number that all bits of its field stand for is in a field of 64 bits elsewhere.
template <class Number>
bool is_elsewhere(Number number) {
    return number == static_cast<Number>(-1);
}

std::string entry_part(std::string_view name) { return "entry " + quote(name); }

// No part of it leads elsewhere, however it is used as a path.
bool is_plain_path(std::string_view name) {
    if (name.empty() || name.starts_with('/') || name.find_first_of(std::string_view("\\\0", 2)) != std::string_view::npos)
        return false;
    for (size_t begin = 0; begin <= name.size();) {
        const size_t end = std::min(name.find('/', begin), name.size());
        if (const std::string_view part = name.substr(begin, end - begin); part == "." || part == "..") return false;
        begin = end + 1;
    }
    return true;
}

// A record of the directory, as far as it counts.
struct Record {
    uint64_t at = 0;  // byte of the file
    uint16_t flags = 0, method = 0;
    uint64_t stored_size = 0, size = 0, header = 0;
    std::string_view name, extra;
};

struct Place {
    uint64_t begin = 0, end = 0;  // of header and data
    size_t entry = 0;
};

class DirectoryReader {
  public:
    explicit DirectoryReader(const DataFile& file) : file_(file) {}

    Result<std::vector<ZipEntry>> read() {
        KRAIT_CHECK(find_directory());
        KRAIT_TRY(directory_, bytes_at(begin_, end_ - begin_));
        uint64_t at = begin_;
        for (uint64_t i = 0; i < n_entry_; ++i) KRAIT_CHECK(read_entry(i, at));
        if (at != end_)
            return error("archive", "its directory has {} bytes behind its {} records at byte {}", end_ - at, n_entry_, at);
        KRAIT_CHECK(check_overlap());
        std::ranges::sort(entries_, {}, &ZipEntry::data_offset);
        return std::move(entries_);
    }

  private:
    template <class... Args>
    [[nodiscard]] tl::unexpected<Error> error(std::string_view part, fmt::format_string<Args...> text, Args&&... args) const {
        return fail(ErrorCode::corrupt_file, "{}: {}: {}", file_.name(), part, fmt::format(text, std::forward<Args>(args)...));
    }

    // Inside of the file.
    Result<std::string> bytes_at(uint64_t offset, uint64_t size) const {
        std::string bytes(static_cast<size_t>(size), '\0');
        KRAIT_CHECK(file_.read(offset, std::as_writable_bytes(std::span(bytes))));
        return bytes;
    }

    Result<void> find_directory();
    Result<void> find_directory_64(uint64_t locator_at);
    Result<void> check_end(std::string_view end, uint64_t end_at);
    Result<void> read_entry(uint64_t number, uint64_t& at);
    Result<Record> read_record(uint64_t number, uint64_t at) const;
    Result<void> widen(Record& record) const;
    Result<void> check_record(const Record& record);
    Result<void> find_data(const Record& record);
    Result<void> check_overlap();

    const DataFile& file_;
    uint64_t begin_ = 0, end_ = 0, n_entry_ = 0;  // of the directory
    std::string directory_;
    std::vector<ZipEntry> entries_;
    std::vector<Place> places_;
    std::unordered_set<std::string_view> names_;  // parts of directory_
};

// ---- the end of the file -----------------------------------------------------------------------------------------------

Result<void> DirectoryReader::find_directory() {
    const auto no_end = [&] {
        return error("archive", "no zip archive ends at its last byte {}: is the file complete?", file_.size());
    };
    if (file_.size() < kEndBytes) return no_end();
    const uint64_t end_at = file_.size() - kEndBytes;
    KRAIT_TRY(const std::string end, bytes_at(end_at, kEndBytes));
    if (!end.starts_with("PK\5\6") || number_at<uint16_t>(end, 20) != 0) return no_end();
    n_entry_ = number_at<uint16_t>(end, 10);
    begin_ = number_at<uint32_t>(end, 16);
    end_ = begin_ + number_at<uint32_t>(end, 12);
    uint64_t records_at = end_at;
    if (end_at >= kLocatorBytes) {
        KRAIT_TRY(const std::string locator, bytes_at(end_at - kLocatorBytes, kLocatorBytes));
        if (locator.starts_with("PK\6\7")) {
            records_at = number_at<uint64_t>(locator, 8);
            KRAIT_CHECK(find_directory_64(end_at - kLocatorBytes));
        }
    }
    KRAIT_CHECK(check_end(end, end_at));
    if (end_ != records_at || begin_ > end_)
        return error(
            "archive",
            "its directory is said to be at bytes {} to {}, and what ends it begins at byte {}: is something in front of "
            "the archive, or missing?",
            begin_, end_, records_at);
    if (end_ - begin_ > kZipMaxDirectoryBytes)
        return fail(ErrorCode::unsupported, "{}: archive: its directory at byte {} has {} bytes; at most {} are read",
                    file_.name(), begin_, end_ - begin_, kZipMaxDirectoryBytes);
    return {};
}

// The record with numbers of 64 bits, which the locator behind it points to.
Result<void> DirectoryReader::find_directory_64(uint64_t locator_at) {
    KRAIT_TRY(const std::string locator, bytes_at(locator_at, kLocatorBytes));
    const auto at = number_at<uint64_t>(locator, 8);
    if (locator_at < kEnd64Bytes || at != locator_at - kEnd64Bytes)
        return error("archive",
                     "its end record of 64 bits is said to be at byte {}, and {} bytes in front of byte {} are its place", at,
                     kEnd64Bytes, locator_at);
    KRAIT_TRY(const std::string end, bytes_at(at, kEnd64Bytes));
    if (!end.starts_with("PK\6\6") || number_at<uint64_t>(end, 4) != kEnd64Bytes - 12)
        return error("archive", "its end record of 64 bits is broken at byte {}", at);
    n_entry_ = number_at<uint64_t>(end, 32);
    begin_ = number_at<uint64_t>(end, 48);
    const auto size = number_at<uint64_t>(end, 40);
    if (__builtin_add_overflow(begin_, size, &end_) || number_at<uint64_t>(end, 24) != n_entry_ ||
        number_at<uint32_t>(end, 16) != 0 || number_at<uint32_t>(end, 20) != 0)
        return error("archive", "the numbers in its end record of 64 bits at byte {} contradict each other", at);
    return {};
}

// The numbers of the last record, against those of the directory.
Result<void> DirectoryReader::check_end(std::string_view end, uint64_t end_at) {
    const auto n_entry = number_at<uint16_t>(end, 10);
    const auto size = number_at<uint32_t>(end, 12), begin = number_at<uint32_t>(end, 16);
    const bool is_one_file = number_at<uint16_t>(end, 4) == 0 && number_at<uint16_t>(end, 6) == 0;
    const bool agrees = (n_entry == n_entry_ || is_elsewhere(n_entry)) && number_at<uint16_t>(end, 8) == n_entry &&
                        (size == end_ - begin_ || is_elsewhere(size)) && (begin == begin_ || is_elsewhere(begin));
    if (!is_one_file || !agrees)
        return error("archive", "the numbers in its end record at byte {} contradict each other", end_at);
    return {};
}

// ---- entries -----------------------------------------------------------------------------------------------------------

Result<void> DirectoryReader::read_entry(uint64_t number, uint64_t& at) {
    KRAIT_TRY(Record record, read_record(number, at));
    at += kRecordBytes + record.name.size() + record.extra.size() + number_at<uint16_t>(directory_, at - begin_ + 32);
    KRAIT_CHECK(widen(record));
    KRAIT_CHECK(check_record(record));
    return find_data(record);
}

Result<Record> DirectoryReader::read_record(uint64_t number, uint64_t at) const {
    const std::string_view rest = std::string_view(directory_).substr(static_cast<size_t>(at - begin_));
    const auto broken = [&] {
        return error("archive", "record {} of the {} of its directory is broken at byte {}", number, n_entry_, at);
    };
    if (rest.size() < kRecordBytes || !rest.starts_with("PK\1\2")) return broken();
    const auto name_size = number_at<uint16_t>(rest, 28), extra_size = number_at<uint16_t>(rest, 30);
    if (rest.size() - kRecordBytes < uint64_t{name_size} + extra_size + number_at<uint16_t>(rest, 32)) return broken();
    return Record{.at = at,
                  .flags = number_at<uint16_t>(rest, 8),
                  .method = number_at<uint16_t>(rest, 10),
                  .stored_size = number_at<uint32_t>(rest, 20),
                  .size = number_at<uint32_t>(rest, 24),
                  .header = number_at<uint32_t>(rest, 42),
                  .name = rest.substr(kRecordBytes, name_size),
                  .extra = rest.substr(kRecordBytes + name_size, extra_size)};
}

// Numbers of 64 bits stand in an extra field, in this order, those that are needed alone.
Result<void> DirectoryReader::widen(Record& record) const {
    std::string_view extra = record.extra, wide;
    while (extra.size() >= 4) {
        const size_t size = std::min<size_t>(number_at<uint16_t>(extra, 2), extra.size() - 4);
        if (number_at<uint16_t>(extra, 0) == kExtra64) wide = extra.substr(4, size);
        extra.remove_prefix(4 + size);
    }
    for (uint64_t* number : {&record.size, &record.stored_size, &record.header}) {
        if (!is_elsewhere(static_cast<uint32_t>(*number))) continue;
        if (wide.size() < 8)
            return error(entry_part(record.name), "the record at byte {} has no numbers of 64 bits, and says so", record.at);
        *number = number_at<uint64_t>(wide, 0);
        wide.remove_prefix(8);
    }
    return {};
}

Result<void> DirectoryReader::check_record(const Record& record) {
    const std::string part = entry_part(record.name);
    const auto unsupported = [&](std::string_view what) {
        return fail(
            ErrorCode::unsupported,
            "{}: {}: it is {} (record at byte {}), which is not read. PyTorch stores tensors as they are: save the file "
            "again with torch.save",
            file_.name(), part, what, record.at);
    };
    if (!is_plain_path(record.name))
        return error(part, "the name in the record at byte {} is no plain relative path", record.at);
    if (!names_.insert(record.name).second)
        return error(part, "the record at byte {} is the second one of this name", record.at);
    if ((record.flags & kEncrypted) != 0) return unsupported("encrypted");
    if (record.method != 0) return unsupported(fmt::format("compressed (method {})", record.method));
    if (record.stored_size != record.size)
        return error(part, "it is stored, and the record at byte {} gives it {} bytes in the file and {} of data", record.at,
                     record.stored_size, record.size);
    return {};
}

// By the entry's own header, which has to tell the same.
Result<void> DirectoryReader::find_data(const Record& record) {
    const std::string part = entry_part(record.name);
    const uint64_t name_size = record.name.size();
    if (record.header > begin_ || begin_ - record.header < kHeaderBytes + name_size)
        return error(part, "its own header is said to be at byte {} (record at byte {}), and the directory begins at byte {}",
                     record.header, record.at, begin_);
    KRAIT_TRY(const std::string header, bytes_at(record.header, kHeaderBytes + name_size));
    if (!header.starts_with("PK\3\4"))
        return error(part, "at byte {} its own header is said to be, and none is there (record at byte {})", record.header,
                     record.at);
    const auto stored_size = number_at<uint32_t>(header, 18), size = number_at<uint32_t>(header, 22);
    const bool has_sizes = (number_at<uint16_t>(header, 6) & kSizesBehindData) == 0;
    const auto agrees = [&](uint32_t number) { return !has_sizes || is_elsewhere(number) || number == record.size; };
    if (number_at<uint16_t>(header, 6) != record.flags || number_at<uint16_t>(header, 8) != record.method ||
        number_at<uint16_t>(header, 26) != name_size || std::string_view(header).substr(kHeaderBytes) != record.name ||
        !agrees(size) || !agrees(stored_size))
        return error(part, "its own header at byte {} tells something else than its record in the directory at byte {}",
                     record.header, record.at);
    const uint64_t data = record.header + header.size() + number_at<uint16_t>(header, 28);
    if (data > begin_ || record.size > begin_ - data)
        return error(part,
                     "its data begin at byte {} and have {} bytes (record at byte {}), and the directory begins at byte {}",
                     data, record.size, record.at, begin_);
    places_.push_back({.begin = record.header, .end = data + record.size, .entry = entries_.size()});
    entries_.push_back(
        {.name = std::string(record.name), .data_offset = data, .size = record.size, .record_offset = record.at});
    return {};
}

Result<void> DirectoryReader::check_overlap() {
    std::ranges::sort(places_, {}, &Place::begin);
    for (size_t i = 1; i < places_.size(); ++i) {
        const ZipEntry &entry = entries_[places_[i].entry], &other = entries_[places_[i - 1].entry];
        if (places_[i].begin < places_[i - 1].end)
            return error(entry_part(entry.name),
                         "it begins at byte {}, inside of {}, which ends at byte {} (record at byte {})", places_[i].begin,
                         entry_part(other.name), places_[i - 1].end, entry.record_offset);
    }
    return {};
}

}  // namespace

Result<std::vector<ZipEntry>> read_zip_directory(const DataFile& file) { return DirectoryReader(file).read(); }

}  // namespace krait
