// SPDX-License-Identifier: Apache-2.0
//
// Formats x shapes. Results that are single numbers (one output, few rows) get positive operands: a sum of random signs may
// cancel to nearly nothing by chance, and then the error relative to it says nothing about the kernel.
#include "tests/harness/case.hpp"

namespace krait::harness {
namespace {

void evaluate(const ops::MulMat::In<Values>& in, const NoParams&, const ops::MulMat::Out<std::vector<double>*>& out) {
    const int64_t n_in = in.x.extent(1), n_out = in.w.extent(0);
    for (int64_t t = 0; t < in.x.extent(0); ++t)
        for (int64_t n = 0; n < n_out; ++n) {
            const float* x = in.x.f.data() + t * n_in;
            const float* w = in.w.f.data() + n * n_in;
            double sum = 0;
            for (int64_t k = 0; k < n_in; ++k) sum += static_cast<double>(x[k]) * static_cast<double>(w[k]);
            if (in.bias) sum += in.bias.at(n);
            if (in.residual) sum += in.residual.at(t, n);
            (*out.y)[static_cast<size_t>(t * n_out + n)] = sum;
        }
}

class MulMatCases {
  public:
    explicit MulMatCases(CaseList& list) : op_(list.op<ops::MulMat, evaluate>()) {}

    // Activations of every sign where the result has many numbers in a row.
    Case& add(DType format, int64_t n_tok, int64_t n_out, int64_t n_in, std::string extra = {}, bool bias = false,
              bool residual = false) {
        const bool single = n_out < 7;
        const Fill weights = single ? uniform(0.05f, 1) : is_quantized(format) ? blocks() : normal();
        return add_filled(format, n_tok, n_out, n_in, single ? uniform(0.1f, 1) : normal(), weights, std::move(extra), bias,
                          residual);
    }

    Case& add_filled(DType format, int64_t n_tok, int64_t n_out, int64_t n_in, Fill x, Fill w, std::string extra,
                     bool bias = false, bool residual = false) {
        ops::MulMat::In<Operand> in{.x = f32({n_tok, n_in}, std::move(x)), .w = weight(format, {n_out, n_in}, std::move(w))};
        if (bias) in.bias = f32({n_out}, uniform(0.5f, 3));
        if (residual) in.residual = f32({n_tok, n_out}, uniform(0.5f, 3));
        Case& added = op_.add(
            fmt::format("{}.t{}.n{}.k{}{}{}", dtype_name(format), n_tok, n_out, n_in, extra.empty() ? "" : ".", extra), in);
        added.flops = 2.0 * static_cast<double>(n_tok * n_out * n_in);
        return added;
    }

    void add_illegal(std::string name, const ops::MulMat::In<Operand>& in, std::vector<std::string> words) {
        op_.add_illegal(std::move(name), in, {}, std::move(words));
    }

  private:
    OpCases<ops::MulMat, evaluate> op_;
};

void add_format(MulMatCases& cases, const DTypeInfo& format) {
    const DType dtype = format.dtype;
    const bool quantized = is_quantized(dtype);
    const int64_t block = quantized ? format.block_elems : 32;

    // Numbers of rows around every tile a kernel may have.
    for (const int64_t n_tok : {1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 31, 32, 33, 64, 127, 128, 129, 512})
        cases.add(dtype, n_tok, n_tok > 64 ? 17 : 33, block == 256 ? 256 : 96);
    // Numbers of outputs, and one to three blocks of a row.
    for (const int64_t n_out : {1, 7, 8, 15, 16, 17, 31, 65})
        for (const int64_t n_blocks : {1, 2, 3})
            for (const int64_t n_tok : {1, 3}) {
                if (n_tok * n_out == 33 && n_blocks * block == 96) continue;
                cases.add(dtype, n_tok, n_out, n_blocks * block, "blocks");
            }
    // Shapes that models have.
    for (const int64_t n_in : {768, 2560, 8192}) {
        cases.add(dtype, 1, 19, n_in);
        cases.add(dtype, 5, 16, n_in);
        cases.add(dtype, 35, 9, n_in);
    }
    for (const int64_t n_tok : {1, 9, 20}) {
        cases.add(dtype, n_tok, 21, 512, "bias", true, false);
        cases.add(dtype, n_tok, 21, 512, "residual", false, true);
        cases.add(dtype, n_tok, 21, 512, "bias_residual", true, true);
    }
    const Fill weights = quantized ? blocks() : normal();
    const float nan = std::numeric_limits<float>::quiet_NaN();
    for (const int64_t n_tok : {1, 6, 40}) {
        cases.add_filled(dtype, n_tok, 20, 512, all(0), weights, "zero_x");
        cases.add_filled(dtype, n_tok, 20, 512, normal(), all(0), "zero_w");
        cases.add_filled(dtype, n_tok, 20, 512, normal(), normal(0, 0.05f), "encoded");
        cases.add_filled(dtype, n_tok, 20, 512, normal(0, 1e-12f), weights, "tiny_x");
        // All in the last element of a row: nothing hides it.
        cases.add_filled(dtype, n_tok, 20, 512, all(0).with({Patch::kAll, 511, 1}), weights, "last_only");
        cases.add_filled(dtype, n_tok, 20, 512, all(0).with({Patch::kAll, 0, 1}), weights, "first_only");
    }
    // Too few results that a device which rounds x would be held to exact operands (kManyResults): cancelling sums, one number
    // over all.
    for (const int64_t n_tok : {1, 6}) cases.add_filled(dtype, n_tok, 20, 512, normal(), uniform(-2, -1), "encoded_negative");
    for (const int64_t n_tok : {1, 6, 20})
        cases.add_filled(dtype, n_tok, n_tok < 20 ? 20 : 12, 512, normal().with({0, 300, 1e4f}), weights, "outlier");
    for (const int64_t n_tok : {6, 40})
        cases.add_filled(dtype, n_tok, 20, 512, normal().with({2, 100, nan}), weights, "nan_row_stays");
    cases.add(dtype, 0, 16, 512, "no_rows");
    // A prompt: what kernels for many rows do with ends of w and x, with long rows, and with what is no number.
    for (const int64_t n_out : {1, 129}) cases.add(dtype, 67, n_out, block, "prompt");
    cases.add_filled(dtype, 67, 7, block, uniform(0.1f, 1), uniform(0.05f, 1), "prompt");  // of 67 rows of 7 one would cancel
    for (const int64_t n_in : {2560, 8192}) cases.add(dtype, 65, 9, n_in, "prompt");
    cases.add(dtype, 130, 21, 512, "prompt.bias_residual", true, true);
    cases.add_filled(dtype, 66, 20, 512, all(0), weights, "prompt.zero_x");
    cases.add_filled(dtype, 66, 20, 512, normal(), all(0), "prompt.zero_w");
    cases.add_filled(dtype, 66, 20, 512, normal(), normal(0, 0.05f), "prompt.encoded");
    cases.add_filled(dtype, 66, 20, 512, normal(0, 1e-12f), weights, "prompt.tiny_x");
    cases.add_filled(dtype, 66, 20, 512, all(0).with({Patch::kAll, 511, 1}), weights, "prompt.last_only");
    cases.add_filled(dtype, 66, 20, 512, all(0).with({Patch::kAll, 0, 1}), weights, "prompt.first_only");
    cases.add_filled(dtype, 66, 20, 512, normal().with({2, 100, nan}), weights, "prompt.nan_row_stays");
    // Wider than a cache tile in every direction.
    cases.add(dtype, 70, 130, 768, "tiles");
}

}  // namespace

void add_mul_mat_cases(CaseList& list) {
    MulMatCases cases(list);
    for (const DTypeInfo& format : kDTypes)
        if (format.is_weight_format) add_format(cases, format);

    // Rows that are no multiple of a vector: dt_rank of real models, and every remainder; few rows of x and many, which kernels
    // treat differently, and rows longer than what they take at once.
    for (const int64_t n_tok : {4, 37, 69}) {
        for (const DType dtype : {DType::F32, DType::F16, DType::BF16})
            for (const int64_t n_in : {1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 23, 31, 33, 48, 63, 65, 80, 100, 160, 1000, 4099})
                cases.add(dtype, n_tok, 23, n_in, "remainder");
        for (const DType dtype : {DType::Q8_0, DType::Q4_0, DType::Q4_1, DType::Q5_0, DType::Q5_1, DType::IQ4_NL})
            for (const int64_t n_in : {96, 160, 224, 288, 4128}) cases.add(dtype, n_tok, 23, n_in, "remainder");
    }
    const float inf = std::numeric_limits<float>::infinity();
    cases.add_filled(DType::F32, 3, 9, 33, normal().with({1, 5, inf}), uniform(0.5f, 1), "infinite_x");
    cases.add_filled(DType::F16, 3, 9, 33, normal(), uniform(0.5f, 1).with({4, 7, inf}), "infinite_w");
    // In tiles, beside rows and outputs that are finite; x beyond what halves hold, and weights at the ends of it.
    // Both infinities in a row: NaN, whether a device rounds x or not.
    for (const int64_t n_tok : {40, 70}) {
        for (const DType dtype : {DType::F32, DType::F16, DType::Q8_0, DType::Q3_K, DType::Q4_K})
            cases.add_filled(dtype, n_tok, 21, 256, normal().with({1, 5, inf}).with({1, 6, -inf}),
                             normal().with({Patch::kAll, 5, 1}).with({Patch::kAll, 6, 1}), "infinite_x");
        cases.add_filled(DType::F16, n_tok, 21, 256, normal(),
                         (n_tok == 40 ? uniform(0.5f, 1) : normal()).with({4, 7, inf}).with({20, 200, -inf}), "infinite_w");
        for (const DType dtype : {DType::F16, DType::Q8_0, DType::Q6_K, DType::Q4_K}) {
            cases.add_filled(dtype, n_tok, 21, 256, normal(0, 1e25f), normal(), "huge_x");
            cases.add_filled(dtype, n_tok, 21, 256, normal(), normal(0, 1e-5f), "tiny_w");
            cases.add_filled(dtype, n_tok, 21, 256, normal(), normal(0, 1.2e4f), "large_w");
        }
        for (const DType dtype : {DType::Q8_0, DType::Q6_K, DType::Q4_K}) {
            cases.add_filled(dtype, n_tok, 21, 256, normal(0, 5e-35f), normal(0, 100), "faint_x");
            cases.add_filled(dtype, n_tok, 21, 256, normal(), normal(0, 1e6f), "huge_w");  // more than f16 holds
        }
    }
    cases.add_filled(DType::F32, 3, 9, 33, all(1e-25f), all(1e-10f), "tiny_products");

    // A whole vocabulary, and a tensor that no 128 MiB buffer holds.
    cases.add(DType::Q8_0, 1, 50280, 64);
    cases.add(DType::Q4_K, 2, 50280, 256).heavy = true;
    cases.add(DType::Q8_0, 64, 50280, 32).heavy = true;
    cases.add(DType::F16, 3, 50280, 48).heavy = true;
    cases.add(DType::F32, 1, 50280, 768, "over_128_mib").heavy = true;
    cases.add(DType::Q8_0, 1, 50280, 2560, "over_128_mib").heavy = true;
    cases.add(DType::Q6_K, 512, 96, 512).heavy = true;
    for (const DType dtype : {DType::F32, DType::Q8_0, DType::Q4_K}) cases.add(dtype, 200, 515, 768).heavy = true;
    cases.add(DType::F32, 1000, 70, 160).heavy = true;

    const Operand x = f32({3, 64});
    cases.add_illegal("blocks.Q8_0", {.x = f32({3, 48}), .w = weight(DType::Q8_0, {5, 48})}, {"48", "Q8_0", "32"});
    cases.add_illegal("blocks.Q5_0", {.x = f32({3, 100}), .w = weight(DType::Q5_0, {5, 100})}, {"100", "Q5_0", "32"});
    cases.add_illegal("blocks.Q4_K", {.x = f32({3, 160}), .w = weight(DType::Q4_K, {5, 160})}, {"160", "Q4_K", "256"});
    cases.add_illegal("blocks.Q6_K", {.x = f32({3, 48}), .w = weight(DType::Q6_K, {5, 48})}, {"48", "Q6_K", "256"});
    cases.add_illegal("inner", {.x = x, .w = weight(DType::F32, {5, 63})}, {"'w'", "64"});
    cases.add_illegal("w_rank", {.x = x, .w = weight(DType::F32, {64})}, {"'w'", "64"});
    cases.add_illegal("x_rank", {.x = f32({3, 2, 32}), .w = weight(DType::F32, {5, 64})}, {"'x'", "rank 2"});
    cases.add_illegal("bias", {.x = x, .w = weight(DType::F32, {5, 64}), .bias = f32({6})}, {"'bias'", "[5]"});
    cases.add_illegal("residual", {.x = x, .w = weight(DType::F32, {5, 64}), .residual = f32({3, 6})},
                      {"'residual'", "[3, 5]"});
    cases.add_illegal("no_weights", {.x = x}, {"'w'", "missing"});
    cases.add_illegal("x_type", {.x = index_pairs({1, 2}), .w = weight(DType::F32, {5, 2})}, {"'x'", "I32"});
}

}  // namespace krait::harness
