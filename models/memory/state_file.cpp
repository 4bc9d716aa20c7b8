// SPDX-License-Identifier: Apache-2.0
#include "models/memory/state_file.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace krait {
namespace {

constexpr char kMagic[8] = {'K', 'R', 'A', 'I', 'T', 'S', 'E', 'Q'};
constexpr uint32_t kVersion = 3;
constexpr auto kCorrupt = ErrorCode::corrupt_file;

struct Header {
    char magic[8];
    uint32_t version;
    uint32_t n_section;
    uint64_t model_hash;
    uint64_t n_tok;
    int64_t position;
    uint64_t n_snapshot;
};
static_assert(sizeof(Header) == 48);

struct SnapshotHeader {
    uint64_t n_tok;
    int64_t position;
};
static_assert(sizeof(SnapshotHeader) == 16);

struct SectionHeader {
    char name[kMaxMemoryName + 1];
    uint32_t layout, dtype, rank, n_memory;
    int64_t extent[3];
    uint64_t n_byte;
};
static_assert(sizeof(SectionHeader) == 80);

// Bytes, taken one after another. Whoever takes has looked that there are as many.
class Reader {
  public:
    explicit Reader(std::span<const std::byte> bytes) : all_(bytes), rest_(bytes) {}
    size_t position() const { return all_.size() - rest_.size(); }
    size_t n_left() const { return rest_.size(); }
    std::span<const std::byte> take(size_t size) {
        const auto taken = rest_.first(size);
        rest_ = rest_.subspan(size);
        return taken;
    }
    template <class T>
    T take() {
        T value;
        std::memcpy(&value, take(sizeof value).data(), sizeof value);
        return value;
    }

  private:
    std::span<const std::byte> all_, rest_;
};

Result<void> read_snapshots(Reader& reader, const Header& header, StateFile& file) {
    const auto is_position = [&](int64_t position) {
        return position >= 0 && position <= kMaxPosition + static_cast<int64_t>(header.n_tok);
    };
    if (!is_position(file.position))
        return fail(kCorrupt, "the next token's position (byte {}) is {}", offsetof(Header, position), file.position);
    for (uint64_t i = 0; i < header.n_snapshot; ++i) {
        const auto kept = reader.take<SnapshotHeader>();
        const uint64_t before = file.snapshots.empty() ? 0 : file.snapshots.back().n_tok;
        if (kept.n_tok <= before || kept.n_tok > header.n_tok || !is_position(kept.position))
            return fail(kCorrupt, "snapshot {} is after {} tokens, at position {}: they ascend, up to {} tokens", i, kept.n_tok,
                        kept.position, header.n_tok);
        file.snapshots.push_back({kept.n_tok, kept.position});
    }
    return {};
}

Result<StateSection> read_section(Reader& reader, uint32_t index) {
    const size_t begin = reader.position();
    const auto refuse = [&](const std::string& why) {
        return fail(kCorrupt, "section {} of a saved state, at byte {}, {}", index, begin, why);
    };
    if (reader.n_left() < sizeof(SectionHeader))
        return refuse(fmt::format("has a header of {} bytes, but {} follow", sizeof(SectionHeader), reader.n_left()));
    const auto header = reader.take<SectionHeader>();
    StateSection section;
    section.name.assign(header.name, strnlen(header.name, sizeof header.name));
    const DTypeInfo* dtype = find_dtype(header.dtype);
    if (section.name.empty() || section.name.size() > kMaxMemoryName || header.layout > 1 || !dtype || header.rank > 3 ||
        header.n_memory == 0)
        return refuse(fmt::format("has a name of {} bytes, layout {}, element type {}, rank {}, {} memories",
                                  section.name.size(), header.layout, header.dtype, header.rank, header.n_memory));
    if (header.n_byte > reader.n_left())
        return refuse(fmt::format("has {} bytes, but {} follow its header", header.n_byte, reader.n_left()));
    section.has_pages = header.layout == 1;
    section.dtype = dtype->dtype;
    section.rank = header.rank;
    section.n_memory = header.n_memory;
    for (size_t i = 0; i < section.extent.size(); ++i) section.extent[i] = header.extent[i];
    const auto bytes = reader.take(header.n_byte);
    section.bytes.assign(bytes.begin(), bytes.end());
    return section;
}

}  // namespace

std::vector<std::byte> encode_state_file(const StateFile& file) {
    size_t n_byte = sizeof(Header) + file.tokens.size() * sizeof(int32_t) + file.snapshots.size() * sizeof(SnapshotHeader) +
                    sizeof(uint64_t);
    for (const StateSection& section : file.sections) n_byte += sizeof(SectionHeader) + section.bytes.size();
    std::vector<std::byte> bytes(n_byte);
    std::byte* at = bytes.data();
    const auto put = [&](const void* source, size_t size) {
        if (size > 0) std::memcpy(at, source, size);
        at += size;
    };
    Header header{{},
                  kVersion,
                  static_cast<uint32_t>(file.sections.size()),
                  file.model_hash,
                  file.tokens.size(),
                  file.position,
                  file.snapshots.size()};
    std::memcpy(header.magic, kMagic, sizeof kMagic);
    put(&header, sizeof header);
    put(file.tokens.data(), file.tokens.size() * sizeof(int32_t));
    for (const StateFile::Snapshot& snapshot : file.snapshots) {
        const SnapshotHeader kept{snapshot.n_tok, snapshot.position};
        put(&kept, sizeof kept);
    }
    for (const StateSection& section : file.sections) {
        SectionHeader kept{.name = {},
                           .layout = section.has_pages ? 1u : 0u,
                           .dtype = static_cast<uint32_t>(section.dtype),
                           .rank = section.rank,
                           .n_memory = section.n_memory,
                           .extent = {section.extent[0], section.extent[1], section.extent[2]},
                           .n_byte = section.bytes.size()};
        std::memcpy(kept.name, section.name.data(), std::min(section.name.size(), kMaxMemoryName));
        put(&kept, sizeof kept);
        put(section.bytes.data(), section.bytes.size());
    }
    const uint64_t checksum = XXH3_64bits(bytes.data(), static_cast<size_t>(at - bytes.data()));
    put(&checksum, sizeof checksum);
    return bytes;
}

Result<StateFile> decode_state_file(std::span<const std::byte> bytes) {
    constexpr size_t kMinBytes = sizeof(Header) + sizeof(uint64_t);
    if (bytes.size() < kMinBytes)
        return fail(kCorrupt, "a saved state has at least {} bytes; this one has {}", kMinBytes, bytes.size());
    const size_t end = bytes.size() - sizeof(uint64_t);
    Reader reader(bytes.first(end));
    const auto header = reader.take<Header>();
    if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0)
        return fail(kCorrupt, "not a saved state: it does not begin with 'KRAITSEQ'");
    if (header.version != kVersion)
        return fail(ErrorCode::unsupported,
                    "version {} at byte 8: this Krait reads version {} of saved states. Let the model read the tokens again",
                    header.version, kVersion);
    const uint64_t body = reader.n_left();
    const bool tokens_fit = header.n_tok <= body / sizeof(int32_t);
    const uint64_t rest = tokens_fit ? body - header.n_tok * sizeof(int32_t) : 0;
    if (!tokens_fit || header.n_snapshot > rest / sizeof(SnapshotHeader))
        return fail(kCorrupt, "the header (byte {}) calls for {} tokens and {} snapshots, but {} bytes follow it",
                    offsetof(Header, n_tok), header.n_tok, header.n_snapshot, body);
    const auto tokens = reader.take(header.n_tok * sizeof(int32_t));
    Reader snapshots(reader.take(header.n_snapshot * sizeof(SnapshotHeader)));
    StateFile file{.model_hash = header.model_hash, .tokens = {}, .position = header.position, .snapshots = {}, .sections = {}};
    for (uint32_t i = 0; i < header.n_section; ++i) {
        KRAIT_TRY(StateSection section, read_section(reader, i));
        file.sections.push_back(std::move(section));
    }
    if (reader.n_left() > 0)
        return fail(kCorrupt, "{} bytes follow the last of {} sections of a saved state", reader.n_left(), header.n_section);
    uint64_t checksum = 0;
    std::memcpy(&checksum, bytes.data() + end, sizeof checksum);
    if (checksum != XXH3_64bits(bytes.data(), end))
        return fail(kCorrupt, "the checksum at byte {} does not match: the saved state is damaged", end);
    file.tokens.resize(header.n_tok);
    if (!tokens.empty()) std::memcpy(file.tokens.data(), tokens.data(), tokens.size());
    KRAIT_CHECK(read_snapshots(snapshots, header, file));
    return file;
}

}  // namespace krait
