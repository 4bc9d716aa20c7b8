// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "tests/harness/case.hpp"

namespace krait::harness {
namespace {

using ops::Activation;

double activated(Activation function, double v) {
    switch (function) {
        case Activation::none: break;
        case Activation::silu: return v / (1 + std::exp(-v));
        case Activation::relu_squared: return v < 0 ? 0 : v * v;
        // erfc(-x) is 1 + erf(x), and exp(2 z) / (1 + exp(2 z)) is (1 + tanh(z)) / 2, where these cancel.
        case Activation::gelu: return v * std::erfc(-v / std::sqrt(2.0)) / 2;
        case Activation::gelu_tanh: {
            const double z = std::sqrt(2 / M_PI) * (v + 0.044715 * std::pow(v, 3));
            return z < 0 ? v * (std::exp(2 * z) / (1 + std::exp(2 * z))) : v / (1 + std::exp(-2 * z));
        }
        case Activation::sigmoid: return 1 / (1 + std::exp(-v));
    }
    return std::numeric_limits<double>::quiet_NaN();
}

void evaluate(const ops::Activate::In<Values>& in, const ops::ActivateParams& params,
              const ops::Activate::Out<std::vector<double>*>& out) {
    for (size_t i = 0; i < out.y->size(); ++i) {
        const auto k = static_cast<int64_t>(i);
        (*out.y)[i] = activated(params.function, in.a.at(k)) * (in.b ? in.b.at(k) : 1.0);
    }
}

// From low on results are normal float32 numbers, those of positive numbers from 1e-18 on.
struct Function {
    Activation id;
    const char* name;
    float low;
};
constexpr Function kFunctions[] = {{Activation::silu, "silu", -87},
                                   {Activation::relu_squared, "relu_squared", -1e30f},
                                   {Activation::gelu, "gelu", -12.9f},
                                   {Activation::gelu_tanh, "gelu_tanh", -9.9f},
                                   {Activation::sigmoid, "sigmoid", -87}};

// One number a row: each is judged by itself, the tails too.
constexpr float kNumbers[] = {-1e30f, -100.0f, -87.0f, -50.0f, -40.0f, -20.0f, -14.0f, -12.9f, -12.0f, -11.0f, -10.0f, -9.9f,
                              -9.0f,  -8.0f,   -7.0f,  -6.0f,  -5.0f,  -4.0f,  -3.0f,  -2.0f,  -1.0f,  -1e-3f, -1e-6f, 0.0f,
                              1e-6f,  1e-3f,   1.0f,   2.0f,   3.0f,   5.0f,   8.0f,   10.0f,  20.0f,  40.0f,  88.0f,  100.0f};

// low, low + 0.01 (low + 13), ... to 13: what nearly cancels, and where the ways to compute it change.
std::vector<float> steps(float low) {
    std::vector<float> values;
    for (int i = 0; i < 403; ++i) values.push_back(low + (13.0f - low) * static_cast<float>(i) / 402.0f);
    return values;
}

}  // namespace

void add_activate_cases(CaseList& list) {
    auto op = list.op<ops::Activate, evaluate>();
    const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    for (const Function& f : kFunctions) {
        const auto add = [&](const std::string& shape, Operand a, float b_low = 1, float b_high = 2) -> Case& {
            const Operand b{.desc = a.desc, .fill = uniform(b_low, b_high)};
            op.add(fmt::format("{}.{}", f.name, shape), {.a = a}, {f.id});
            return op.add(fmt::format("{}.{}.gate", f.name, shape), {.a = a, .b = b}, {f.id});
        };
        for (const int64_t n_row : {1, 2, 5, 33})
            for (const int64_t n_col : {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 130, 768, 2560})
                if (n_row < 33 || n_col < 200)
                    add(fmt::format("t{}.e{}", n_row, n_col), f32({n_row, n_col}, normal(0, 2)), -2, 2);
        for (const float a : kNumbers) {
            // Below f.low the result, or an exponential on the way to it, leaves float32: it may round to 0 there.
            const Fill fill = a < f.low ? cycle({a, 1.0f}) : all(a);
            add(fmt::format("a{:g}", a), f32({3, 18}, fill));
        }
        const float first = std::max(f.low, -13.0f);
        op.add(fmt::format("{}.steps", f.name), {.a = f32({13, 31}, cycle(steps(first)))}, {f.id}).error_row = 1;
        op.add(fmt::format("{}.tail", f.name), {.a = f32({9, 40}, uniform(first, first + 1))}, {f.id}).error_row = 1;
        // relu_squared is infinite beyond 1.8e19.
        add("special_values",
            f32({3, 16}, cycle({0.0f, -0.0f, inf, -inf, nan, 1e-45f, -1e-45f, 1e-40f, -1e-40f, 1e19f, 2e19f, -2e19f, 1e30f,
                                -1e30f, 3e38f, -3e38f})),
            1, 1.1f);
        op.add(fmt::format("{}.infinite_gate", f.name),
               {.a = f32({3, 6}, cycle({0.0f, 1.0f, 3.0f})), .b = f32({3, 6}, cycle({inf, -inf, nan, 2.0f}))}, {f.id});
        op.add(fmt::format("{}.nan_stays", f.name),
               {.a = f32({4, 33}, normal().with({2, 5, nan})), .b = f32({4, 33}, normal().with({1, 30, nan}))}, {f.id});
        add("t0", f32({0, 9}));
        add("e0", f32({3, 0}));
        op.add(fmt::format("{}.large", f.name), {.a = f32({256, 5120}), .b = f32({256, 5120})}, {f.id}).heavy = true;
    }
    for (const int32_t function : {-1, 0, 6})
        op.add_illegal(fmt::format("function{}", function), {.a = f32({3, 8})}, {static_cast<Activation>(function)},
                       {fmt::format("function {}", function), "1 to 5"});
    op.add_illegal("shape", {.a = f32({3, 8}), .b = f32({3, 9})}, {}, {"'b'", "[3, 8]"});
    op.add_illegal("one_row", {.a = f32({3, 8}), .b = f32({1, 8})}, {}, {"'b'", "[3, 8]"});
    op.add_illegal("rank", {.a = f32({8})}, {}, {"'a'", "rank 2"});
    op.add_illegal("type", {.a = index_pairs({1, 2})}, {}, {"'a'", "I32"});
    op.add_illegal("missing", {}, {}, {"'a'", "missing"});
}

}  // namespace krait::harness
