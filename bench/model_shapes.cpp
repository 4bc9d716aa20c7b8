// SPDX-License-Identifier: Apache-2.0
#include "bench/model_shapes.hpp"

#include "bench/ceilings/ceilings.hpp"
#include "bench/product_shapes.hpp"
#include "tests/harness/ragged_layout.hpp"

namespace krait::bench {
namespace {

using namespace harness;

constexpr auto kNotEvaluated = [](const auto&...) {};

// Drawing millions of numbers takes longer than the benchmark; a few of them over and over time the same.
Fill fill_of(DType format) {
    return is_quantized(format) ? blocks() : cycle({0.3f, -0.1f, 0.02f, -0.4f, 0.25f, 0.07f, -0.15f});
}

void add_products(CaseList& list) {
    auto op = list.op<ops::MulMat, kNotEvaluated>();
    for (const DTypeInfo& format : kDTypes) {
        if (!format.is_weight_format) continue;
        const Fill fill = fill_of(format.dtype);
        for (const ModelSize& size : kModelSizes)
            for (const ModelProduct& product : products_of(size)) {
                if (product.n_in % format.block_elems != 0) continue;
                for (const int64_t n_tok : kProductRows) {
                    if (n_tok > product.max_rows) continue;
                    Case& added = op.add(
                        product_name(format.name, n_tok, product, size),
                        {.x = f32({n_tok, product.n_in}), .w = weight(format.dtype, {product.n_out, product.n_in}, fill)});
                    added.flops = 2.0 * static_cast<double>(n_tok * product.n_out * product.n_in);
                }
            }
    }
}

// The products of granite-4.0-h-tiny's experts, and mul_mat of the same sizes. A step reads only the experts that its row goes
// to, so only those are there; rows of a prompt are spread evenly, or go to one expert all.
void add_experts(CaseList& list, DType format) {
    constexpr int64_t kExperts = 64, kUsed = 6, kModel = 1536, kInner = 512, kPrompt = 512;
    auto op = list.op<ops::MulMatExperts, kNotEvaluated>();
    auto plain = list.op<ops::MulMat, kNotEvaluated>();
    const auto add = [&](int64_t n_expert, int64_t n_tok, int64_t n_used, int64_t n_out, int64_t n_in, const char* name) {
        std::vector<int32_t> ids;
        for (int64_t i = 0; i < n_tok * n_used; ++i) ids.push_back(static_cast<int32_t>(i * 7 % n_expert));
        const Operand x = n_in == kInner ? f32({n_tok, n_used, n_in}) : f32({n_tok, n_in});
        op.add(fmt::format("{}.e{}.t{}.i{}.n{}.k{}.{}", dtype_name(format), n_expert, n_tok, n_used, n_out, n_in, name),
               {.x = x, .w = weight(format, {n_expert, n_out, n_in}, fill_of(format)), .ids = i32({n_tok, n_used}, ids)})
            .flops = 2.0 * static_cast<double>(n_tok * n_used * n_out * n_in);
    };
    const auto add_plain = [&](int64_t n_tok, int64_t n_out, int64_t n_in, const char* name) {
        plain
            .add(fmt::format("{}.t{}.n{}.k{}.{}", dtype_name(format), n_tok, n_out, n_in, name),
                 {.x = f32({n_tok, n_in}), .w = weight(format, {n_out, n_in}, fill_of(format))})
            .flops = 2.0 * static_cast<double>(n_tok * n_out * n_in);
    };
    add(kUsed, 1, kUsed, kInner, kModel, "h-tiny.up");
    add(kUsed, 1, kUsed, kModel, kInner, "h-tiny.down");
    add(kExperts, kPrompt, kUsed, kInner, kModel, "h-tiny.up");
    add(kExperts, kPrompt, kUsed, kModel, kInner, "h-tiny.down");
    add(1, kPrompt, 1, kInner, kModel, "h-tiny.up");
    add(1, kPrompt, 1, kModel, kInner, "h-tiny.down");
    add_plain(1, kUsed * kInner, kModel, "h-tiny.up");
    add_plain(kPrompt, kInner, kModel, "h-tiny.up");
    add_plain(kPrompt, kModel, kInner, "h-tiny.down");
}

struct Run {
    std::string name;
    RaggedLayout layout;
};
std::vector<Run> runs() {
    return {{"t1", one_sequence(1)}, {"t16.b16", ragged(std::vector<int32_t>(16, 1))}, {"t512", one_sequence(512)}};
}

// full_A: Mamba-1, a number for each channel and state; else one for each head.
void add_scan(CaseList& list, const char* kind, int64_t n_head, int64_t head_dim, int64_t d_state, bool full_A) {
    auto op = list.op<ops::SsmScan, kNotEvaluated>();
    for (const Run& run : runs()) {
        const int64_t T = run.layout.n_tok();
        ops::SsmScan::In<Operand> in{.x = f32({T, n_head, head_dim}),
                                     .dt = f32({T, n_head}, normal(-1, 1)),
                                     .dt_bias = f32({n_head}, normal(-1, 1)),
                                     .A = f32({n_head, full_A ? d_state : 1}, uniform(-8, -0.05f)),
                                     .B = f32({T, 1, d_state}),
                                     .C = f32({T, 1, d_state}),
                                     .D = f32({n_head}),
                                     .state = state({run.layout.n_slots, n_head, head_dim, d_state}),
                                     .seq_start = run.layout.seq_start(),
                                     .src_slot = run.layout.src_slot(),
                                     .dst_slot = run.layout.dst_slot()};
        if (full_A) in.z = f32({T, n_head, head_dim});
        Case& added = op.add(fmt::format("{}.{}.h{}.p{}.n{}", kind, run.name, n_head, head_dim, d_state), in);
        added.flops = 6.0 * static_cast<double>(T * n_head * head_dim * d_state);
    }
}

void add_conv(CaseList& list, int64_t channels) {
    auto op = list.op<ops::SsmConv, kNotEvaluated>();
    for (const Run& run : runs()) {
        const int64_t T = run.layout.n_tok();
        Case& added = op.add(fmt::format("{}.c{}.k{}", run.name, channels, kModelConv),
                             {.x = f32({T, channels}),
                              .w = weight(DType::F32, {channels, kModelConv}),
                              .bias = f32({channels}),
                              .state = state({run.layout.n_slots, kModelConv - 1, channels}),
                              .seq_start = run.layout.seq_start(),
                              .src_slot = run.layout.src_slot(),
                              .dst_slot = run.layout.dst_slot()});
        added.flops = 2.0 * static_cast<double>(T * channels * kModelConv);
    }
}

// Steps of sequences that have so many tokens, and prompts behind them; granite-4.0-h-350m has 12 heads of 64, h-1b of 128.
void add_attention(CaseList& list) {
    constexpr int64_t kHeads = 12, kKeyHeads = 4, kRowsPerPage = 32;
    auto op = list.op<ops::Attention, kNotEvaluated>();
    const auto add = [&](DType cache, int64_t dim, int64_t n_seq, int32_t past, int32_t n_tok) {
        const int64_t pages_of_sequence = (past + n_tok + kRowsPerPage - 1) / kRowsPerPage;
        std::vector<int32_t> table(static_cast<size_t>(n_seq * pages_of_sequence)), positions, starts{0};
        for (size_t i = 0; i < table.size(); ++i) table[i] = static_cast<int32_t>(i);
        for (int64_t b = 0; b < n_seq; ++b) {
            for (int32_t t = 0; t < n_tok; ++t) positions.push_back(past + t);
            starts.push_back(static_cast<int32_t>(positions.size()));
        }
        const double places = static_cast<double>(n_tok) * (past + (n_tok + 1) / 2.0) * static_cast<double>(n_seq);
        op.add(fmt::format("{}.t{}.b{}.after{}.d{}", dtype_name(cache), n_seq * n_tok, n_seq, past, dim),
               {.q = f32({n_seq * n_tok, kHeads, dim}),
                .cache = pages(cache, {n_seq * pages_of_sequence, kRowsPerPage, 2 * kKeyHeads * dim},
                               cycle({0.3f, -0.1f, 0.02f, -0.4f, 0.25f, 0.07f, -0.15f})),
                .page_table = index_table(std::move(table), n_seq, pages_of_sequence),
                .positions = index(std::move(positions)),
                .seq_start = index(std::move(starts))},
               {.n_kv_head = kKeyHeads,
                .v_dim = static_cast<int32_t>(dim),
                .v_column = static_cast<int32_t>(kKeyHeads * dim),
                .scale = 0.125f})
            .flops = 4 * places * static_cast<double>(kHeads * dim);
    };
    for (const DType cache : {DType::F16, DType::Q8_0, DType::F32})
        for (const int64_t dim : {64, 128}) {
            add(cache, dim, 1, 8191, 1);
            add(cache, dim, 16, 1023, 1);
            add(cache, dim, 1, 0, 512);
            add(cache, dim, 1, 4096, 512);
        }
}

CaseList make() {
    CaseList list;
    add_products(list);
    for (const DTypeInfo& format : kDTypes)
        if (format.is_weight_format) add_experts(list, format.dtype);
    for (const ModelSize& size : kModelSizes) {
        add_scan(list, "mamba1", size.d_inner(), 1, kModelState, true);
        add_conv(list, size.d_inner());
    }
    add_scan(list, "mamba2", 80, 64, 128, false);  // mamba2-2.7b
    add_attention(list);
    auto norm = list.op<ops::RmsNorm, kNotEvaluated>();
    for (const ModelSize& size : kModelSizes)
        for (const int64_t n_tok : {1, 16, 512})
            norm.add(fmt::format("norm.t{}.e{}", n_tok, size.d_model),
                     {.x = f32({n_tok, size.d_model}), .weight = f32({size.d_model})}, {.eps = 1e-5f, .groups = 1});
    return list;
}

}  // namespace

const CaseList& model_shapes() {
    static const auto* list = new CaseList(make());
    return *list;
}

uint64_t cold_bytes() { return std::max(4 * last_level_cache_bytes(), kColdBytes); }

}  // namespace krait::bench
