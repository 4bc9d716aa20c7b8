// SPDX-License-Identifier: Apache-2.0
#include "models/weights.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "core/quant/codec.hpp"

namespace krait {
namespace {

// Extents of 1 carry no information, and writers disagree on them: {1, H} and {H} are the same weight.
std::vector<int64_t> without_ones(std::span<const int64_t> extents) {
    std::vector<int64_t> kept;
    std::copy_if(extents.begin(), extents.end(), std::back_inserter(kept), [](int64_t n) { return n != 1; });
    return kept;
}

// What the metadata calls for, for messages: sizes may be absurd, so nothing is multiplied.
std::string wanted(const WeightSpec& spec) { return fmt::format("[{}]", fmt::join(spec.extents, ", ")); }

// The weight as the graph will see it, before it may be decoded.
Result<TensorDesc> desc_in_file(const GgufFile& file, const GgufTensor& tensor, const WeightSpec& spec) {
    const auto refuse = [&](std::string_view why) {
        return fail(ErrorCode::corrupt_file, "{}: tensor {} (record at byte {}) is {}; {}", file.name(),
                    quote_name(tensor.name), tensor.record_offset, to_string(tensor.desc), why);
    };
    if (!dtype_info(tensor.dtype()).is_weight_format) return refuse("no weight has that type");
    // A row that is flat in the graph may be folded in the file ([n_group, d_inner / n_group]), never the other way round.
    const bool flat =
        spec.extents.size() == 1 && element_count(tensor.desc) == spec.extents[0] && !is_quantized(tensor.dtype());
    if (!flat && without_ones(tensor.extents()) != without_ones(spec.extents))
        return refuse(fmt::format("the metadata calls for {}", wanted(spec)));
    // The counts agree, so the product is that of a shape the reader has accepted.
    if (spec.extents.back() % dtype_info(tensor.dtype()).block_elems != 0)
        return refuse(fmt::format("rows of {} are not a whole number of its blocks", spec.extents.back()));
    return make_desc(tensor.dtype(), spec.extents);
}

std::vector<float> decode(const TensorDesc& desc, std::span<const std::byte> bytes) {
    std::vector<float> values(static_cast<size_t>(element_count(desc)));
    const int64_t width = last_extent(desc), stride = row_bytes(dtype_of(desc), width);
    for (int64_t row = 0; row < row_count(desc); ++row)
        decode_row(dtype_of(desc), bytes.data() + row * stride,
                   std::span(values).subspan(static_cast<size_t>(row * width), static_cast<size_t>(width)));
    return values;
}

}  // namespace

Result<void> check_weights(const GgufFile& file, std::span<const WeightSpec> specs) {
    for (const WeightSpec& spec : specs) {
        const GgufTensor* tensor = file.find_tensor(spec.name);
        if (tensor) KRAIT_CHECK(desc_in_file(file, *tensor, spec));
        if (!tensor && !spec.optional)
            return fail(ErrorCode::corrupt_file, "{}: the tensor '{}' is missing; the metadata calls for {}", file.name(),
                        spec.name, wanted(spec));
    }
    return {};
}

Result<Weights> Weights::load(const GgufFile& file, std::span<const WeightSpec> specs, const Device& device,
                              const LoadProgress& progress) {
    KRAIT_CHECK(check_weights(file, specs));
    uint64_t total = 0, done = 0;
    for (const WeightSpec& spec : specs)
        if (const GgufTensor* tensor = file.find_tensor(spec.name)) total += tensor->byte_size();

    Weights weights;
    for (const WeightSpec& spec : specs) {
        const GgufTensor* tensor = file.find_tensor(spec.name);
        if (!tensor) continue;
        if (progress) progress(done, total);
        file.advise(MappedFile::Advice::will_need, tensor->bytes);
        KRAIT_TRY(TensorDesc desc, desc_in_file(file, *tensor, spec));
        Result<Buffer> buffer = [&]() -> Result<Buffer> {
            if (spec.any_format || dtype_of(desc) == DType::F32)
                return device.upload_constant(desc, spec.uses, tensor->bytes, KRAIT_UPLOAD_BYTES_PERSIST);
            const std::vector<float> values = decode(desc, tensor->bytes);
            desc = make_desc(DType::F32, spec.extents);
            return device.upload_constant(desc, spec.uses, std::as_bytes(std::span(values)));
        }();
        if (!buffer)
            return tl::unexpected<Error>(
                std::move(buffer).error().within(fmt::format("{}: tensor '{}'", file.name(), spec.name)));
        weights.device_bytes_ += buffer->size();
        weights.weights_.emplace(spec.name, Weight{desc, std::make_shared<const Buffer>(std::move(*buffer))});
        done += tensor->byte_size();
    }
    if (progress) progress(done, total);
    weights.file_bytes_ = total;
    return weights;
}

const Weight* Weights::find(const std::string& name) const {
    const auto found = weights_.find(name);
    return found == weights_.end() ? nullptr : &found->second;
}

}  // namespace krait
