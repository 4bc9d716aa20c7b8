// SPDX-License-Identifier: Apache-2.0
#include "models/memory/state_file.hpp"

#include <xxhash.h>

#include <cstddef>
#include <cstring>

namespace krait {
namespace {

constexpr char kMagic[8] = {'K', 'R', 'A', 'I', 'T', 'S', 'E', 'Q'};
constexpr uint32_t kVersion = 2;

struct Header {
    char magic[8];
    uint32_t version;
    uint32_t reserved;
    uint64_t model_hash;
    uint64_t n_tok;
    uint64_t state_bytes;
    int64_t position;
    uint64_t n_snapshot;
};
static_assert(sizeof(Header) == 56);

struct SnapshotHeader {
    uint64_t n_tok;
    int64_t position;
};
static_assert(sizeof(SnapshotHeader) == 16);

}  // namespace

std::vector<std::byte> encode_state_file(const StateFile& file) {
    Header header{
        {}, kVersion, 0, file.model_hash, file.tokens.size(), file.state.size(), file.position, file.snapshots.size()};
    std::memcpy(header.magic, kMagic, sizeof kMagic);
    const size_t token_bytes = file.tokens.size() * sizeof(int32_t);
    std::vector<std::byte> bytes(sizeof header + token_bytes + file.state.size() +
                                 file.snapshots.size() * (sizeof(SnapshotHeader) + file.state.size()) + sizeof(uint64_t));
    std::byte* at = bytes.data();
    const auto put = [&](const void* source, size_t size) {
        if (size > 0) std::memcpy(at, source, size);
        at += size;
    };
    put(&header, sizeof header);
    put(file.tokens.data(), token_bytes);
    put(file.state.data(), file.state.size());
    for (const StateFile::Snapshot& snapshot : file.snapshots) {
        const SnapshotHeader kept{snapshot.n_tok, snapshot.position};
        put(&kept, sizeof kept);
        put(snapshot.state.data(), snapshot.state.size());
    }
    const uint64_t checksum = XXH3_64bits(bytes.data(), static_cast<size_t>(at - bytes.data()));
    put(&checksum, sizeof checksum);
    return bytes;
}

Result<StateFile> decode_state_file(std::span<const std::byte> bytes) {
    constexpr auto kCorrupt = ErrorCode::corrupt_file;
    Header header;
    if (bytes.size() < sizeof header + sizeof(uint64_t))
        return fail(kCorrupt, "a saved state has at least {} bytes; this one has {}", sizeof header + sizeof(uint64_t),
                    bytes.size());
    std::memcpy(&header, bytes.data(), sizeof header);
    if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0)
        return fail(kCorrupt, "not a saved state: it does not begin with 'KRAITSEQ'");
    if (header.version != kVersion)
        return fail(ErrorCode::unsupported, "version {} at byte 8: this Krait reads version {} of saved states", header.version,
                    kVersion);
    if (header.reserved != 0) return fail(kCorrupt, "byte {} of a saved state is not 0", offsetof(Header, reserved));
    const uint64_t body = bytes.size() - sizeof header - sizeof(uint64_t);
    const bool tokens_fit = header.n_tok <= body / sizeof(int32_t);
    const uint64_t rest = tokens_fit ? body - header.n_tok * sizeof(int32_t) : 0;  // for states
    const bool states_fit =
        header.state_bytes <= rest && header.n_snapshot <= rest / sizeof(SnapshotHeader) &&
        (header.n_snapshot == 0 || header.state_bytes <= rest / header.n_snapshot);  // so that nothing below overflows
    if (!tokens_fit || !states_fit ||
        rest != header.state_bytes + header.n_snapshot * (sizeof(SnapshotHeader) + header.state_bytes))
        return fail(kCorrupt,
                    "the header (byte {}) calls for {} tokens, {} bytes of state and {} snapshots, but {} bytes follow it",
                    offsetof(Header, n_tok), header.n_tok, header.state_bytes, header.n_snapshot, body);
    uint64_t checksum = 0;
    const size_t end = bytes.size() - sizeof checksum;
    std::memcpy(&checksum, bytes.data() + end, sizeof checksum);
    if (checksum != XXH3_64bits(bytes.data(), end))
        return fail(kCorrupt, "the checksum at byte {} does not match: the saved state is damaged", end);

    StateFile file;
    file.model_hash = header.model_hash;
    file.tokens.resize(header.n_tok);
    const auto tokens = bytes.subspan(sizeof header, header.n_tok * sizeof(int32_t));
    if (!tokens.empty()) std::memcpy(file.tokens.data(), tokens.data(), tokens.size());
    auto states = bytes.subspan(sizeof header + tokens.size());
    const auto take = [&](size_t size) {
        const auto taken = states.first(size);
        states = states.subspan(size);
        return taken;
    };
    const auto state = take(header.state_bytes);
    file.state.assign(state.begin(), state.end());
    file.position = header.position;
    const auto is_position = [&](int64_t position) {
        return position >= 0 && position <= kMaxPosition + static_cast<int64_t>(header.n_tok);
    };
    if (!is_position(file.position))
        return fail(kCorrupt, "the next token's position (byte {}) is {}", offsetof(Header, position), file.position);
    for (uint64_t i = 0; i < header.n_snapshot; ++i) {
        SnapshotHeader kept;
        std::memcpy(&kept, take(sizeof kept).data(), sizeof kept);
        const uint64_t before = file.snapshots.empty() ? 0 : file.snapshots.back().n_tok;
        if (kept.n_tok <= before || kept.n_tok > header.n_tok || !is_position(kept.position))
            return fail(kCorrupt, "snapshot {} is after {} tokens, at position {}: they ascend, up to {} tokens", i, kept.n_tok,
                        kept.position, header.n_tok);
        const auto kept_state = take(header.state_bytes);
        file.snapshots.push_back({kept.n_tok, kept.position, {kept_state.begin(), kept_state.end()}});
    }
    return file;
}

}  // namespace krait
