// SPDX-License-Identifier: Apache-2.0
#include "formats/huggingface/folder.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>

#include "core/base/printable.hpp"
#include "core/quant/codec.hpp"
#include "formats/huggingface/folder_files.hpp"

namespace krait::huggingface {
namespace {

namespace fs = std::filesystem;

// Devices read weights in place where they are aligned as in a GGUF file.
constexpr uintptr_t kAlignment = kGgufMinAlignment;

std::string name_of_model(const fs::path& path) {
    std::error_code ignored;
    const fs::path real = fs::canonical(path, ignored);
    return real.filename().string();
}

// Mistral's own checkpoints have params.json.
Result<Config> open_config(const fs::path& folder) {
    for (const char* name : kConfigNames) {
        KRAIT_TRY(const std::optional<fs::path> path, find_file(folder, name));
        if (path) return Config::open(*path);
    }
    return fail(ErrorCode::not_found,
                "{}: this folder has no config.json, which a model of Hugging Face's has, and no params.json", folder.string());
}

// The rows that the embedding may have, by config.json.
Result<int64_t> check_vocabulary(const Config& config, const ModelFacts& facts, const GgufTensor& embedding,
                                 std::string_view file) {
    const int64_t rows = embedding.desc.extent[0], said = facts.size("vocab_size");
    if (rows == said || rows == facts.vocab_rows_max) return rows;
    return fail(ErrorCode::corrupt_file, "{}: 'vocab_size' is {}{}, but the embedding in {} has {} rows", config.file(), said,
                facts.vocab_rows_max == said ? "" : fmt::format(", or {} padded", facts.vocab_rows_max), file, rows);
}

// Each of the tensors that runs are of, once.
std::vector<size_t> sources_of(std::span<const Run> runs) {
    std::vector<size_t> sources;
    for (const Run& run : runs)
        if (sources.empty() || sources.back() != run.source) sources.push_back(run.source);
    return sources;
}

}  // namespace

Result<std::unique_ptr<ModelSource>> Folder::open(const fs::path& path, const OpenOptions& options) {
    auto folder = std::unique_ptr<Folder>(new Folder);
    folder->name_ = path.string();
    KRAIT_TRY(const Config config, open_config(path));
    KRAIT_TRY(ModelFacts facts, read_facts(config));
    KRAIT_TRY(folder->checkpoint_, open_checkpoint(path, options.access));
    KRAIT_CHECK(read_layers(config, folder->checkpoint_.tensors().size(), facts));
    KRAIT_TRY(std::vector<MappedTensor> mapped, map_tensors(folder->checkpoint_, facts, folder->name_));
    const GgufTensor& embedding = mapped.front().tensor;
    KRAIT_TRY(const int64_t n_vocab, check_vocabulary(config, facts, embedding, folder->file_name(embedding.shard)));
    folder->metadata_ = metadata_of(facts, name_of_model(path), n_vocab);
    folder->take(std::move(mapped));
    if (options.tokenizer.empty()) {
        folder->add_tokenizer({path, &config, n_vocab});
    } else {
        KRAIT_TRY(auto entries, read_tokenizer({options.tokenizer, &config, n_vocab}, folder->warnings_));
        std::move(entries.begin(), entries.end(), std::back_inserter(folder->metadata_));
    }
    folder->index();
    folder->describe();
    return folder;
}

// A model generates from token ids alone, so a tokenizer that is not there or of no use is no error.
void Folder::add_tokenizer(const TokenizerFiles& files) {
    auto entries = read_tokenizer(files, warnings_);
    if (entries) {
        std::move(entries->begin(), entries->end(), std::back_inserter(metadata_));
        return;
    }
    why_no_tokenizer_ = std::move(entries).error();
    why_no_tokenizer_->message += ". The model takes token ids; for text, ";
    why_no_tokenizer_->message +=
        why_no_tokenizer_->code == ErrorCode::not_found
            ? "put tokenizer.json and tokenizer_config.json there, or name a folder that has them: --tokenizer PATH"
            : "name a folder with another tokenizer of these tokens: --tokenizer PATH";
}

void Folder::take(std::vector<MappedTensor> mapped) {
    for (MappedTensor& m : mapped) {
        const CheckpointTensor& stored = checkpoint_.tensors()[m.runs[0].source];
        const bool is_as_stored = m.is_as_stored(checkpoint_);
        if (is_as_stored && reinterpret_cast<uintptr_t>(stored.bytes.data()) % kAlignment == 0) m.tensor.bytes = stored.bytes;
        parts_.push_back({std::move(m.runs), m.values, m.stored, is_as_stored});
        tensors_.push_back(std::move(m.tensor));
    }
}

void Folder::describe() {
    for (const GgufMetadata& entry : metadata_)
        description_ += fmt::format("{} = {}\n", entry.key, to_string(entry.value, SIZE_MAX, SIZE_MAX));
    for (const GgufTensor& tensor : tensors_) description_ += fmt::format("{} {}\n", tensor.name, to_string(tensor.desc));
}

std::vector<std::span<const std::byte>> Folder::descriptions() const { return {std::as_bytes(std::span(description_))}; }

std::string Folder::origin_of(const GgufTensor& tensor) const {
    return fmt::format("{}, described at byte {}", quote(stored_of(part_of(tensor)).name), tensor.record_offset);
}

Result<void> Folder::read_part(const GgufTensor& tensor, uint64_t offset, std::span<std::byte> out) const {
    const Part& part = part_of(tensor);
    if (offset > tensor.size || out.size() > tensor.size - offset)
        return fail(ErrorCode::internal, "tensor {}: bytes {} to {} of {} are asked for", quote_name(tensor.name), offset,
                    offset + out.size(), tensor.size);
    if (part.is_as_stored) return checkpoint_.read_part(stored_of(part), offset, out);
    // A few elements at a time; the first and the last may be asked for in part.
    constexpr uint64_t kStep = 16384;
    const DType dtype = tensor.dtype();
    const auto width = static_cast<uint64_t>(row_bytes(dtype, 1));
    std::vector<std::byte> elements;
    const uint64_t end = offset + out.size();
    for (uint64_t at = offset; at < end;) {
        const uint64_t first = at / width, last = std::min(first + kStep, (end + width - 1) / width);
        elements.resize((last - first) * width);
        KRAIT_CHECK(read_elements(part, dtype, static_cast<int64_t>(first), elements));
        const uint64_t from = at - first * width, size = std::min(end, last * width) - at;
        std::memcpy(out.data() + (at - offset), elements.data() + from, static_cast<size_t>(size));
        at += size;
    }
    return {};
}

Result<void> Folder::read_elements(const Part& part, DType dtype, int64_t first, std::span<std::byte> out) const {
    const int64_t width = row_bytes(dtype, 1), stored_width = row_bytes(part.stored, 1);
    std::vector<std::byte> stored;
    std::vector<float> values;
    // The last run that begins at or before the element.
    auto run = std::ranges::upper_bound(part.runs, first, {}, &Run::begin) - 1;
    for (int64_t done = 0; done < std::ssize(out) / width; ++run) {
        const int64_t skipped = first + done - run->begin, n = std::min(run->count - skipped, std::ssize(out) / width - done);
        const CheckpointTensor& source = checkpoint_.tensors()[run->source];
        const auto offset = static_cast<uint64_t>((run->first + skipped) * stored_width);
        const std::span<std::byte> to = out.subspan(static_cast<size_t>(done * width), static_cast<size_t>(n * width));
        done += n;
        if (part.values != Values::minus_exp && run->factor == 1 && part.stored == dtype) {
            KRAIT_CHECK(checkpoint_.read_part(source, offset, to));
            continue;
        }
        stored.resize(static_cast<size_t>(n * stored_width));
        values.resize(static_cast<size_t>(n));
        KRAIT_CHECK(checkpoint_.read_part(source, offset, stored));
        decode_row(part.stored, stored.data(), values);
        // In double: the float next to the true value, whatever the library's expf gives.
        if (part.values == Values::minus_exp)
            for (float& value : values) value = static_cast<float>(-std::exp(static_cast<double>(value)));
        if (run->factor != 1)
            for (float& value : values) value *= run->factor;
        encode_row(dtype, values, to.data());
    }
    return {};
}

void Folder::will_read(const GgufTensor& tensor) const {
    for (const size_t source : sources_of(part_of(tensor).runs)) checkpoint_.will_read(checkpoint_.tensors()[source]);
}

void Folder::will_not_read(const GgufTensor& tensor) const {
    for (const size_t source : sources_of(part_of(tensor).runs)) checkpoint_.will_not_read(checkpoint_.tensors()[source]);
}

}  // namespace krait::huggingface
