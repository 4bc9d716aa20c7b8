// SPDX-License-Identifier: Apache-2.0
#include "models/quantize/quantized_source.hpp"

#include <algorithm>
#include <cstring>

#include "core/base/parallel_for.hpp"
#include "core/quant/codec.hpp"
#include "formats/gguf/gguf_value.hpp"
#include "models/quantize/finite_check.hpp"

namespace krait {
namespace {

class QuantizedSource final : public ModelSource {
  public:
    QuantizedSource(std::unique_ptr<ModelSource> in, const QuantizedSourceOptions& options)
        : in_(std::move(in)), threads_(options.threads) {
        warnings_ = in_->warnings();
        choose_formats(options.scheme);
        take_metadata();
        index();
        for (const GgufTensor& tensor : tensors_) formats_ += fmt::format("{}\n", dtype_name(tensor.dtype()));
    }

    const std::string& name() const override { return in_->name(); }
    size_t file_count() const override { return in_->file_count(); }
    const std::string& file_name(size_t file) const override { return in_->file_name(file); }
    uint64_t file_size() const override { return in_->file_size(); }
    uint32_t version() const override { return in_->version(); }
    std::string origin_of(const GgufTensor& tensor) const override { return in_->origin_of(before(tensor)); }
    const Error* why_no_tokenizer() const override { return in_->why_no_tokenizer(); }
    std::vector<std::span<const std::byte>> descriptions() const override {
        auto parts = in_->descriptions();
        parts.push_back(std::as_bytes(std::span(formats_)));
        return parts;
    }

    Result<void> read_part(const GgufTensor& tensor, uint64_t offset, std::span<std::byte> out) const override;
    void will_read(const GgufTensor& tensor) const override { in_->will_read(before(tensor)); }
    void will_not_read(const GgufTensor& tensor) const override { in_->will_not_read(before(tensor)); }
    void release_pages() const override { in_->release_pages(); }

  private:
    const GgufTensor& before(const GgufTensor& tensor) const { return *in_->find_tensor(tensor.name); }
    void choose_formats(const std::optional<QuantizeScheme>& scheme);
    void take_metadata();

    std::unique_ptr<ModelSource> in_;
    int threads_;
    std::string formats_;  // of the tensors, for descriptions()
};

void QuantizedSource::choose_formats(const std::optional<QuantizeScheme>& scheme) {
    const QuantizeRecipe recipe(scheme.value_or(QuantizeScheme{}), in_->find_tensor("output.weight") == nullptr);
    for (const GgufTensor& stored : in_->tensors()) {
        GgufTensor& tensor = tensors_.emplace_back(stored);
        if (!scheme || !dtype_info(stored.dtype()).is_weight_format) continue;
        const DType dtype = recipe.choose(stored.name, stored.extents()).dtype;
        if (dtype == stored.dtype()) continue;
        tensor.desc = make_desc(dtype, stored.extents());
        tensor.size = static_cast<uint64_t>(span_bytes(tensor.desc));
        tensor.bytes = {};
    }
}

void QuantizedSource::take_metadata() {
    std::vector<std::string> keys;
    for (const GgufMetadata& entry : in_->metadata())
        if (entry.key != kFileTypeKey && entry.key != kQuantizationVersionKey) keys.push_back(entry.key);
    for (const std::string& key : keys) {
        metadata_.push_back(*in_->find(key));
        if (std::holds_alternative<GgufArray>(metadata_.back().value)) in_->forget(key);  // a vocabulary is kept once
    }
    FileType file_type;
    for (const GgufTensor& tensor : tensors_) file_type.add(tensor.name, tensor.desc);
    metadata_.push_back({kFileTypeKey, file_type.number()});
    metadata_.push_back({kQuantizationVersionKey, kQuantizationVersion});
}

// Some MiB of rows at a time: whole rows are encoded, and of the first and the last one as much is given as was asked for.
Result<void> QuantizedSource::read_part(const GgufTensor& tensor, uint64_t offset, std::span<std::byte> out) const {
    const GgufTensor& stored = before(tensor);
    const DType from = stored.dtype(), to = tensor.dtype();
    if (from == to) return in_->read_part(stored, offset, out);
    constexpr int64_t kPartBytes = int64_t{2} << 20;
    const int64_t width = last_extent(tensor.desc), in_stride = row_bytes(from, width), out_stride = row_bytes(to, width);
    const int64_t part_rows = std::max<int64_t>(kPartBytes / std::max(in_stride, out_stride), 1);
    const auto begin = static_cast<int64_t>(offset), end = begin + static_cast<int64_t>(out.size());
    const int64_t last_row = (end + out_stride - 1) / out_stride, grain = std::max<int64_t>(4096 / width, 1);
    std::vector<std::byte> rows, encoded;
    for (int64_t first = begin / out_stride; first < last_row; first += part_rows) {
        const int64_t n = std::min(part_rows, last_row - first);
        rows.resize(static_cast<size_t>(n * in_stride));
        encoded.resize(static_cast<size_t>(n * out_stride));
        KRAIT_CHECK(in_->read_part(stored, static_cast<uint64_t>(first * in_stride), rows));
        FiniteCheck check;
        parallel_for(threads_, n, grain, [&](int64_t row, int64_t last) {
            std::vector<float> weights(static_cast<size_t>(width));
            for (; row < last; ++row) {
                decode_row(from, rows.data() + row * in_stride, weights);
                check.look_at(weights, to, false, first + row);
                encode_row(to, weights, encoded.data() + row * out_stride);
            }
        });
        KRAIT_CHECK(check.result(tensor.name, to, ""));
        const int64_t from_byte = std::max(begin, first * out_stride), to_byte = std::min(end, (first + n) * out_stride);
        std::memcpy(out.data() + (from_byte - begin), encoded.data() + (from_byte - first * out_stride),
                    static_cast<size_t>(to_byte - from_byte));
    }
    return {};
}

}  // namespace

Result<void> refuse_quantized(const ModelSource& source, std::string_view advice) {
    for (const GgufTensor& tensor : source.tensors())
        if (is_quantized(tensor.dtype()))
            return fail(ErrorCode::invalid_argument,
                        "{} is quantized already (tensor {} is {}): a second rounding would add to the first. Begin from the "
                        "F32, F16 or BF16 file{}{}",
                        source.name(), quote_name(tensor.name), dtype_name(tensor.dtype()), advice.empty() ? "" : "; ", advice);
    return {};
}

Result<std::unique_ptr<ModelSource>> quantize_source(std::unique_ptr<ModelSource> source,
                                                     const QuantizedSourceOptions& options) {
    if (options.scheme) KRAIT_CHECK(refuse_quantized(*source, ""));
    return std::make_unique<QuantizedSource>(std::move(source), options);
}

}  // namespace krait
