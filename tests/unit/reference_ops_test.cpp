// SPDX-License-Identifier: Apache-2.0
//
// The oracle against numbers computed by hand from the contracts of core/ops: small cases, one a rule.
#include <numeric>

#include "core/quant/codec.hpp"
#include "tests/unit/plugin_fixture.hpp"

namespace krait::unit {
namespace {

double silu(double v) { return v / (1 + std::exp(-v)); }

TEST_F(Reference, get_rows_decodes_exactly) {
    std::vector<float> weights(3 * 256);
    for (size_t i = 0; i < weights.size(); ++i) weights[i] = std::sin(static_cast<float>(i) * 0.37f);
    for (const DTypeInfo& info : kDTypes) {
        if (!info.is_weight_format) continue;
        const auto bytes_per_row = static_cast<size_t>(row_bytes(info.dtype, 256));
        std::vector<std::byte> blocks(3 * bytes_per_row);
        std::vector<float> decoded(3 * 256);
        for (size_t r = 0; r < 3; ++r) {
            encode_row(info.dtype, std::span(weights).subspan(r * 256, 256), blocks.data() + r * bytes_per_row);
            decode_row(info.dtype, blocks.data() + r * bytes_per_row, std::span(decoded).subspan(r * 256, 256));
        }
        for (const uint32_t flags : {0u, KRAIT_UPLOAD_BYTES_PERSIST}) {
            Node n = make_node(OpId::get_rows);
            constant(n, "table", info.dtype, {3, 256}, blocks.data(), flags);
            value<int32_t>(n, "ids", {4}, {2, 0, 1, 2});
            const std::vector<float> y = run(n);
            for (const auto& [row, id] : {std::pair(0, 2), std::pair(1, 0), std::pair(2, 1), std::pair(3, 2)})
                EXPECT_EQ(std::memcmp(y.data() + row * 256, decoded.data() + id * 256, 1024), 0) << info.name << " row " << row;
        }
    }
}

TEST_F(Reference, mul_mat_adds_bias_and_residual) {
    Node n = make_node(OpId::mul_mat);
    value<float>(n, "x", {2, 3}, {1, 2, 3, -1, 0.5f, 1e8f});
    constant(n, "w", {2, 3}, {1, 0, -1, 2, 4, 0});
    constant(n, "bias", {2}, {10, 20});
    value<float>(n, "residual", {2, 2}, {0.5f, 0, 1e8f, -20});
    expect_near(run(n), {1 - 3 + 10 + 0.5, 2 + 8 + 20, -1 + 10, -2 + 2});
}

TEST_F(Reference, rms_norm_in_groups_at_any_magnitude) {
    const ops::RmsNormParams params{0.0f, 2};
    Node n = make_node(OpId::rms_norm, &params);
    value<float>(n, "x", {3, 4}, {3, 4, 1e19f, -1e19f, kNan, 1, 2, 2, 1e-20f, 1e-20f, 0, 5});
    constant(n, "weight", {4}, {1, 2, 3, 4});
    const double half = std::sqrt(12.5);
    expect_near(run(n), {3 / half, 8 / half, 3, -4, kNan, kNan, 3, 4, 1, 2, 0, 4 * std::sqrt(2.0)});
}

TEST_F(Reference, elementwise_ops_broadcast_one_row) {
    const ops::ScaleParams params{2, -1};
    for (const auto& [op, wanted] : {std::pair(OpId::add, std::vector<double>{11, 22, 13, 24}),
                                     std::pair(OpId::mul, std::vector<double>{10, 40, 30, 80})}) {
        Node n = make_node(op);
        value<float>(n, "a", {2, 2}, {1, 2, 3, 4});
        value<float>(n, "b", {1, 2}, {10, 20});
        expect_near(run(n), wanted);
    }
    Node gate = make_node(OpId::silu_mul);
    value<float>(gate, "a", {1, 4}, {0, 1, -100, 100});
    value<float>(gate, "b", {1, 4}, {7, 2, 3, 3});
    expect_near(run(gate), {0, 2 * silu(1), 3 * silu(-100), 300});
    Node scaled = make_node(OpId::scale, &params);
    value<float>(scaled, "x", {1, 2}, {1.5f, kInf});
    expect_near(run(scaled), {2, kInf});
}

// Numbers of mpmath with 60 digits.
TEST_F(Reference, activate_keeps_the_tails_of_gelu) {
    const std::vector<float> a{1, -1, -9, -10, 0};
    for (const auto& [function, wanted] :
         {std::pair(ops::Activation::gelu, std::vector<double>{0.841344746068543, -0.158655253931457, -1.01572956535846e-18,
                                                               -7.61985302416053e-23, 0}),
          std::pair(ops::Activation::gelu_tanh, std::vector<double>{0.841191990608277, -0.158808009391723,
                                                                    -1.33645959473487e-28, -1.20409234820981e-37, 0}),
          std::pair(ops::Activation::relu_squared, std::vector<double>{1, 0, 0, 0, 0}),
          std::pair(ops::Activation::sigmoid, std::vector<double>{0.731058578630005, 0.268941421369995, 1.23394575986232e-4,
                                                                  4.53978687024344e-5, 0.5})}) {
        const ops::ActivateParams params{function};
        Node plain = make_node(OpId::activate, &params);
        value<float>(plain, "a", {1, 5}, a);
        expect_near(run(plain), wanted);
        Node gate = make_node(OpId::activate, &params);
        value<float>(gate, "a", {1, 5}, a);
        value<float>(gate, "b", {1, 5}, {2, -2, 2, 2, kInf});
        const double at_zero = function == ops::Activation::sigmoid ? kInf : kNan;
        expect_near(run(gate), {2 * wanted[0], -2 * wanted[1], 2 * wanted[2], 2 * wanted[3], at_zero});
    }
}

TEST_F(Reference, scale_add_and_concat_of_two_operands) {
    const ops::ScaleAddParams params{-0.5f};
    for (const auto& [op, wanted] : {std::pair(OpId::scale_add, std::vector<double>{-4, 2, 3, -kInf}),
                                     std::pair(OpId::concat, std::vector<double>{1, 2, 10, 0, 3, 4, 0, kInf})}) {
        Node n = make_node(op, op == OpId::scale_add ? &params : nullptr);
        value<float>(n, "a", {2, 2}, {1, 2, 3, 4});
        value<float>(n, "b", {2, 2}, {10, 0, 0, kInf});
        expect_near(run(n), wanted);
    }
}

TEST_F(Reference, l2_norm_in_groups_at_any_magnitude) {
    for (const float eps : {0.0f, 9.0f}) {
        const ops::L2NormParams params{eps, 2};
        Node n = make_node(OpId::l2_norm, &params);
        value<float>(n, "x", {2, 4}, {3, 4, 1e19f, -1e19f, 0, 0, kNan, 1});
        const double length = std::sqrt(25 + eps), zero = eps == 0 ? kNan : 0.0;
        expect_near(run(n), {3 / length, 4 / length, std::sqrt(0.5), -std::sqrt(0.5), zero, zero, kNan, kNan});
    }
}

TEST_F(Reference, copy_gathers_a_view) {
    Node n = make_node(OpId::copy);
    value<float>(n, "x", {3, 4}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
    krait_graph_tensor& x = n.tensors[0];
    x.desc.extent[1] = 2;  // the second and third column
    x.offset = 4;
    expect_near(run(n), {1, 2, 5, 6, 9, 10});
}

TEST_F(Reference, argmax_and_top_k_rank_nan_last) {
    const std::vector<float> x{1, 5, 5, kNan, kNan, kNan, -kInf, kNan, kNan, kNan, kNan, kNan};
    Node best = make_node(OpId::argmax);
    value<float>(best, "x", {3, 4}, x);
    krait_buffer* y = add_outputs(best)[0];
    EXPECT_OK(api->queue_run(queue, make_program(best), nullptr, 0, &err));
    EXPECT_EQ(read<int32_t>(y, 3), (std::vector<int32_t>{1, 2, 0}));

    const ops::TopKParams params{4};
    Node top = make_node(OpId::top_k, &params);
    value<float>(top, "x", {3, 4}, x);
    const std::vector<krait_buffer*> out = add_outputs(top);
    EXPECT_OK(api->queue_run(queue, make_program(top), nullptr, 0, &err));
    EXPECT_EQ(read<int32_t>(out[1], 12), (std::vector<int32_t>{1, 2, 0, 3, 2, 0, 1, 3, 0, 1, 2, 3}));
    expect_near(read(out[0], 4), {5, 5, 1, kNan});
}

TEST_F(Reference, softmax_keeps_nan_in_its_row) {
    const ops::SoftmaxParams params{2};
    Node n = make_node(OpId::softmax, &params);
    value<float>(n, "x", {4, 2}, {1000, 1001, -kInf, 0, kNan, 1, -kInf, -kInf});
    const double e = std::exp(-2.0);
    expect_near(run(n), {e / (1 + e), 1 / (1 + e), 0, 1, kNan, kNan, kNan, kNan});
}

TEST_F(Reference, kv_write_rounds_to_the_type_of_the_cache) {
    const std::vector<float> x{1, 65520, kNan, 3, 5, 7, 1.0f + 0x1p-11f, 0x1p-24f * 1.5f, -kInf};
    for (const DType dtype : {DType::F32, DType::F16}) {
        const size_t width = dtype == DType::F32 ? 3 : 2, bytes = width * (dtype == DType::F32 ? 4 : 2);
        const TensorDesc desc = make_desc(dtype, {2, 2, static_cast<int64_t>(width)});
        krait_buffer* cache = make_pages(OpId::kv_write, desc);
        const std::vector<std::byte> before(2 * bytes, std::byte{0x5a});
        for (int64_t page : {0, 1}) EXPECT_OK(api->queue_memory_import(queue, cache, page, before.data(), before.size(), &err));
        const ops::KvWriteParams params{};
        Node n = make_node(OpId::kv_write, &params);
        value<float>(n, "x", {3, static_cast<int64_t>(width)}, {x.begin(), x.begin() + static_cast<ptrdiff_t>(3 * width)});
        add_input(n, "cache", {desc, KRAIT_TENSOR_MEMORY, -1, cache, 0, "cache"});
        value<int32_t>(n, "rows", {3}, {3, -1, 0});
        EXPECT_TRUE(add_outputs(n).empty());
        EXPECT_OK(api->queue_run(queue, make_program(n), nullptr, 0, &err));
        std::vector<uint16_t> got(4 * bytes / sizeof(uint16_t));
        for (int64_t page : {0, 1})
            EXPECT_OK(
                api->queue_memory_export(queue, cache, page, got.data() + page * static_cast<int64_t>(bytes), 2 * bytes, &err));
        EXPECT_OK(api->queue_sync(queue, &err));
        if (dtype == DType::F16) {
            // Rows 0 and 3 are rows 2 and 0 of x: 5 and 7 are not there, 65520 is halfway to 2^16, 1 is 0x3c00.
            EXPECT_EQ(got, (std::vector<uint16_t>{0x4500, 0x4700, 0x5a5a, 0x5a5a, 0x5a5a, 0x5a5a, 0x3c00, 0x7c00}));
        } else {
            const auto* floats = reinterpret_cast<const float*>(got.data());
            EXPECT_EQ(std::memcmp(floats, &x[6], 12), 0);
            EXPECT_EQ(std::memcmp(floats + 9, &x[0], 12), 0) << "a NaN keeps its bits";
            for (size_t i = 6; i < 18; ++i) EXPECT_EQ(got[i], 0x5a5a) << i;
        }
    }
}

// Three sequences: one goes on in the slot that it read, one is fresh, one is empty and forks slot 0's neighbour.
TEST_F(Reference, ssm_conv_continues_ragged_sequences) {
    krait_buffer* pool = make_state(OpId::ssm_conv, 6, {2, 2, 1});
    for (int64_t s = 0; s < 6; ++s) set_slot(pool, s, {kNan, kNan, kNan, kNan});
    set_slot(pool, 1, {1, 2, 3, 4});
    set_slot(pool, 2, {5, 6, 7, 8});
    const ops::SsmConvParams params{ops::Activation::none};
    Node n = make_node(OpId::ssm_conv, &params);
    value<float>(n, "x", {3, 2}, {10, 20, 100, 200, 1000, 2000});  // rows 0: first sequence; 1, 2: second
    constant(n, "w", {2, 3}, {1, 2, 3, 4, 5, 6});
    constant(n, "bias", {2}, {0.5f, -0.5f});
    state(n, {6, 2, 2}, pool);
    value<int32_t>(n, "seq_start", {4}, {0, 1, 3, 3});
    value<int32_t>(n, "src_slot", {3}, {1, -1, 2});
    value<int32_t>(n, "dst_slot", {3}, {1, 0, 3});
    value<int32_t>(n, "snapshots", {3, 2}, {1, 4, -1, 77, 2, 5});
    expect_near(run(n), {1 * 1 + 2 * 3 + 3 * 10 + 0.5, 4 * 2 + 5 * 4 + 6 * 20 - 0.5,  //
                         3 * 100 + 0.5, 6 * 200 - 0.5,                                //
                         2 * 100 + 3 * 1000 + 0.5, 5 * 200 + 6 * 2000 - 0.5});
    EXPECT_EQ(slot(pool, 1, 4), (std::vector<float>{3, 4, 10, 20})) << "one row shifts the old state";
    EXPECT_EQ(slot(pool, 0, 4), (std::vector<float>{100, 200, 1000, 2000}));
    EXPECT_EQ(slot(pool, 3, 4), (std::vector<float>{5, 6, 7, 8})) << "an empty sequence copies";
    EXPECT_EQ(slot(pool, 2, 4), (std::vector<float>{5, 6, 7, 8})) << "what is only read stays";
    EXPECT_EQ(slot(pool, 4, 4), (std::vector<float>{0, 0, 100, 200})) << "after the first row of a fresh sequence";
    EXPECT_EQ(slot(pool, 5, 4), (std::vector<float>{100, 200, 1000, 2000}));
}

TEST_F(Reference, ssm_conv_of_width_one_has_no_state) {
    krait_buffer* pool = make_state(OpId::ssm_conv, 1, {0, 1, 1});
    const ops::SsmConvParams params{ops::Activation::silu};
    Node n = make_node(OpId::ssm_conv, &params);
    value<float>(n, "x", {2, 1}, {1, -2});
    constant(n, "w", {1, 1}, {3});
    state(n, {1, 0, 1}, pool);
    value<int32_t>(n, "seq_start", {2}, {0, 2});
    value<int32_t>(n, "src_slot", {1}, {0});
    value<int32_t>(n, "dst_slot", {1}, {0});
    expect_near(run(n), {silu(3), silu(-6)});
}

// Mamba-1 form (head_dim 1, A per state), two states; a fresh sequence of two rows, a continued one of one row, an empty one.
TEST_F(Reference, ssm_scan_of_mamba) {
    krait_buffer* pool = make_state(OpId::ssm_scan, 6, {1, 1, 2});
    for (int64_t s = 0; s < 6; ++s) set_slot(pool, s, {kNan, kNan});
    set_slot(pool, 0, {4, 8});
    set_slot(pool, 3, {-7, 9});
    const ops::SsmScanParams params{1, 0.0f, kInf};
    Node n = make_node(OpId::ssm_scan, &params);
    const double x[] = {2, -1, 3}, dt[] = {0.25, 30, -1}, z[] = {1, 2, -3};
    value<float>(n, "x", {3, 1, 1}, {2, -1, 3});
    value<float>(n, "dt", {3, 1}, {0.25f, 30, -1});
    constant(n, "dt_bias", {1}, {0.5f});
    constant(n, "A", {1, 2}, {-1, -0.01f});
    value<float>(n, "B", {3, 1, 2}, {1, 2, 3, 4, 5, 6});
    value<float>(n, "C", {3, 1, 2}, {1, -1, 2, 0.5f, 1, 1});
    constant(n, "D", {1}, {0.125f});
    value<float>(n, "z", {3, 1, 1}, {1, 2, -3});
    state(n, {6, 1, 1, 2}, pool);
    value<int32_t>(n, "seq_start", {4}, {0, 2, 3, 3});
    value<int32_t>(n, "src_slot", {3}, {-1, 0, 3});
    value<int32_t>(n, "dst_slot", {3}, {2, 0, 5});
    value<int32_t>(n, "snapshots", {2, 2}, {0, 1, -1, -1});

    const double A[] = {-1, double(-0.01f)}, B[3][2] = {{1, 2}, {3, 4}, {5, 6}}, C[3][2] = {{1, -1}, {2, 0.5}, {1, 1}};
    const auto step = [&](int t, double(&s)[2]) {
        const double raw = dt[t] + 0.5, d = raw > 20 ? raw : std::log1p(std::exp(raw));
        double y = 0.125 * x[t];
        for (int i = 0; i < 2; ++i) {
            s[i] = std::exp(d * A[i]) * s[i] + d * x[t] * B[t][i];
            y += s[i] * C[t][i];
        }
        return y * silu(z[t]);
    };
    double fresh[2] = {0, 0}, continued[2] = {4, 8};
    const double y0 = step(0, fresh);
    const std::vector<double> after_first(fresh, fresh + 2);
    const double y1 = step(1, fresh), y2 = step(2, continued);
    expect_near(run(n), {y0, y1, y2});
    expect_near(slot(pool, 1, 2), after_first);
    expect_near(slot(pool, 2, 2), {fresh[0], fresh[1]});
    expect_near(slot(pool, 0, 2), {continued[0], continued[1]});
    expect_near(slot(pool, 5, 2), {-7, 9});
    expect_near(slot(pool, 3, 2), {-7, 9});
    expect_near(slot(pool, 4, 2), {kNan, kNan});
}

// Mamba-2 form: four heads of two channels, two groups; heads 0 and 1 use group 0, heads 2 and 3 group 1.
TEST_F(Reference, ssm_scan_of_mamba2_gives_contiguous_heads_one_group) {
    krait_buffer* pool = make_state(OpId::ssm_scan, 1, {4, 2, 1});
    const ops::SsmScanParams params{0, 0.5f, 2.0f};
    Node n = make_node(OpId::ssm_scan, &params);
    value<float>(n, "x", {1, 4, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
    value<float>(n, "dt", {1, 4}, {0.1f, 1, 1, 5});  // clamped to 0.5, 1, 1, 2
    constant(n, "A", {4, 1}, {-1, -1, -1, -1});
    value<float>(n, "B", {1, 2, 1}, {10, 100});
    value<float>(n, "C", {1, 2, 1}, {1, -1});
    constant(n, "D", {4, 2}, {0, 0, 0, 0, 0, 0, 0, 1});
    state(n, {1, 4, 2, 1}, pool);
    value<int32_t>(n, "seq_start", {2}, {0, 1});
    value<int32_t>(n, "src_slot", {1}, {-1});
    value<int32_t>(n, "dst_slot", {1}, {0});
    expect_near(run(n), {5, 10, 30, 40, -500, -600, -1400, -1600 + 8});
    expect_near(slot(pool, 0, 8), {5, 10, 30, 40, 500, 600, 1400, 1600});
}

TEST_F(Reference, ssm_scan_in_chunks_is_the_scan_in_one_run) {
    constexpr int64_t kTokens = 40, kHeads = 3, kDim = 2, kStates = 4;
    const auto wave = [](int64_t count, float rate) {
        std::vector<float> v(static_cast<size_t>(count));
        for (size_t i = 0; i < v.size(); ++i) v[i] = std::sin(static_cast<float>(i) * rate + rate);
        return v;
    };
    const std::vector<float> x = wave(kTokens * kHeads * kDim, 0.7f), dt = wave(kTokens * kHeads, 0.3f),
                             A(kHeads * kStates, -0.1f);
    const std::vector<float> B = wave(kTokens * kStates, 0.11f), C = wave(kTokens * kStates, 0.23f);
    const ops::SsmScanParams params{};
    const auto rows = [](const std::vector<float>& all, int64_t first, int64_t end, int64_t width) {
        return std::vector<float>(all.begin() + first * width, all.begin() + end * width);
    };
    const auto scan = [&](const std::vector<int64_t>& cuts) {
        krait_buffer* pool = make_state(OpId::ssm_scan, 1, {kHeads, kDim, kStates});
        std::vector<float> y;
        for (size_t i = 0; i + 1 < cuts.size(); ++i) {
            const int64_t first = cuts[i], end = cuts[i + 1], n_tok = end - first;
            Node n = make_node(OpId::ssm_scan, &params);
            value<float>(n, "x", {n_tok, kHeads, kDim}, rows(x, first, end, kHeads * kDim));
            value<float>(n, "dt", {n_tok, kHeads}, rows(dt, first, end, kHeads));
            constant(n, "A", {kHeads, kStates}, A);
            value<float>(n, "B", {n_tok, 1, kStates}, rows(B, first, end, kStates));
            value<float>(n, "C", {n_tok, 1, kStates}, rows(C, first, end, kStates));
            state(n, {1, kHeads, kDim, kStates}, pool);
            value<int32_t>(n, "seq_start", {2}, {0, static_cast<int32_t>(n_tok)});
            value<int32_t>(n, "src_slot", {1}, {i == 0 ? -1 : 0});
            value<int32_t>(n, "dst_slot", {1}, {0});
            const std::vector<float> part = run(n);
            y.insert(y.end(), part.begin(), part.end());
        }
        return y;
    };
    const std::vector<float> whole = scan({0, kTokens});
    std::vector<int64_t> every(kTokens + 1);
    std::iota(every.begin(), every.end(), 0);
    for (const std::vector<int64_t>& cuts : {std::vector<int64_t>{0, 1, 17, 17, kTokens}, every}) {
        const std::vector<float> parts = scan(cuts);
        double error = 0, power = 0;
        for (size_t i = 0; i < whole.size(); ++i) {
            error += std::pow(double(parts[i]) - double(whole[i]), 2);
            power += std::pow(double(whole[i]), 2);
        }
        EXPECT_LT(error / power, 1e-12);
        EXPECT_GT(power, 1);
    }
}

TEST_F(Reference, ragged_indices_that_contradict_each_other_are_errors) {
    krait_buffer* pool = make_state(OpId::ssm_conv, 2, {1, 1, 1});
    const ops::SsmConvParams params{};
    Node n = make_node(OpId::ssm_conv, &params);
    value<float>(n, "x", {2, 1}, {1, 2});
    constant(n, "w", {1, 2}, {1, 1});
    state(n, {2, 1, 1}, pool);
    value<int32_t>(n, "seq_start", {3}, {0, 1, 2});
    value<int32_t>(n, "src_slot", {2}, {0, 1});
    value<int32_t>(n, "dst_slot", {2}, {1, 0});
    add_outputs(n);
    EXPECT_FAILS(KRAIT_STATUS_INVALID_ARGUMENT, "read by another sequence",
                 api->queue_run(queue, make_program(n), nullptr, 0, &err));
}

}  // namespace
}  // namespace krait::unit
