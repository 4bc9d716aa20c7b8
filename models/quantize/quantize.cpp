// SPDX-License-Identifier: Apache-2.0
#include "models/quantize/quantize.hpp"

#include <cstring>

#include "core/base/output_file.hpp"
#include "core/quant/codec.hpp"
#include "formats/gguf/gguf_value.hpp"
#include "formats/gguf/gguf_writer.hpp"
#include "models/quantize/finite_check.hpp"
#include "models/quantize/quantized_source.hpp"

namespace krait {
namespace {

struct PlannedTensor {
    const GgufTensor* in;
    TensorDesc out;
    std::string why;
    bool weighted;  // by importance
};

Result<void> check_source(const ModelSource& in, const std::filesystem::path& target, const QuantizeOptions& options) {
    for (size_t i = 0; i < in.file_count(); ++i) KRAIT_CHECK(refuse_overwrite(target, {in.file_name(i)}));
    if (options.importance) KRAIT_CHECK(refuse_overwrite(target, {options.importance->name()}));
    KRAIT_TRY(const std::string_view type, in.get_string("general.type", "model"));
    if (type != "model") return fail(ErrorCode::invalid_argument, "{} is no model ('general.type' is '{}')", in.name(), type);
    if (!in.has("general.architecture"))
        return fail(ErrorCode::invalid_argument, "{} does not say what model it is ('general.architecture' is missing)",
                    in.name());
    if (options.importance) KRAIT_CHECK(options.importance->check(in));
    if (options.force) return {};
    return refuse_quantized(in, "--force does it all the same");
}

std::vector<PlannedTensor> plan(const ModelSource& in, const QuantizeRecipe& recipe, const ImportanceMatrix* importance) {
    std::vector<PlannedTensor> tensors;
    for (const GgufTensor& tensor : in.tensors()) {
        FormatChoice choice{tensor.dtype(), "no weight"};
        if (dtype_info(tensor.dtype()).is_weight_format) choice = recipe.choose(tensor.name, tensor.extents());
        const bool weighted = importance && is_quantized(choice.dtype) && importance->entries().contains(tensor.name);
        tensors.push_back({&tensor, make_desc(choice.dtype, tensor.extents()), std::move(choice.why), weighted});
    }
    return tensors;
}

Result<void> add_metadata(GgufWriter& writer, const ModelSource& in, std::span<const PlannedTensor> tensors,
                          const ImportanceMatrix* importance) {
    constexpr std::string_view kImportance = "quantize.imatrix.";
    for (const GgufMetadata& entry : in.metadata())
        if (entry.key != kFileTypeKey && entry.key != kQuantizationVersionKey && !entry.key.starts_with(kImportance) &&
            !entry.key.starts_with(kGgufSplitPrefix))  // the new file is one, whatever the model comes in
            KRAIT_CHECK(writer.add(entry.key, entry.value));
    FileType file_type;
    for (const PlannedTensor& tensor : tensors) file_type.add(tensor.in->name, tensor.out);
    KRAIT_CHECK(writer.add(kFileTypeKey, file_type.number()));
    KRAIT_CHECK(writer.add(kQuantizationVersionKey, kQuantizationVersion));
    if (!importance) return {};
    KRAIT_CHECK(writer.add(std::string(kImportance) + "file", importance->name()));
    return writer.add(std::string(kImportance) + "entries_count", static_cast<uint32_t>(importance->entries().size()));
}

Result<void> write_tensor(GgufWriter& writer, const ModelSource& source, const PlannedTensor& tensor,
                          const QuantizeOptions& options, const WriteRowsOptions& rows) {
    const DType from = tensor.in->dtype(), to = dtype_of(tensor.out);
    const int64_t width = last_extent(tensor.out);
    const auto stride = static_cast<size_t>(row_bytes(from, width));
    const int64_t rows_of_matrix = tensor.out.rank == 3 ? tensor.out.extent[1] : row_count(tensor.out);
    FiniteCheck check;
    KRAIT_TRY(const TensorBytes read, source.read(*tensor.in));
    KRAIT_CHECK(write_rows(writer, tensor.in->name, tensor.out, rows, [&](int64_t row, std::span<std::byte> bytes) {
        const std::span<const std::byte> in = read.bytes.subspan(static_cast<size_t>(row) * stride, stride);
        const bool is_kept = from == to;
        if (is_kept) std::copy(in.begin(), in.end(), bytes.begin());
        if (is_kept && (options.force || !dtype_info(from).is_weight_format)) return;
        thread_local std::vector<float> weights;
        weights.resize(static_cast<size_t>(width));
        decode_row(from, in.data(), weights);
        check.look_at(weights, to, options.force, row);
        const auto importance =
            tensor.weighted ? options.importance->of(tensor.in->name, row / rows_of_matrix) : std::span<const float>{};
        if (!is_kept) encode_row(to, weights, importance, bytes.data());
    }));
    return check.result(tensor.in->name, to,
                        is_quantized(to) ? "--force counts NaN as 0 and infinity as the largest number" : "--force keeps it");
}

void tell(QuantizeReport& report, const PlannedTensor& tensor) {
    const DType from = tensor.in->dtype(), to = dtype_of(tensor.out);
    const std::string_view kind = tensor_kind(tensor.in->name);
    auto found = std::find_if(report.kinds.begin(), report.kinds.end(),
                              [&](const QuantizedKind& k) { return k.kind == kind && k.from == from && k.to == to; });
    if (found == report.kinds.end())
        found = report.kinds.insert(found, {std::string(kind), from, to, tensor.why, tensor.weighted});
    const int64_t n_weight = element_count(tensor.out);
    const auto bytes = static_cast<uint64_t>(row_count(tensor.out) * row_bytes(to, last_extent(tensor.out)));
    ++found->n_tensor;
    found->n_weight += n_weight;
    found->bytes += bytes;
    report.n_weight += n_weight;
    report.tensor_bytes_before += tensor.in->byte_size();
    report.tensor_bytes += bytes;
}

}  // namespace

Result<QuantizeReport> quantize_file(const ModelSource& in, const std::filesystem::path& target,
                                     const QuantizeOptions& options) {
    KRAIT_CHECK(check_source(in, target, options));
    const QuantizeRecipe recipe(options.scheme, in.find_tensor("output.weight") == nullptr);
    const std::vector<PlannedTensor> tensors = plan(in, recipe, options.importance);
    QuantizeReport report;
    for (const PlannedTensor& tensor : tensors) tell(report, tensor);

    KRAIT_TRY(GgufWriter writer, GgufWriter::create(target));
    KRAIT_CHECK(add_metadata(writer, in, tensors, options.importance));
    for (const PlannedTensor& tensor : tensors)
        KRAIT_CHECK(writer.declare(tensor.in->name, dtype_of(tensor.out), tensor.in->extents()));
    uint64_t done = 0;
    for (const PlannedTensor& tensor : tensors) {
        const auto width = static_cast<uint64_t>(last_extent(tensor.out));
        in.will_read(*tensor.in);
        KRAIT_CHECK(write_tensor(writer, in, tensor, options,
                                 {.threads = options.threads, .cancel = options.cancel, .progress = [&](int64_t rows) {
                                      done += static_cast<uint64_t>(rows) * width;
                                      if (options.progress) options.progress(done, static_cast<uint64_t>(report.n_weight));
                                  }}));
        in.will_not_read(*tensor.in);
    }
    KRAIT_CHECK(writer.finish());
    report.file_bytes_before = in.file_size();
    report.file_bytes = writer.bytes_written();
    return report;
}

}  // namespace krait
