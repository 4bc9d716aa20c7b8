// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>
#include <numeric>

#include "tests/harness/case.hpp"
#include "tests/harness/random.hpp"

namespace krait::harness {
namespace {

using ops::Attention, ops::AttentionParams;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// One row and head: the scores of its places, then their weighted values.
struct Softmax {
    std::vector<double> scores;

    std::vector<double> weights() const {
        double largest = -kInfinity;
        for (const double s : scores) largest = std::isnan(s) || s > largest ? s : largest;
        std::vector<double> w;
        double sum = 0;
        for (const double s : scores) w.push_back(s == -kInfinity ? 0.0 : std::exp(s - largest)), sum += w.back();
        for (double& each : w) each /= sum;
        return w;
    }
};

void evaluate(const Attention::In<Values>& in, const AttentionParams& params, const Attention::Out<std::vector<double>*>& out,
              SlotStates& cache) {
    const int64_t n_head = in.q.extent(1), k_dim = in.q.extent(2), v_dim = params.v_dim, per_page = in.cache.extent(1),
                  n_seq = in.seq_start.extent(0) - 1, table_width = in.page_table.extent(1);
    for (int64_t b = 0; b < n_seq; ++b)
        for (int64_t t = in.seq_start.id(b); t < in.seq_start.id(b + 1); ++t)
            for (int64_t h = 0; h < n_head; ++h) {
                const int64_t g = h * params.n_kv_head / n_head, p = in.positions.id(t);
                std::vector<int64_t> rows;
                Softmax softmax;
                for (int64_t j = 0; j <= p; ++j) {
                    if (params.window > 0 && j + params.window <= p) continue;
                    rows.push_back(in.page_table.id(b * table_width + j / per_page) * per_page + j % per_page);
                    double s = 0;
                    for (int64_t d = 0; d < k_dim; ++d) s += in.q.at(t, h * k_dim + d) * cache.at(rows.back(), g * k_dim + d);
                    s *= params.scale;
                    softmax.scores.push_back(params.soft_cap == 0.0f ? s : params.soft_cap * std::tanh(s / params.soft_cap));
                }
                const std::vector<double> w = softmax.weights();
                for (int64_t d = 0; d < v_dim; ++d) {
                    double y = rows.empty() ? 0 : 0 * w[0];
                    for (size_t j = 0; j < rows.size(); ++j)
                        if (w[j] != 0) y += w[j] * cache.at(rows[j], params.v_column + g * v_dim + d);
                    (*out.y)[static_cast<size_t>((t * n_head + h) * v_dim + d)] = y;
                }
            }
}

using Cases = OpCases<Attention, evaluate>;

// A sequence that has `past` tokens in the cache before the `count` of the run, of which the last `padding` rows are none.
struct Sequence {
    int32_t past = 0, count = 1, padding = 0;
    int32_t length() const { return past + count - padding; }
};

struct Setup {
    std::string name;
    std::vector<Sequence> sequences{{40, 1}};
    int64_t n_head = 4, n_kv_head = 2, k_dim = 32, v_dim = 0;  // v_dim 0: as the keys
    int64_t v_column = -1;                                     // -1: behind the keys
    DType dtype = DType::F32;
    int64_t per_page = 16;
    AttentionParams params{};
    bool shares_first_page = false;
    Fill q = normal(), cache = normal();
};

// Pages in any order, one more than needed, tables one wider than needed.
Case& add(Cases& op, const Setup& setup) {
    AttentionParams params = setup.params;
    params.n_kv_head = static_cast<int32_t>(setup.n_kv_head);
    params.v_dim = static_cast<int32_t>(setup.v_dim > 0 ? setup.v_dim : setup.k_dim);
    params.v_column = static_cast<int32_t>(setup.v_column >= 0 ? setup.v_column : setup.n_kv_head * setup.k_dim);
    if (params.scale == 1.0f) params.scale = 1.0f / std::sqrt(static_cast<float>(setup.k_dim));
    const int64_t width = std::max(setup.n_kv_head * setup.k_dim, params.v_column + setup.n_kv_head * params.v_dim);

    const auto pages_of = [&](const Sequence& s) { return (s.length() + setup.per_page - 1) / setup.per_page; };
    int64_t table_width = 1, n_pages = 1;
    for (const Sequence& s : setup.sequences) table_width = std::max(table_width, pages_of(s) + 1), n_pages += pages_of(s);
    std::vector<int32_t> order(static_cast<size_t>(n_pages));
    std::iota(order.begin(), order.end(), 0);
    Random random(seed_of(setup.name, 3));
    for (size_t i = order.size(); i > 1; --i)
        std::swap(order[i - 1], order[static_cast<size_t>(random.below(static_cast<int64_t>(i)))]);

    std::vector<int32_t> table, positions, starts{0};
    size_t next = 0;
    double n_places = 0;
    for (const Sequence& s : setup.sequences) {
        for (int64_t i = 0; i < table_width; ++i) {
            const bool shared = setup.shares_first_page && i == 0 && !table.empty();
            table.push_back(i >= pages_of(s) ? -1 : shared ? table.front() : order[next++]);
        }
        for (int32_t i = 0; i < s.count; ++i) {
            const int32_t p = i < s.count - s.padding ? s.past + i : -1;
            positions.push_back(p);
            n_places += params.window > 0 ? std::min(p + 1, params.window) : p + 1;
        }
        starts.push_back(static_cast<int32_t>(positions.size()));
    }
    const auto n_tok = static_cast<int64_t>(positions.size()), n_seq = static_cast<int64_t>(setup.sequences.size());
    Case& added = op.add(setup.name,
                         {.q = f32({n_tok, setup.n_head, setup.k_dim}, setup.q),
                          .cache = pages(setup.dtype, {n_pages, setup.per_page, width}, setup.cache),
                          .page_table = index_table(std::move(table), n_seq, table_width),
                          .positions = index(std::move(positions)),
                          .seq_start = index(std::move(starts))},
                         params);
    added.flops = 2 * n_places * static_cast<double>(setup.n_head * (setup.k_dim + params.v_dim));
    added.error_row = params.v_dim;
    return added;
}

// Lengths about the edges of pages and of any block of keys, with one row and with several.
void add_lengths(Cases& op) {
    for (const DType dtype : {DType::F32, DType::F16, DType::Q8_0})
        for (const int64_t per_page : {1, 16, 32})
            for (const int32_t length : {1, 2, 15, 16, 17, 31, 32, 33})
                add(op, {.name = fmt::format("{}.page{}.length{}", dtype_name(dtype), per_page, length),
                         .sequences = {{length - 1, 1}},
                         .dtype = dtype,
                         .per_page = per_page});
    for (const DType dtype : {DType::F32, DType::F16, DType::Q8_0}) {
        const auto name = [&](const char* what, int32_t n) { return fmt::format("{}.{}{}", dtype_name(dtype), what, n); };
        for (const int32_t length : {63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 512, 513, 1100})
            add(op, {.name = name("length", length), .sequences = {{length - 1, 1}}, .dtype = dtype});
        for (const int32_t count : {2, 3, 5, 7, 16, 33, 64, 65, 130})
            add(op, {.name = name("prompt", count), .sequences = {{0, count}}, .dtype = dtype});
        for (const int32_t count : {2, 5, 17, 40})
            add(op, {.name = name("chunk", count), .sequences = {{250, count}}, .dtype = dtype});
    }
    add(op, {.name = "t0", .sequences = {{0, 0}}});
    add(op, {.name = "no_sequence", .sequences = {}});
    add(op, {.name = "F16.length10000", .sequences = {{9999, 1}}, .dtype = DType::F16}).heavy = true;
    add(op, {.name = "Q8_0.length10000", .sequences = {{9997, 3}}, .dtype = DType::Q8_0}).heavy = true;
    add(op, {.name = "F16.prompt400", .sequences = {{0, 400}}, .n_head = 6, .dtype = DType::F16}).heavy = true;
}

void add_heads(Cases& op) {
    for (const auto& [n_head, n_kv_head] :
         {std::pair<int64_t, int64_t>{1, 1}, {3, 3}, {4, 2}, {8, 2}, {8, 1}, {12, 4}, {16, 2}, {32, 1}})
        for (const int32_t count : {1, 9})
            add(op, {.name = fmt::format("F16.heads{}of{}.t{}", n_head, n_kv_head, count),
                     .sequences = {{60, count}},
                     .n_head = n_head,
                     .n_kv_head = n_kv_head,
                     .dtype = DType::F16});
    for (const int64_t dim : {16, 32, 64, 80, 96, 128, 256})
        for (const DType dtype : {DType::F32, DType::F16, DType::Q8_0})
            for (const int32_t count : {1, 7})
                if (dtype != DType::Q8_0 || dim % 32 == 0)
                    add(op, {.name = fmt::format("{}.dim{}.t{}", dtype_name(dtype), dim, count),
                             .sequences = {{50, count}},
                             .k_dim = dim,
                             .dtype = dtype});
    for (const auto& [k_dim, v_dim] :
         {std::pair<int64_t, int64_t>{32, 64}, {96, 64}, {192, 128}, {64, 32}, {6, 10}, {1, 1}, {17, 5}})
        for (const int32_t count : {1, 5})
            add(op, {.name = fmt::format("F32.keys{}.values{}.t{}", k_dim, v_dim, count),
                     .sequences = {{35, count}},
                     .k_dim = k_dim,
                     .v_dim = v_dim});
    // Prompts: every number of columns, and of heads that does not fill what a device takes together.
    for (const int64_t dim : {16, 48, 64, 80, 128, 192, 256})
        add(op, {.name = fmt::format("F16.prompt.dim{}", dim), .sequences = {{20, 37}}, .k_dim = dim, .dtype = DType::F16});
    for (const auto& [n_head, n_kv_head] : {std::pair<int64_t, int64_t>{3, 3}, {5, 1}, {12, 4}, {70, 1}})
        add(op, {.name = fmt::format("F16.prompt.heads{}of{}", n_head, n_kv_head),
                 .sequences = {{20, 35}, {0, 50}},
                 .n_head = n_head,
                 .n_kv_head = n_kv_head,
                 .dtype = DType::F16});
    add(op, {.name = "F16.prompt.keys64.values32", .sequences = {{3, 40}}, .k_dim = 64, .v_dim = 32, .dtype = DType::F16});
    add(op, {.name = "F16.prompt.keys32.values96", .sequences = {{3, 40}}, .k_dim = 32, .v_dim = 96, .dtype = DType::F16});
    // Values that are the first part of the keys (multi-head latent attention), and columns with something else between.
    for (const DType dtype : {DType::F32, DType::F16, DType::Q8_0})
        for (const int32_t count : {1, 4})
            add(op, {.name = fmt::format("{}.latent.t{}", dtype_name(dtype), count),
                     .sequences = {{70, count}},
                     .n_head = 8,
                     .n_kv_head = 1,
                     .k_dim = 576,
                     .v_dim = 512,
                     .v_column = 0,
                     .dtype = dtype});
    add(op, {.name = "F16.values_far_away", .sequences = {{20, 3}}, .v_column = 128, .dtype = DType::F16});
}

void add_sequences(Cases& op) {
    const auto with = [&](const char* name, std::vector<Sequence> sequences, int64_t per_page = 16, bool shares = false) {
        for (const DType dtype : {DType::F32, DType::F16, DType::Q8_0})
            add(op, {.name = fmt::format("{}.{}", dtype_name(dtype), name),
                     .sequences = sequences,
                     .dtype = dtype,
                     .per_page = per_page,
                     .shares_first_page = shares});
    };
    with("ragged", {{0, 5}, {33, 1}, {17, 3}, {0, 1}, {100, 2}});
    with("steps", {{5, 1}, {64, 1}, {0, 1}, {31, 1}, {255, 1}, {256, 1}, {300, 1}});
    with("empty_sequences", {{0, 0}, {12, 2}, {40, 0}, {0, 3}, {9, 0}});
    with("padding", {{10, 4, 2}, {0, 3, 3}, {70, 2, 1}});
    with("shared_page", {{20, 2}, {40, 1}, {16, 3}}, 16, true);
    with("pages_of_one", {{20, 2}, {3, 1}, {40, 3}}, 1);
    with("page_larger_than_all", {{20, 2}, {3, 1}}, 128);
}

void add_windows(Cases& op) {
    for (const DType dtype : {DType::F32, DType::F16})
        for (const int32_t window : {1, 7, 64, 1000}) {
            const auto name = [&](const char* what) { return fmt::format("{}.window{}.{}", dtype_name(dtype), window, what); };
            const AttentionParams params{.window = window};
            add(op, {.name = name("step"), .sequences = {{150, 1}}, .dtype = dtype, .params = params});
            add(op, {.name = name("prompt"), .sequences = {{0, 90}}, .dtype = dtype, .params = params});
            add(op, {.name = name("chunk"), .sequences = {{300, 20}, {0, 3}}, .dtype = dtype, .params = params});
        }
    add(op, {.name = "F16.window700.long",
             .sequences = {{1499, 1}, {255, 2}, {699, 2}},
             .dtype = DType::F16,
             .params = {.window = 700}});
    add(op, {.name = "F16.prompt.padding",
             .sequences = {{20, 50, 13}, {0, 40, 40}},
             .dtype = DType::F16,
             .params = {.window = 30}});
    // Places before the window hold NaN: of 300 in pages of one, those that no row sees.
    Setup hidden{.name = "F32.window.nan_before_it", .sequences = {{299, 1}}, .per_page = 1, .params = {.window = 20}};
    Case& of = add(op, hidden);
    const std::vector<int32_t>& table = of.find("page_table")->ids;
    for (size_t j = 0; j < 280; ++j)
        of.in[1].fill = of.in[1].fill.with({table[j], Patch::kAll, std::numeric_limits<float>::quiet_NaN()});
    for (const float soft_cap : {30.0f, 0.5f})
        for (const DType dtype : {DType::F32, DType::F16, DType::Q8_0})
            add(op, {.name = fmt::format("{}.soft_cap{}", dtype_name(dtype), soft_cap),
                     .sequences = {{40, 6}},
                     .dtype = dtype,
                     .params = {.soft_cap = soft_cap},
                     .q = normal(0, 10)});
}

void add_values(Cases& op) {
    const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    const std::vector<Sequence> some{{300, 1}, {20, 7}};
    add(op, {.name = "F32.equal_scores", .sequences = some, .cache = all(0.25f)});
    add(op, {.name = "F32.zero_q", .sequences = some, .q = all(0)});
    add(op, {.name = "Q8_0.zero_q", .sequences = some, .dtype = DType::Q8_0, .q = all(0)});
    for (const float size : {1e4f, -1e4f, 1e30f, -1e30f}) {
        add(op, {.name = fmt::format("F32.q{}", size), .sequences = some, .q = normal(0, size)});
        add(op, {.name = fmt::format("F32.mean_q{}", size), .sequences = some, .q = all(size)});
    }
    add(op, {.name = "F32.large_cache", .sequences = some, .cache = normal(0, 1e30f)});
    add(op, {.name = "F16.large_cache", .sequences = some, .dtype = DType::F16, .cache = normal(0, 1e4f)});
    add(op, {.name = "F32.tiny_cache", .sequences = some, .cache = normal(0, 1e-30f)});
    add(op, {.name = "F32.wide_scores", .sequences = some, .q = normal(0, 4)});  // up to some 16 apart
    // q of NaN and of infinities: that row and head is NaN, no other.
    add(op, {.name = "F32.nan_in_q", .sequences = some, .q = normal().with({3, 17, nan})});
    add(op, {.name = "F32.inf_in_q", .sequences = some, .q = normal().with({5, 40, inf})});
    add(op, {.name = "F16.nan_in_q", .sequences = {{20, 40}}, .dtype = DType::F16, .q = normal().with({3, 17, nan})});
    add(op, {.name = "F16.inf_in_q", .sequences = {{20, 40}}, .dtype = DType::F16, .q = normal().with({5, 40, inf})});
    // A place whose score is -inf for some rows and +inf or NaN for others; with keys of 2 heads of 32 before the values. Of
    // F16 so many rows that devices take them together.
    for (const DType dtype : {DType::F32, DType::F16}) {
        const auto with_key = [&](const char* name, std::vector<Patch> patches, Fill q = normal(), int32_t window = 0) {
            Case& of = add(op, {.name = fmt::format("{}.{}", dtype_name(dtype), name),
                                .sequences = {{20, dtype == DType::F16 ? 40 : 12}},
                                .dtype = dtype,
                                .per_page = 1,
                                .params = {.window = window},
                                .q = std::move(q)});
            const std::vector<int32_t>& table = of.find("page_table")->ids;
            for (Patch patch : patches) {  // rows are places
                if (patch.row >= 0) patch.row = table[static_cast<size_t>(patch.row)];
                of.in[1].fill = of.in[1].fill.with(patch);
            }
        };
        with_key("inf_in_a_key", {{24, 3, inf}});
        with_key("nan_in_a_key", {{25, 3, nan}});
        with_key("nan_in_a_value", {{25, 70, nan}});
        with_key("inf_in_a_value", {{25, 70, inf}, {27, 71, -inf}});
        with_key("nan_in_a_key.window", {{25, 3, nan}}, normal(), 3);
        with_key("nan_in_a_value.window", {{25, 70, nan}}, normal(), 3);
        with_key("minus_inf", {{3, 5, -inf}, {22, 5, -inf}}, uniform(0.5f, 1));
        with_key("minus_inf_everywhere", {{Patch::kAll, 5, -inf}}, uniform(0.5f, 1));
        with_key("minus_inf_hides_a_value", {{22, 5, -inf}, {22, 37, -inf}, {22, 64, nan}, {22, 100, inf}}, uniform(0.5f, 1));
    }
    Setup first_block{.name = "F32.minus_inf_in_the_first_500", .sequences = {{599, 2}}, .per_page = 1, .q = uniform(0.5f, 1)};
    Case& of = add(op, first_block);
    const std::vector<int32_t>& table = of.find("page_table")->ids;
    for (size_t j = 0; j < 520; ++j) of.in[1].fill = of.in[1].fill.with({table[j], 5, -inf});
}

void add_wrong(Cases& op) {
    struct Wrong {
        Attention::In<Operand> in{.q = f32({2, 4, 32}),
                                  .cache = pages(DType::F32, {3, 4, 128}),
                                  .page_table = index_table({2, 0, -1}, 1, 3),
                                  .positions = index({6, 7}),
                                  .seq_start = index({0, 2})};
        AttentionParams params{.n_kv_head = 2, .v_dim = 32, .v_column = 64};
    };
    const auto wrong = [&](const char* name, std::vector<std::string> words, auto change) {
        Wrong of;
        change(of);
        op.add_illegal(name, of.in, of.params, std::move(words));
    };
    wrong("page_end", {"page_table[0, 1] = 3", "-1 (none) and 0 to 2"}, [](Wrong& of) { of.in.page_table.ids[1] = 3; });
    wrong("page_negative", {"page_table[0, 2] = -2"}, [](Wrong& of) { of.in.page_table.ids[2] = -2; });
    wrong("page_missing", {"page_table[0, 1] = -1", "positions[1] = 7"}, [](Wrong& of) { of.in.page_table.ids[1] = -1; });
    wrong("position_end", {"positions[0] = 12", "0 to 11"}, [](Wrong& of) { of.in.positions.ids[0] = 12; });
    wrong("position_negative", {"positions[1] = -2"}, [](Wrong& of) { of.in.positions.ids[1] = -2; });
    wrong("starts_end", {"seq_start", "to 1"}, [](Wrong& of) { of.in.seq_start.ids[1] = 1; });
    wrong("starts_fall", {"seq_start[1] = 3", "larger"}, [](Wrong& of) {
        of.in.page_table = index_table({2, 0, -1, 1, -1, -1}, 2, 3);
        of.in.seq_start = index({0, 3, 2});
    });
    wrong("starts_short", {"'seq_start'", "[2]"}, [](Wrong& of) { of.in.seq_start = index({0, 1, 2}); });
    wrong("positions_short", {"'positions'", "[2]"}, [](Wrong& of) { of.in.positions = index({1}); });
    wrong("table_rank", {"'page_table'", "n_seq"}, [](Wrong& of) { of.in.page_table = index({2, 0, -1}); });
    wrong("q_rank", {"'q'", "rank 3"}, [](Wrong& of) { of.in.q = f32({2, 128}); });
    wrong("cache_type", {"'cache'", "F32, F16 or Q8_0"}, [](Wrong& of) { of.in.cache = pages(DType::BF16, {3, 4, 128}); });
    wrong("heads", {"3 key heads", "4 query heads"}, [](Wrong& of) { of.params.n_kv_head = 3; });
    wrong("no_key_head", {"0 key heads"}, [](Wrong& of) { of.params.n_kv_head = 0; });
    wrong("keys_too_wide", {"128 elements", "end at 160"}, [](Wrong& of) { of.in.q = f32({2, 4, 80}); });
    wrong("values_too_wide", {"128 elements", "at 129"}, [](Wrong& of) { of.params.v_column = 65; });
    wrong("values_before", {"from -1 on"}, [](Wrong& of) { of.params.v_column = -1; });
    wrong("no_values", {"of 0 values from"}, [](Wrong& of) { of.params.v_dim = 0; });
    wrong("window", {"window -1"}, [](Wrong& of) { of.params.window = -1; });
    wrong("soft_cap", {"soft_cap -1"}, [](Wrong& of) { of.params.soft_cap = -1; });
    wrong("half_blocks", {"multiples of 32"}, [](Wrong& of) {
        of.in.q = f32({2, 4, 16});
        of.in.cache = pages(DType::Q8_0, {3, 4, 128});
    });
}

}  // namespace

void add_attention_cases(CaseList& list) {
    Cases op = list.op<Attention, evaluate>();
    add_lengths(op);
    add_heads(op);
    add_sequences(op);
    add_windows(op);
    add_values(op);
    add_wrong(op);
}

}  // namespace krait::harness
