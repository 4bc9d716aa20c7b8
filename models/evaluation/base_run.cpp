// SPDX-License-Identifier: Apache-2.0
#include "models/evaluation/base_run.hpp"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace krait {
namespace {

constexpr char kMagic[8] = {'K', 'R', 'A', 'I', 'T', 'R', 'U', 'N'};
constexpr uint32_t kVersion = 1;
static_assert(std::endian::native == std::endian::little);

struct Header {
    char magic[8];
    uint32_t version, n_token;
    uint64_t n_text, text_hash;
    int64_t context, stride;
    uint32_t stream, reserved;
    uint64_t n_row, model_hash, hash;
};
static_assert(sizeof(Header) == 80);

struct RowHeader {
    double log_probability;
    float best_log_probability;
    int32_t best;
    uint64_t hash;  // of the row without these 8 bytes
};
static_assert(sizeof(RowHeader) == 24);

uint64_t header_hash(const Header& header) { return XXH3_64bits(&header, offsetof(Header, hash)); }

uint64_t row_hash(std::span<const std::byte> row) {
    const uint64_t seed = XXH3_64bits(row.data(), offsetof(RowHeader, hash));
    return XXH3_64bits_withSeed(row.data() + sizeof(RowHeader), row.size() - sizeof(RowHeader), seed);
}

uint64_t row_bytes(int64_t n_token) {
    return sizeof(RowHeader) + (static_cast<uint64_t>(n_token) * sizeof(uint16_t) + 7) / 8 * 8;
}

uint64_t row_offset(const RunSettings& settings, uint64_t row) { return sizeof(Header) + row * row_bytes(settings.n_token); }

std::string describe(const RunSettings& settings) {
    return fmt::format("{} tokens (hash {:016x}), {}", settings.n_text, settings.text_hash, to_string(settings.windows));
}

}  // namespace

Result<RunSettings> RunSettings::of(const Model& model, const EvaluationText& text, const WindowOptions& windows) {
    KRAIT_TRY(const std::vector<Window> cut, cut_windows(text.tokens.size(), windows));
    const uint64_t seed = XXH3_64bits(text.prefix.data(), text.prefix.size() * sizeof(int32_t));
    RunSettings settings;
    settings.n_token = model.n_token();
    settings.n_text = static_cast<int64_t>(text.tokens.size());
    settings.text_hash = XXH3_64bits_withSeed(text.tokens.data(), text.tokens.size() * sizeof(int32_t), seed);
    settings.windows = windows.stream ? WindowOptions{.context = 0, .stride = 0, .stream = true} : windows;
    settings.n_row = static_cast<int64_t>(cut.back().first_row + cut.back().n_scored);
    return settings;
}

// ---- writing -----------------------------------------------------------------------------------------------------

Result<BaseRunWriter> BaseRunWriter::create(const std::filesystem::path& target, const RunSettings& settings,
                                            uint64_t model_hash) {
    BaseRunWriter writer;
    KRAIT_TRY(writer.output_, OutputFile::create(target, OutputFile::Order::any));
    writer.settings_ = settings;
    writer.row_.resize(row_bytes(settings.n_token));
    Header header{};
    std::memcpy(header.magic, kMagic, sizeof kMagic);
    header.version = kVersion;
    header.n_token = static_cast<uint32_t>(settings.n_token);
    header.n_text = static_cast<uint64_t>(settings.n_text);
    header.text_hash = settings.text_hash;
    header.context = settings.windows.context;
    header.stride = settings.windows.stride;
    header.stream = settings.windows.stream ? 1 : 0;
    header.n_row = static_cast<uint64_t>(settings.n_row);
    header.model_hash = model_hash;
    header.hash = header_hash(header);
    KRAIT_CHECK(writer.output_.write(std::as_bytes(std::span(&header, 1))));
    return writer;
}

uint64_t BaseRunWriter::bytes() const { return row_offset(settings_, static_cast<uint64_t>(settings_.n_row)); }

Result<void> BaseRunWriter::write(const ScoredToken& scored) {
    const auto best = std::max_element(scored.logits.begin(), scored.logits.end());
    RowHeader header{};
    header.log_probability = static_cast<double>(scored.logits[static_cast<size_t>(scored.token)]) - scored.log_sum_exp;
    header.best_log_probability = static_cast<float>(static_cast<double>(*best) - scored.log_sum_exp);
    header.best = static_cast<int32_t>(best - scored.logits.begin());
    const std::span<uint16_t> quantized(reinterpret_cast<uint16_t*>(row_.data() + sizeof header), scored.logits.size());
    for (size_t i = 0; i < quantized.size(); ++i) {
        const double below = (static_cast<double>(*best) - static_cast<double>(scored.logits[i])) / BaseRow::kStep;
        quantized[i] = static_cast<uint16_t>(std::lround(std::min(below, 65535.0)));
    }
    std::memcpy(row_.data(), &header, sizeof header);
    header.hash = row_hash(row_);
    std::memcpy(row_.data(), &header, sizeof header);
    KRAIT_CHECK(output_.write_at(row_offset(settings_, scored.row), row_));
    ++n_written_;
    return {};
}

Result<void> BaseRunWriter::finish() {
    if (n_written_ != settings_.n_row)
        return fail(ErrorCode::internal, "'{}': {} of {} rows were written", output_.target().string(), n_written_,
                    settings_.n_row);
    return output_.finish();
}

// ---- reading -----------------------------------------------------------------------------------------------------

Result<BaseRun> BaseRun::open(const std::filesystem::path& path) {
    constexpr auto kCorrupt = ErrorCode::corrupt_file;
    BaseRun run;
    KRAIT_TRY(run.file_, MappedFile::open(path));
    const auto bytes = run.file_.bytes();
    Header header;
    if (bytes.size() < sizeof kMagic || std::memcmp(bytes.data(), kMagic, sizeof kMagic) != 0)
        return fail(kCorrupt, "'{}' is no saved run: it does not begin with 'KRAITRUN'", path.string());
    if (bytes.size() < sizeof header)
        return fail(kCorrupt, "'{}' has {} bytes; the header alone has {}", path.string(), bytes.size(), sizeof header);
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.version != kVersion)
        return fail(ErrorCode::unsupported, "'{}' is version {} of saved runs; this Krait reads version {}: save it again",
                    path.string(), header.version, kVersion);
    if (header.hash != header_hash(header))
        return fail(kCorrupt, "'{}': the checksum at byte {} does not match: the header is damaged", path.string(),
                    offsetof(Header, hash));
    if (header.n_token == 0 || header.n_token > INT32_MAX || header.n_row == 0)
        return fail(kCorrupt, "'{}' says that it has {} rows of {} tokens", path.string(), header.n_row, header.n_token);
    run.settings_ = {.n_token = header.n_token,
                     .n_text = static_cast<int64_t>(header.n_text),
                     .text_hash = header.text_hash,
                     .windows = {.context = header.context, .stride = header.stride, .stream = header.stream != 0},
                     .n_row = static_cast<int64_t>(header.n_row)};
    run.model_hash_ = header.model_hash;
    const uint64_t room = bytes.size() - sizeof header, size = row_bytes(header.n_token);
    if (room / size != header.n_row || room % size != 0)
        return fail(kCorrupt, "'{}' has {} bytes; {} rows of {} bytes after a header of {} are {}", path.string(), bytes.size(),
                    header.n_row, size, sizeof header,
                    header.n_row <= UINT64_MAX / 2 / size ? fmt::format("{}", sizeof header + header.n_row * size) : "more");
    return run;
}

Result<void> BaseRun::check_comparable(const RunSettings& settings) const {
    if (settings_.n_token != settings.n_token)
        return fail(ErrorCode::invalid_argument,
                    "'{}' was saved from a model with a vocabulary of {} tokens; this model has {}, so they cannot be compared",
                    file_.path().string(), settings_.n_token, settings.n_token);
    if (settings_.n_text != settings.n_text || settings_.text_hash != settings.text_hash)
        return fail(ErrorCode::invalid_argument,
                    "'{}' was saved on another text, or with another tokenizer: it has {}; this run has {}",
                    file_.path().string(), describe(settings_), describe(settings));
    if (settings_.windows != settings.windows || settings_.n_row != settings.n_row)
        return fail(ErrorCode::invalid_argument, "'{}' was saved with {}; this run has {}: use the same", file_.path().string(),
                    to_string(settings_.windows), to_string(settings.windows));
    return {};
}

Result<BaseRow> BaseRun::row(size_t index) const {
    if (index >= static_cast<size_t>(settings_.n_row))
        return fail(ErrorCode::invalid_argument, "'{}' has no row {}: it has {}", file_.path().string(), index,
                    settings_.n_row);
    const uint64_t offset = row_offset(settings_, index);
    const auto bytes = file_.bytes().subspan(offset, row_bytes(settings_.n_token));
    RowHeader header;
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.hash != row_hash(bytes) || header.best < 0 || header.best >= settings_.n_token)
        return fail(ErrorCode::corrupt_file, "'{}': row {} at byte {} is damaged: its checksum does not match",
                    file_.path().string(), index, offset);
    // Rows begin at multiples of 8 in a mapping that begins at a page.
    const auto* quantized = reinterpret_cast<const uint16_t*>(bytes.data() + sizeof header);
    return BaseRow{header.log_probability, header.best, {quantized, static_cast<size_t>(settings_.n_token)}};
}

}  // namespace krait
