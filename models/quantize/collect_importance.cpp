// SPDX-License-Identifier: Apache-2.0
#include "models/quantize/collect_importance.hpp"

#include <algorithm>
#include <cmath>

#include "models/evaluation/continuations.hpp"
#include "models/quantize/recipe.hpp"

namespace krait {
namespace {

// A file of float32 holds no larger number.
bool fits(double squares) { return std::isfinite(static_cast<float>(squares)); }

struct Sums {
    std::vector<double> squares;  // [matrices, columns]
    std::vector<int64_t> n_row;   // by matrix
    size_t n_column = 0;

    void add(const Activations& x) {
        n_column = static_cast<size_t>(x.width);
        squares.resize(static_cast<size_t>(x.n_matrix) * n_column);
        n_row.resize(static_cast<size_t>(x.n_matrix));
        for (int64_t r = 0; r < x.n_row; ++r) {
            const int64_t matrix = x.matrix_of(r);
            if (matrix < 0 || matrix >= x.n_matrix) continue;
            const std::span<const float> row = x.row(r);
            double* to = squares.data() + static_cast<size_t>(matrix) * n_column;
            for (size_t c = 0; c < row.size(); ++c) to[c] += static_cast<double>(row[c]) * static_cast<double>(row[c]);
            ++n_row[static_cast<size_t>(matrix)];
        }
    }
    // The first column whose sum is not finite, or too large for the file.
    std::optional<size_t> broken() const {
        const auto found = std::find_if_not(squares.begin(), squares.end(), fits);
        if (found == squares.end()) return std::nullopt;
        return static_cast<size_t>(found - squares.begin()) % n_column;
    }
    ImportanceMatrix::Entry entry() const {
        ImportanceMatrix::Entry entry{.mean_square = {}, .n_row = {n_row.begin(), n_row.end()}};
        for (size_t k = 0; k < squares.size(); ++k)
            entry.mean_square.push_back(static_cast<float>(squares[k] / std::max(entry.n_row[k / n_column], 1.0)));
        return entry;
    }
};

// Rows of one run, so that the activations that are kept fit 256 MiB.
int32_t rows_of_run(const Model& model) {
    constexpr int64_t kBytes = int64_t{256} << 20;
    int64_t row = 0;
    for (const WeightSpec& spec : model.architecture().weights())
        if (is_weight_matrix(tensor_kind(spec.name), spec.extents.size()))
            row += spec.extents.back() * static_cast<int64_t>(sizeof(float));
    return static_cast<int32_t>(std::clamp<int64_t>(kBytes / std::max<int64_t>(row, 1), 8, 512));
}

}  // namespace

Result<ImportanceMatrix> collect_importance(std::shared_ptr<const Model> model, std::span<const int32_t> tokens,
                                            std::span<const int32_t> prefix, const CollectOptions& options) {
    if (tokens.size() < kMinCalibrationTokens)
        return fail(ErrorCode::invalid_argument,
                    "the calibration text has {} tokens: at least {} are needed, and some ten thousand are better",
                    tokens.size(), kMinCalibrationTokens);
    if (options.chunk < 1) return fail(ErrorCode::invalid_argument, "chunks of {} tokens: at least 1", options.chunk);
    if (options.batch < 1) return fail(ErrorCode::invalid_argument, "a batch of {} chunks: at least 1", options.batch);
    std::map<std::string, Sums, std::less<>> sums;
    SessionOptions session_options{.max_sequences = options.batch,
                                   .max_batch_tokens = rows_of_run(*model),
                                   .max_sequence_tokens = static_cast<int64_t>(prefix.size()) + options.chunk};
    // The first matrix, in the order of the model, that meets something broken: told as soon as its run ends.
    std::optional<Error> broken;
    session_options.observer = [&](const Activations& x) {
        Sums& sum = sums[std::string(x.weight)];
        sum.add(x);
        if (const auto column = sum.broken(); column && !broken)
            broken = Error{ErrorCode::invalid_argument,
                           fmt::format("{}: what multiplies column {} is not finite on this text, or its squares are beyond "
                                       "float32: a weight of the model is broken",
                                       x.weight, *column)};
    };
    KRAIT_TRY(Session session, Session::create(model, session_options));

    const auto chunk = static_cast<size_t>(options.chunk);
    const auto total = static_cast<int64_t>(tokens.size());
    for (size_t first = 0; first < tokens.size();) {
        std::vector<std::vector<int32_t>> texts;
        std::vector<Continuation> batch;
        const auto done = static_cast<int64_t>(first);
        for (; texts.size() < static_cast<size_t>(options.batch) && first < tokens.size(); first += chunk) {
            const auto part = tokens.subspan(first, std::min(chunk, tokens.size() - first));
            texts.emplace_back(prefix.begin(), prefix.end()).insert(texts.back().end(), part.begin(), part.end());
        }
        for (size_t i = 0; i < texts.size(); ++i) {
            KRAIT_CHECK(session.reset(static_cast<int32_t>(i)));
            batch.push_back({static_cast<int32_t>(i), texts[i]});
        }
        int64_t told = done;
        const DecodeControl control{.cancel = options.cancel, .progress = [&](int64_t n, int64_t) {
                                        told = std::min(done + n, total);
                                        if (options.progress) options.progress(told, total);
                                    }};
        // All logits are asked for, and none is looked at: so the head's product is part of every run.
        const auto look = [&](size_t, size_t, std::span<const float>) -> Result<void> {
            if (broken) return tl::unexpected<Error>(*broken);
            return {};
        };
        Result<void> read = visit_logits(session, batch, control, look);
        // The session counts the tokens of its own call; told is how far the whole text was read.
        if (!read && read.error().code == ErrorCode::cancelled)
            read.error().message = fmt::format("cancelled after {} of {} tokens", told, total);
        KRAIT_CHECK(read);
    }

    ImportanceMatrix matrix;
    for (const auto& [name, sum] : sums) matrix.set(name, sum.entry());
    return matrix;
}

}  // namespace krait
