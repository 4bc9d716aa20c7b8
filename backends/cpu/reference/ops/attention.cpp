// SPDX-License-Identifier: Apache-2.0
#include "core/ops/attention.hpp"

#include <algorithm>
#include <limits>

#include "backends/cpu/reference/kernels.hpp"

namespace krait::reference {

void attention(const ops::Attention::In<Tensor>& in, const ops::Attention::Params& params,
               const ops::Attention::Out<Tensor>& out, Context&) {
    const plugin::host::MemoryPool& cache = plugin::host::memory_pool(in.cache);
    const std::span<const int32_t> page_table = in.page_table.index(), positions = in.positions.index(),
                                   seq_start = in.seq_start.index();
    const int64_t n_head = in.q.extent(1), k_dim = in.q.extent(2), v_dim = params.v_dim, per_page = in.cache.extent(1),
                  heads_of_key = n_head / params.n_kv_head, table_width = in.page_table.extent(1);
    plugin::value_or_throw(ops::check_pages_read({page_table, positions, seq_start, cache.n_units(), per_page}));
    std::vector<std::vector<float>> rows;  // of the places that a row sees
    std::vector<double> score, sum(static_cast<size_t>(v_dim));
    for (int64_t b = 0; b < in.page_table.extent(0); ++b)
        for (int64_t t = seq_start[static_cast<size_t>(b)]; t < seq_start[static_cast<size_t>(b) + 1]; ++t) {
            float* y = out.y.row<float>(t);
            std::fill_n(y, n_head * v_dim, 0.0f);
            const int64_t last = positions[static_cast<size_t>(t)];
            if (last < 0) continue;
            const int64_t first = params.window > 0 ? std::max<int64_t>(0, last - params.window + 1) : 0;
            rows.clear();
            for (int64_t j = first; j <= last; ++j) {
                const int32_t page = page_table[static_cast<size_t>(b * table_width + j / per_page)];
                rows.emplace_back(static_cast<size_t>(in.cache.extent(2)));
                decode_row(in.cache.dtype(), cache.row(page * per_page + j % per_page), rows.back());
            }
            for (int64_t h = 0; h < n_head; ++h) {
                const float* q = in.q.row<const float>(t) + h * k_dim;
                const int64_t key = h / heads_of_key * k_dim, value = params.v_column + h / heads_of_key * v_dim;
                double largest = -std::numeric_limits<double>::infinity();
                score.clear();
                for (const std::vector<float>& row : rows) {
                    double s = 0;
                    for (int64_t d = 0; d < k_dim; ++d) s += double(q[d]) * double(row[static_cast<size_t>(key + d)]);
                    s *= params.scale;
                    if (params.soft_cap > 0) s = params.soft_cap * std::tanh(s / params.soft_cap);
                    score.push_back(s);
                    largest = std::fmax(largest, s);
                }
                double total = 0;
                std::fill(sum.begin(), sum.end(), 0.0);
                for (size_t j = 0; j < rows.size(); ++j) {
                    const double weight = std::exp(score[j] - largest);  // NaN where a score is, or where all are -inf
                    total += weight;
                    if (weight == 0) continue;  // what it does not see may be anything
                    for (int64_t d = 0; d < v_dim; ++d)
                        sum[static_cast<size_t>(d)] += weight * double(rows[j][static_cast<size_t>(value + d)]);
                }
                for (int64_t d = 0; d < v_dim; ++d) y[h * v_dim + d] = static_cast<float>(sum[static_cast<size_t>(d)] / total);
            }
        }
}

}  // namespace krait::reference
