// SPDX-License-Identifier: Apache-2.0
#include "kernels.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "backends/common/bind_kernels.hpp"
#include "core/quant/codec.hpp"

namespace loops {
namespace {

namespace ops = krait::ops;

// Row n of a weight in any format, decoded to float32.
std::vector<float> decoded_row(const Tensor& table, int64_t n) {
    std::vector<float> row(static_cast<size_t>(table.extent(1)));
    krait::decode_row(table.dtype(), table.row<const std::byte>(n), row);
    return row;
}

void get_rows(const ops::GetRows::In<Tensor>& in, const ops::GetRows::Params&, const ops::GetRows::Out<Tensor>& out, Context&) {
    const std::span<const int32_t> ids = in.ids.index();
    krait::plugin::value_or_throw(ops::check_rows("ids", ids, "table", in.table.extent(0)));
    for (size_t t = 0; t < ids.size(); ++t)
        std::ranges::copy(decoded_row(in.table, ids[t]), out.y.row<float>(static_cast<int64_t>(t)));
}

void rms_norm(const ops::RmsNorm::In<Tensor>& in, const ops::RmsNorm::Params& params, const ops::RmsNorm::Out<Tensor>& out,
              Context&) {
    const int64_t width = in.x.extent(1), group = width / params.groups;
    for (int64_t t = 0; t < in.x.extent(0); ++t) {
        const float* x = in.x.row<const float>(t);
        float* y = out.y.row<float>(t);
        for (int64_t first = 0; first < width; first += group) {
            double squares = 0;  // in double, because one float32 sum over thousands of columns loses digits
            for (int64_t i = first; i < first + group; ++i) squares += static_cast<double>(x[i]) * x[i];
            const double factor = 1 / std::sqrt(squares / static_cast<double>(group) + params.eps);
            for (int64_t i = first; i < first + group; ++i) {
                const double weight = in.weight ? in.weight.elements<const float>()[i] : 1.0f;
                y[i] = static_cast<float>(x[i] * factor * weight);
            }
        }
    }
}

void mul_mat(const ops::MulMat::In<Tensor>& in, const ops::MulMat::Params&, const ops::MulMat::Out<Tensor>& out, Context&) {
    for (int64_t n = 0; n < in.w.extent(0); ++n) {
        const std::vector<float> w = decoded_row(in.w, n);
        for (int64_t t = 0; t < in.x.extent(0); ++t) {
            const float* x = in.x.row<const float>(t);
            double sum = 0;
            for (size_t k = 0; k < w.size(); ++k) sum += static_cast<double>(x[k]) * w[k];
            if (in.bias) sum += in.bias.elements<const float>()[n];
            if (in.residual) sum += in.residual.row<const float>(t)[n];
            out.y.row<float>(t)[n] = static_cast<float>(sum);
        }
    }
}

// y = f(a, b) by element; b may be one row for all.
template <class F>
void elementwise(const Tensor& a, const Tensor& b, const Tensor& y, F f) {
    const bool one_row = b.extent(0) == 1;
    for (int64_t t = 0; t < a.extent(0); ++t) {
        const float* left = a.row<const float>(t);
        const float* right = b.row<const float>(one_row ? 0 : t);
        float* result = y.row<float>(t);
        for (int64_t i = 0; i < a.extent(1); ++i) result[i] = f(left[i], right[i]);
    }
}

void add(const ops::Add::In<Tensor>& in, const ops::Add::Params&, const ops::Add::Out<Tensor>& out, Context&) {
    elementwise(in.a, in.b, out.y, [](float a, float b) { return a + b; });
}

void mul(const ops::Mul::In<Tensor>& in, const ops::Mul::Params&, const ops::Mul::Out<Tensor>& out, Context&) {
    elementwise(in.a, in.b, out.y, [](float a, float b) { return a * b; });
}

void silu_mul(const ops::SiluMul::In<Tensor>& in, const ops::SiluMul::Params&, const ops::SiluMul::Out<Tensor>& out, Context&) {
    elementwise(in.a, in.b, out.y, [](float a, float b) { return a / (1 + std::exp(-a)) * b; });
}

void scale(const ops::Scale::In<Tensor>& in, const ops::Scale::Params& params, const ops::Scale::Out<Tensor>& out, Context&) {
    for (int64_t t = 0; t < in.x.extent(0); ++t) {
        const float* x = in.x.row<const float>(t);
        for (int64_t i = 0; i < in.x.extent(1); ++i) out.y.row<float>(t)[i] = std::fma(x[i], params.scale, params.bias);
    }
}

void argmax(const ops::Argmax::In<Tensor>& in, const ops::Argmax::Params&, const ops::Argmax::Out<Tensor>& out, Context&) {
    for (int64_t t = 0; t < in.x.extent(0); ++t) {
        const float* x = in.x.row<const float>(t);
        int64_t best = 0;  // the first of equal ones; a NaN is below every number
        for (int64_t i = 1; i < in.x.extent(1); ++i)
            if (x[i] > x[best] || (std::isnan(x[best]) && !std::isnan(x[i]))) best = i;
        *out.y.row<int32_t>(t) = static_cast<int32_t>(best);
    }
}

void softmax(const ops::Softmax::In<Tensor>& in, const ops::Softmax::Params& params, const ops::Softmax::Out<Tensor>& out,
             Context&) {
    const int64_t n = in.x.extent(1);
    for (int64_t t = 0; t < in.x.extent(0); ++t) {
        const float* x = in.x.row<const float>(t);
        float* y = out.y.row<float>(t);
        double largest = -std::numeric_limits<double>::infinity(), sum = 0;
        for (int64_t i = 0; i < n; ++i) largest = std::fmax(largest, static_cast<double>(params.scale) * x[i]);
        for (int64_t i = 0; i < n; ++i) sum += std::exp(static_cast<double>(params.scale) * x[i] - largest);
        for (int64_t i = 0; i < n; ++i)
            y[i] = static_cast<float>(std::exp(static_cast<double>(params.scale) * x[i] - largest) / sum);
    }
}

}  // namespace

const krait::plugin::OpTable kKernels = [] {
    using krait::OpId;
    krait::plugin::OpTable table{};
    const auto set = [&](OpId op, krait::plugin::BindKernel kernel) { table.kernels[static_cast<size_t>(op)] = kernel; };
    set(OpId::get_rows, KRAIT_KERNEL(get_rows, GetRows, Context));
    set(OpId::rms_norm, KRAIT_KERNEL(rms_norm, RmsNorm, Context));
    set(OpId::mul_mat, KRAIT_KERNEL(mul_mat, MulMat, Context));
    set(OpId::add, KRAIT_KERNEL(add, Add, Context));
    set(OpId::mul, KRAIT_KERNEL(mul, Mul, Context));
    set(OpId::silu_mul, KRAIT_KERNEL(silu_mul, SiluMul, Context));
    set(OpId::scale, KRAIT_KERNEL(scale, Scale, Context));
    set(OpId::argmax, KRAIT_KERNEL(argmax, Argmax, Context));
    set(OpId::softmax, KRAIT_KERNEL(softmax, Softmax, Context));
    return table;
}();

}  // namespace loops
