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
        if (count.size() != 1)
            return fail(ErrorCode::unsupported,
                        "{}: tensor {} is {}: importance of several matrices in one tensor is not supported", file.name(),
                        quote_name(counts->name), to_string(counts->desc));
        entry.n_row = static_cast<double>(count[0]);
        for (float& value : entry.mean_square)
            value = entry.n_row > 0 ? static_cast<float>(static_cast<double>(value) / entry.n_row) : 0.0f;
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
    for (const auto& [tensor, entry] : entries_) {
        KRAIT_CHECK(writer.declare(tensor + std::string(kSums), DType::F32, {static_cast<int64_t>(entry.mean_square.size())}));
        KRAIT_CHECK(writer.declare(tensor + std::string(kCounts), DType::F32, {1}));
    }
    for (const auto& [tensor, entry] : entries_) {
        std::vector<float> sums;
        for (const float value : entry.mean_square) {
            sums.push_back(static_cast<float>(static_cast<double>(value) * entry.n_row));
            if (!std::isfinite(sums.back()))
                return fail(ErrorCode::invalid_argument,
                            "{}: the sum of squares of column {}, {} rows of {}, is beyond float32", tensor, sums.size() - 1,
                            entry.n_row, value);
        }
        const auto count = static_cast<float>(entry.n_row);
        KRAIT_CHECK(writer.write_tensor(tensor + std::string(kSums), std::as_bytes(std::span(sums))));
        KRAIT_CHECK(writer.write_tensor(tensor + std::string(kCounts), std::as_bytes(std::span(&count, 1))));
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
        if (last_extent(tensor->desc) != static_cast<int64_t>(entry.mean_square.size()))
            return refuse(fmt::format("it has {} columns for {}, which is {}", entry.mean_square.size(), quote_name(name),
                                      to_string(tensor->desc)));
    }
    for (const GgufTensor& tensor : model.tensors())
        if (tensor.name.starts_with("blk.") && is_weight_matrix(tensor_kind(tensor.name), tensor.desc.rank) &&
            of(tensor.name).empty())
            return refuse(fmt::format("it has nothing for {}", quote_name(tensor.name)));
    return {};
}

std::span<const float> ImportanceMatrix::of(std::string_view tensor) const {
    const auto found = entries_.find(tensor);
    return found == entries_.end() ? std::span<const float>{} : std::span<const float>(found->second.mean_square);
}

}  // namespace krait
