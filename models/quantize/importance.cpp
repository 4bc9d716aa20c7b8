// SPDX-License-Identifier: Apache-2.0
#include "models/quantize/importance.hpp"

#include <cmath>
#include <cstring>

#include "formats/gguf/gguf_reader.hpp"
#include "formats/gguf/gguf_writer.hpp"
#include "models/quantize/recipe.hpp"

namespace krait {
namespace {

constexpr auto kCorrupt = ErrorCode::corrupt_file;
constexpr std::string_view kSums = ".in_sum2", kCounts = ".counts";

Result<std::vector<float>> read_floats(const GgufFile& file, const GgufTensor& tensor) {
    if (tensor.dtype() != DType::F32)
        return fail(kCorrupt, "{}: tensor {} is {}; importance is F32", file.name(), quote_name(tensor.name),
                    to_string(tensor.desc));
    std::vector<float> values(tensor.bytes.size() / sizeof(float));
    if (!values.empty()) std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
    for (size_t i = 0; i < values.size(); ++i)
        if (!std::isfinite(values[i]) || values[i] < 0)
            return fail(kCorrupt, "{}: tensor {}: number {} is {}; sums of squares are finite and not negative", file.name(),
                        quote_name(tensor.name), i, values[i]);
    return values;
}

}  // namespace

Result<ImportanceMatrix> ImportanceMatrix::open(const std::filesystem::path& path) {
    KRAIT_TRY(const GgufFile file, GgufFile::open(path));
    KRAIT_TRY(const std::string_view type, file.get_string("general.type", ""));
    if (type != "imatrix")
        return fail(ErrorCode::invalid_argument,
                    "{} is no importance file ('general.type' is not 'imatrix'); krait imatrix writes one", file.name());
    ImportanceMatrix matrix;
    matrix.name_ = file.name();
    for (const GgufTensor& tensor : file.tensors()) {
        if (!std::string_view(tensor.name).ends_with(kSums)) continue;
        const std::string of = tensor.name.substr(0, tensor.name.size() - kSums.size());
        KRAIT_TRY(const GgufTensor* counts, file.tensor(of + std::string(kCounts)));
        Entry entry;
        KRAIT_TRY(entry.mean_square, read_floats(file, tensor));
        KRAIT_TRY(const std::vector<float> count, read_floats(file, *counts));
        if (count.empty() || entry.mean_square.size() % count.size() != 0)
            return fail(kCorrupt, "{}: tensor {} is {}, and {} is {}: as many sums for each count are wanted", file.name(),
                        quote_name(tensor.name), to_string(tensor.desc), quote_name(counts->name), to_string(counts->desc));
        entry.n_row.assign(count.begin(), count.end());
        const size_t n_column = entry.mean_square.size() / count.size();
        for (size_t k = 0; k < entry.mean_square.size(); ++k) {
            float& value = entry.mean_square[k];
            const double n_row = entry.n_row[k / n_column];
            value = n_row > 0 ? static_cast<float>(static_cast<double>(value) / n_row) : 0.0f;
        }
        matrix.entries_.emplace(of, std::move(entry));
    }
    if (matrix.entries_.empty()) return fail(kCorrupt, "{} holds no importance at all", file.name());
    return matrix;
}

Result<void> ImportanceMatrix::save(const std::filesystem::path& path, const std::string& text_name, int64_t chunk_size,
                                    int64_t n_chunk) const {
    KRAIT_TRY(GgufWriter writer, GgufWriter::create(path));
    KRAIT_CHECK(writer.add("general.type", std::string("imatrix")));
    KRAIT_CHECK(writer.add("imatrix.datasets", GgufArray(std::vector<std::string>{text_name})));
    KRAIT_CHECK(writer.add("imatrix.chunk_count", static_cast<uint32_t>(n_chunk)));
    KRAIT_CHECK(writer.add("imatrix.chunk_size", static_cast<uint32_t>(chunk_size)));
    const auto declare = [&](const std::string& name, int64_t n_matrix, int64_t n_column) {
        if (n_matrix == 1) return writer.declare(name, DType::F32, {n_column});
        return writer.declare(name, DType::F32, {n_matrix, n_column});
    };
    for (const auto& [tensor, entry] : entries_) {
        const auto n_matrix = static_cast<int64_t>(entry.n_row.size());
        KRAIT_CHECK(declare(tensor + std::string(kSums), n_matrix, static_cast<int64_t>(entry.mean_square.size()) / n_matrix));
        KRAIT_CHECK(declare(tensor + std::string(kCounts), n_matrix, 1));
    }
    for (const auto& [tensor, entry] : entries_) {
        const size_t n_column = entry.mean_square.size() / entry.n_row.size();
        std::vector<float> sums;
        for (const float value : entry.mean_square) {
            const double n_row = entry.n_row[sums.size() / n_column];
            sums.push_back(static_cast<float>(static_cast<double>(value) * n_row));
            if (!std::isfinite(sums.back()))
                return fail(ErrorCode::invalid_argument,
                            "{}: the sum of squares of column {}, {} rows of {}, is beyond float32", tensor,
                            (sums.size() - 1) % n_column, n_row, value);
        }
        const std::vector<float> counts(entry.n_row.begin(), entry.n_row.end());
        KRAIT_CHECK(writer.write_tensor(tensor + std::string(kSums), std::as_bytes(std::span(sums))));
        KRAIT_CHECK(writer.write_tensor(tensor + std::string(kCounts), std::as_bytes(std::span(counts))));
    }
    return writer.finish();
}

Result<void> ImportanceMatrix::check(const ModelSource& model) const {
    const auto refuse = [&](const std::string& why) {
        return fail(ErrorCode::invalid_argument, "{} was not made of {}: {}", name_.empty() ? "the importance" : name_,
                    model.name(), why);
    };
    for (const auto& [name, entry] : entries_) {
        const GgufTensor* tensor = model.find_tensor(name);
        if (!tensor) return refuse(fmt::format("the model has no tensor {}", quote_name(name)));
        const size_t n_matrix = entry.n_row.size(), n_column = entry.mean_square.size() / n_matrix;
        if (last_extent(tensor->desc) != static_cast<int64_t>(n_column) ||
            (tensor->desc.rank == 3 ? tensor->desc.extent[0] : 1) != static_cast<int64_t>(n_matrix))
            return refuse(fmt::format("it has {} columns {}for {}, which is {}", n_column,
                                      n_matrix == 1 ? "" : fmt::format("of {} matrices ", n_matrix), quote_name(name),
                                      to_string(tensor->desc)));
    }
    for (const GgufTensor& tensor : model.tensors())
        if (tensor.name.starts_with("blk.") && is_weight_matrix(tensor_kind(tensor.name), tensor.desc.rank) &&
            !entries_.contains(tensor.name))
            return refuse(fmt::format("it has nothing for {}", quote_name(tensor.name)));
    return {};
}

std::span<const float> ImportanceMatrix::of(std::string_view tensor, int64_t matrix) const {
    const auto found = entries_.find(tensor);
    if (found == entries_.end()) return {};
    const Entry& entry = found->second;
    const size_t index = static_cast<size_t>(matrix), n_column = entry.mean_square.size() / entry.n_row.size();
    if (!(entry.n_row[index] > 0)) return {};
    return std::span(entry.mean_square).subspan(index * n_column, n_column);
}

}  // namespace krait
