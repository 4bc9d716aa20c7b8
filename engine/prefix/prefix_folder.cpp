// SPDX-License-Identifier: Apache-2.0
#include "engine/prefix/prefix_folder.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "core/base/input_file.hpp"
#include "core/base/output_file.hpp"

namespace krait::engine {
namespace {

struct Header {
    char magic[8] = {'K', 'R', 'A', 'I', 'T', 'P', 'F', 'X'};
    uint32_t version = 1;
    uint32_t n_candidate = 0;
    uint64_t model_hash = 0, n_tok = 0, n_logit = 0, n_state = 0;
};
static_assert(sizeof(Header) == 48 && std::is_trivially_copyable_v<Header>);
static_assert(sizeof(Candidate) == 8);

template <class T>
void append(std::vector<std::byte>& bytes, std::span<const T> values) {
    const auto more = std::as_bytes(values);
    bytes.insert(bytes.end(), more.begin(), more.end());
}

// The bytes before the checksum; nothing where the numbers are too large for a file of this size.
std::optional<uint64_t> n_head(const Header& header, uint64_t n_file) {
    if (header.n_tok > n_file || header.n_logit > n_file || header.n_state > n_file) return std::nullopt;
    const uint64_t n = sizeof(Header) + 4 * header.n_tok + sizeof(Candidate) * header.n_candidate + 4 * header.n_logit;
    if (n + sizeof(uint64_t) + header.n_state != n_file) return std::nullopt;
    return n;
}

Result<PrefixFile> read_head(const std::filesystem::path& path, uint64_t model_hash) {
    KRAIT_TRY(const InputFile file, InputFile::open(path));
    const auto damaged = [&](const char* where) {
        return fail(ErrorCode::corrupt_file, "'{}' is no kept prefix of this model: its {}", path.string(), where);
    };
    Header header;
    if (file.size() < sizeof header) return damaged("size is too small");
    KRAIT_CHECK(file.read(0, std::as_writable_bytes(std::span(&header, 1))));
    if (std::memcmp(header.magic, Header().magic, sizeof header.magic) != 0 || header.version != Header().version)
        return damaged("first bytes are wrong");
    if (header.model_hash != model_hash) return damaged("hash of the model is another one");
    const auto n = n_head(header, file.size());
    if (!n || header.n_tok == 0) return damaged("size is not that of its parts");
    std::vector<std::byte> bytes(*n + sizeof(uint64_t));
    KRAIT_CHECK(file.read(0, bytes));
    uint64_t checksum = 0;
    std::memcpy(&checksum, bytes.data() + *n, sizeof checksum);
    if (XXH3_64bits(bytes.data(), *n) != checksum) return damaged("checksum is wrong");

    PrefixFile found{.path = path, .n_byte = file.size(), .tokens = {}, .outputs = nullptr};
    const std::byte* at = bytes.data() + sizeof header;
    const auto take = [&](auto& values, size_t count) {
        values.resize(count);
        if (count > 0) std::memcpy(values.data(), at, count * sizeof values[0]);
        at += count * sizeof values[0];
    };
    std::vector<Candidate> candidates;
    std::vector<float> logits;
    take(found.tokens, header.n_tok);
    take(candidates, header.n_candidate);
    take(logits, header.n_logit);
    if (!candidates.empty() || !logits.empty())
        found.outputs = std::make_shared<const KeptOutputs>(std::move(candidates), std::move(logits));
    return found;
}

}  // namespace

Result<PrefixFolder> PrefixFolder::open(const std::filesystem::path& folder, uint64_t model_hash) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error || !std::filesystem::is_directory(folder, error))
        return fail(ErrorCode::io, "'{}' cannot be a folder for prefixes: {}", folder.string(),
                    error ? error.message() : "it is no folder");
    return PrefixFolder(folder, model_hash);
}

std::vector<PrefixFile> PrefixFolder::list() const {
    std::vector<std::pair<std::filesystem::file_time_type, PrefixFile>> found;
    const std::string begin = fmt::format("{:016x}-", model_hash_);
    std::error_code error;
    for (std::filesystem::directory_iterator place(folder_, error), end; !error && place != end; place.increment(error)) {
        const std::filesystem::path path = place->path();
        const std::string name = path.filename().string();
        if (!name.starts_with(begin) || path.extension() != ".prefix") continue;
        Result<PrefixFile> file = read_head(path, model_hash_);
        if (!file) {
            if (file.error().code == ErrorCode::corrupt_file) remove(path);
            continue;
        }
        std::error_code gone;
        const auto time = std::filesystem::last_write_time(path, gone);
        if (!gone) found.emplace_back(time, std::move(*file));
    }
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<PrefixFile> files;
    for (auto& [time, file] : found) files.push_back(std::move(file));
    return files;
}

Result<PrefixFile> PrefixFolder::write(std::span<const int32_t> tokens, const Outputs& outputs,
                                       std::span<const std::byte> state) const {
    Header header;
    header.n_candidate = static_cast<uint32_t>(outputs.candidates.size());
    header.model_hash = model_hash_;
    header.n_tok = tokens.size();
    header.n_logit = outputs.logits.size();
    header.n_state = state.size();
    std::vector<std::byte> bytes;
    append(bytes, std::span<const Header>(&header, 1));
    append(bytes, tokens);
    append(bytes, outputs.candidates);
    append(bytes, outputs.logits);
    const uint64_t checksum = XXH3_64bits(bytes.data(), bytes.size());
    append(bytes, std::span<const uint64_t>(&checksum, 1));

    const auto path =
        folder_ / fmt::format("{:016x}-{:016x}.prefix", model_hash_, XXH3_64bits(tokens.data(), tokens.size_bytes()));
    KRAIT_TRY(OutputFile file, OutputFile::create(path));
    KRAIT_CHECK(file.check_room(bytes.size() + state.size()));
    KRAIT_CHECK(file.write(bytes));
    KRAIT_CHECK(file.write(state));
    KRAIT_CHECK(file.finish());
    return PrefixFile{.path = path, .n_byte = bytes.size() + state.size(), .tokens = {}, .outputs = nullptr};
}

Result<std::vector<std::byte>> PrefixFolder::read_state(const PrefixFile& file) {
    KRAIT_TRY(const InputFile input, InputFile::open(file.path));
    Header header;
    if (input.size() != file.n_byte)
        return fail(ErrorCode::corrupt_file, "'{}' has {} bytes, and had {}", file.path.string(), input.size(), file.n_byte);
    KRAIT_CHECK(input.read(0, std::as_writable_bytes(std::span(&header, 1))));
    if (!n_head(header, input.size()))
        return fail(ErrorCode::corrupt_file, "'{}': its size is not that of its parts", file.path.string());
    std::vector<std::byte> state(header.n_state);
    KRAIT_CHECK(input.read(input.size() - header.n_state, state));
    return state;
}

void PrefixFolder::touch(const std::filesystem::path& path) noexcept {
    std::error_code ignored;
    std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now(), ignored);
}

void PrefixFolder::remove(const std::filesystem::path& path) noexcept {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
}

}  // namespace krait::engine
