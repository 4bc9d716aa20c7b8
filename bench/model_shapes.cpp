// SPDX-License-Identifier: Apache-2.0
#include "bench/model_shapes.hpp"

#include "bench/ceilings/ceilings.hpp"
#include "bench/product_shapes.hpp"
#include "tests/harness/ragged_layout.hpp"

namespace krait::bench {
namespace {

using namespace harness;

constexpr auto kNotEvaluated = [](const auto&...) {};

void add_products(CaseList& list) {
    auto op = list.op<ops::MulMat, kNotEvaluated>();
    for (const DTypeInfo& format : kDTypes) {
        if (!format.is_weight_format) continue;
        // Drawing millions of numbers takes longer than the benchmark; a few of them over and over time the same.
        const Fill fill = is_quantized(format.dtype) ? blocks() : cycle({0.3f, -0.1f, 0.02f, -0.4f, 0.25f, 0.07f, -0.15f});
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

CaseList make() {
    CaseList list;
    add_products(list);
    for (const ModelSize& size : kModelSizes) {
        add_scan(list, "mamba1", size.d_inner(), 1, kModelState, true);
        add_conv(list, size.d_inner());
    }
    add_scan(list, "mamba2", 80, 64, 128, false);  // mamba2-2.7b
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
