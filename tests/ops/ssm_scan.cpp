// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "tests/harness/case.hpp"
#include "tests/harness/ragged_layout.hpp"

namespace krait::harness {
namespace {

void evaluate(const ops::SsmScan::In<Values>& in, const ops::SsmScanParams& params,
              const ops::SsmScan::Out<std::vector<double>*>& out, SlotStates& states) {
    const int64_t n_head = in.x.extent(1), head_dim = in.x.extent(2), n_group = in.B.extent(1), d_state = in.B.extent(2);
    const bool full_A = in.A.extent(1) == d_state;
    for (int64_t b = 0; b < in.src_slot.extent(0); ++b) {
        std::vector<double> S = states.start(in.src_slot.id(b));
        for (int64_t t = in.seq_start.id(b); t < in.seq_start.id(b + 1); ++t) {
            for (int64_t h = 0; h < n_head; ++h) {
                const int64_t g = h / (n_head / n_group);
                double d = in.dt.at(t, h) + (in.dt_bias ? in.dt_bias.at(h) : 0.0);
                if (params.dt_softplus && d <= 20) d = std::log1p(std::exp(d));
                d = std::min(std::max(d, static_cast<double>(params.dt_min)), static_cast<double>(params.dt_max));
                for (int64_t p = 0; p < head_dim; ++p) {
                    const double x = in.x.at(t, h * head_dim + p);
                    double y = 0;
                    for (int64_t n = 0; n < d_state; ++n) {
                        double& s = S[static_cast<size_t>((h * head_dim + p) * d_state + n)];
                        s = std::exp(d * in.A.at(h, full_A ? n : 0)) * s + d * x * in.B.at(t, g * d_state + n);
                        y += s * in.C.at(t, g * d_state + n);
                    }
                    if (in.D) y += in.D.at(in.D.desc.rank == 1 ? h : h * head_dim + p) * x;
                    if (in.z) {
                        const double z = in.z.at(t, h * head_dim + p);
                        y *= z / (1 + std::exp(-z));
                    }
                    (*out.y)[static_cast<size_t>((t * n_head + h) * head_dim + p)] = y;
                }
            }
            for (int64_t s = 0; in.snapshots && s < in.snapshots.extent(0); ++s)
                if (in.snapshots.id(2 * s) == t) states.after[in.snapshots.id(2 * s + 1)] = S;
        }
        if (in.dst_slot.id(b) >= 0) states.after[in.dst_slot.id(b)] = S;
    }
}

enum class Skip : uint8_t { none, a_number_a_head, a_number_a_channel };

struct Shape {
    int64_t n_head = 19, head_dim = 1, n_group = 1, d_state = 16;
    bool full_A = true;
    bool bias = true;
    Skip skip = Skip::a_number_a_head;
    bool gate = true;

    std::string text() const { return fmt::format("h{}.p{}.g{}.n{}", n_head, head_dim, n_group, d_state); }
};

Shape mamba1(int64_t n_head, int64_t d_state = 16) { return {.n_head = n_head, .d_state = d_state}; }
Shape mamba2(int64_t n_head, int64_t head_dim, int64_t n_group, int64_t d_state) {
    return {.n_head = n_head, .head_dim = head_dim, .n_group = n_group, .d_state = d_state, .full_A = false, .gate = false};
}

class ScanCases {
  public:
    using In = ops::SsmScan::In<Operand>;
    explicit ScanCases(CaseList& list) : op_(list.op<ops::SsmScan, evaluate>()) {}

    static In inputs(const RaggedLayout& run, const Shape& s) {
        const int64_t T = run.n_tok();
        In in{.x = f32({T, s.n_head, s.head_dim}),
              .dt = f32({T, s.n_head}, normal(-1, 1)),
              .A = f32({s.n_head, s.full_A ? s.d_state : 1}, uniform(-8, -0.05f)),
              .B = f32({T, s.n_group, s.d_state}),
              .C = f32({T, s.n_group, s.d_state}),
              .state = state({run.n_slots, s.n_head, s.head_dim, s.d_state}),
              .seq_start = run.seq_start(),
              .src_slot = run.src_slot(),
              .dst_slot = run.dst_slot(),
              .snapshots = run.snapshot_pairs()};
        if (s.bias) in.dt_bias = f32({s.n_head}, normal(-1, 1));
        if (s.skip == Skip::a_number_a_head) in.D = f32({s.n_head});
        if (s.skip == Skip::a_number_a_channel) in.D = f32({s.n_head, s.head_dim});
        if (s.gate) in.z = f32({T, s.n_head, s.head_dim}, normal(0, 2));
        return in;
    }

    Case& add(std::string name, const RaggedLayout& run, const Shape& shape) {
        return add(std::move(name), inputs(run, shape));
    }
    Case& add(std::string name, In in, const ops::SsmScanParams& params = {}) {
        const int64_t channels = in.x.desc.extent[1] * in.x.desc.extent[2];
        // Few numbers in a row may cancel by chance: they are judged with those of all rows.
        const bool narrow = channels < 16;
        const double work = static_cast<double>(in.x.desc.extent[0] * channels * in.B.desc.extent[2]);
        Case& added = op_.add(std::move(name), in, params);
        if (narrow) added.error_row = std::max<int64_t>(element_count(added.in[0].desc), 1);
        added.flops = 6 * work;
        return added;
    }
    void add_illegal(std::string name, const In& in, std::vector<std::string> words, const ops::SsmScanParams& params = {}) {
        op_.add_illegal(std::move(name), in, params, std::move(words));
    }

  private:
    OpCases<ops::SsmScan, evaluate> op_;
};

void add_sizes(ScanCases& cases) {
    // Token counts around chunks of 16, 32, 64 and 128.
    const int32_t tokens[] = {1, 2, 3, 7, 15, 16, 17, 31, 32, 33, 35, 63, 64, 65, 67, 127, 128, 129, 131, 259};
    for (const int32_t n_tok : tokens) {
        cases.add(fmt::format("mamba1.t{}.h19", n_tok), one_sequence(n_tok), mamba1(19));
        cases.add(fmt::format("mamba2.t{}.h4", n_tok), one_sequence(n_tok), mamba2(4, 16, 2, 32));
    }
    for (const int64_t n_head : {1, 2, 3, 8, 15, 16, 17, 32, 33, 64, 130})
        for (const int32_t n_tok : {1, 18})
            cases.add(fmt::format("mamba1.t{}.heads{}", n_tok, n_head), one_sequence(n_tok), mamba1(n_head));
    for (const int64_t d_state : {1, 2, 3, 8, 16, 17, 64, 96, 128, 256})
        for (const int32_t n_tok : {1, 7})
            cases.add(fmt::format("mamba1.t{}.states{}", n_tok, d_state), one_sequence(n_tok), mamba1(21, d_state));
    for (const int64_t head_dim : {1, 3, 16, 64, 80, 128})
        for (const int64_t n_group : {1, 2, 8})
            for (const int64_t d_state : {16, 17, 64, 128}) {
                const Shape shape = mamba2(8, head_dim, n_group, d_state);
                cases.add("mamba2.t5." + shape.text(), one_sequence(5), shape);
            }
    for (const int64_t d_state : {1, 8, 96, 256})
        for (const int32_t n_tok : {1, 9})
            cases.add(fmt::format("mamba2.t{}.states{}", n_tok, d_state), one_sequence(n_tok), mamba2(6, 20, 3, d_state));
    cases.add("mamba2.t1.real", one_sequence(1), mamba2(80, 64, 1, 128));
    cases.add("mamba1.t1.real", one_sequence(1), mamba1(5120));
    cases.add("mamba1.t1000", one_sequence(1000), mamba1(24)).heavy = true;
    cases.add("mamba2.t1000", one_sequence(1000), mamba2(2, 16, 1, 32)).heavy = true;
    cases.add("mamba1.t200.real", one_sequence(200), mamba1(1536)).heavy = true;
    cases.add("mamba2.t131.real", one_sequence(131), mamba2(24, 64, 1, 128)).heavy = true;
    // Both forms of A with both forms of heads, and every optional operand.
    for (const bool full_A : {false, true})
        for (const int64_t head_dim : {1, 5})
            for (const bool bias : {false, true})
                for (const Skip skip : {Skip::none, Skip::a_number_a_head, Skip::a_number_a_channel})
                    for (const bool gate : {false, true}) {
                        const Shape shape{.n_head = 18,
                                          .head_dim = head_dim,
                                          .n_group = 3,
                                          .d_state = 12,
                                          .full_A = full_A,
                                          .bias = bias,
                                          .skip = skip,
                                          .gate = gate};
                        cases.add(fmt::format("options.p{}.A{}{}{}{}", head_dim, full_A ? "_full" : "_one", bias ? ".bias" : "",
                                              skip == Skip::none              ? ""
                                              : skip == Skip::a_number_a_head ? ".D_head"
                                                                              : ".D_channel",
                                              gate ? ".z" : ""),
                                  one_sequence(11), shape);
                    }
}

void add_sequences(ScanCases& cases) {
    std::vector<int32_t> many;
    for (int32_t b = 0; b < 32; ++b) many.push_back(b * 7 % 5);
    const std::pair<const char*, std::vector<int32_t>> runs[] = {{"b2", {5, 9}},
                                                                 {"b3.empty", {4, 0, 7}},
                                                                 {"b3.long", {40, 1, 33}},
                                                                 {"b3.no_rows", {0, 0, 0}},
                                                                 {"b8.decode", {1, 1, 1, 1, 1, 1, 1, 1}},
                                                                 {"b32", many}};
    const std::pair<const char*, Shape> shapes[] = {{"mamba1", mamba1(19)}, {"mamba2", mamba2(4, 6, 2, 20)}};
    for (const auto& [form, shape] : shapes) {
        for (const auto& [name, lengths] : runs)
            for (const Slots slots : {Slots::in_place, Slots::fresh, Slots::forked, Slots::permuted, Slots::nowhere})
                cases.add(fmt::format("{}.{}.{}", form, name, name_of(slots)), ragged(lengths, slots), shape);
        for (const Slots slots : {Slots::in_place, Slots::fresh, Slots::permuted, Slots::nowhere}) {
            const std::string what = fmt::format("{}.{}", form, name_of(slots));
            cases.add("snapshot.first." + what, ragged({9}, slots).snapshot(0), shape);
            cases.add("snapshot.middle." + what, ragged({9}, slots).snapshot(4), shape);
            cases.add("snapshot.last." + what, ragged({9}, slots).snapshot(8), shape);
            cases.add("snapshot.several." + what,
                      ragged({9, 0, 6}, slots).snapshot(0).snapshot(1).snapshot(-1).snapshot(8).snapshot(9).snapshot(12),
                      shape);
            cases.add("snapshot.unused." + what, ragged({4}, slots).snapshot(-1).snapshot(-1), shape);
            cases.add("snapshot.long." + what,
                      ragged({67, 40}, slots).snapshot(15).snapshot(16).snapshot(31).snapshot(64).snapshot(106), shape);
        }
        RaggedLayout own = ragged({6});
        own.dst = {2};
        own.snapshots = {3, 1};
        cases.add(fmt::format("snapshot.own_source.{}", form), own, shape);
    }
}

void add_values(ScanCases& cases) {
    const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    const auto with = [](RaggedLayout run, Shape shape, auto change) {
        auto in = ScanCases::inputs(run, shape);
        change(in);
        return in;
    };
    const std::pair<const char*, Shape> shapes[] = {{"mamba1", mamba1(36)}, {"mamba2", mamba2(9, 16, 1, 20)}};
    for (const auto& [form, shape] : shapes) {
        const auto add = [&, f = form](const char* name, ScanCases::In in, const ops::SsmScanParams& params = {}) -> Case& {
            return cases.add(fmt::format("{}.{}", f, name), std::move(in), params);
        };
        // Every step size that exp and softplus may stumble over, one a head. D and an old state keep the result a number.
        const Fill steps = cycle({-1e4f, -100, -20, -16, 0, 19.999f, 20.001f, 88, 1e4f});
        add("dt_range", with(one_sequence(9), shape, [&](auto& in) { in.dt.fill = steps, in.dt_bias = {}; })).error_row =
            shape.head_dim > 1 ? shape.head_dim : 0;
        add("dt_range.decay", with(one_sequence(9), shape, [&](auto& in) {
                in.dt.fill = steps, in.dt_bias = {}, in.A.fill = cycle({0, -1e-8f, -16, -1e4f});
            }));
        add("dt_range.no_softplus",
            with(one_sequence(9), shape,
                 [&](auto& in) {
                     in.dt.fill = cycle({0, 1e-6f, 1e-3f, 0.5f, 3, 50}), in.dt_bias = {};
                 }),
            {.dt_softplus = 0});
        for (const float dt : {-16.0f, -12.0f, -8.0f, -4.0f, 19.999f, 20.0f, 20.001f})
            // A fresh state and no D: the result is proportional to softplus(dt), so log(1 + exp(dt)) in float32 shows.
            add(fmt::format("dt{:g}", dt).c_str(),
                with(ragged({5}, Slots::fresh), shape, [&](auto& in) { in.dt.fill = all(dt), in.dt_bias = {}, in.D = {}; }));
        add("dt_bias_range", with(one_sequence(5), shape, [&](auto& in) {
                in.dt.fill = all(0.5f), in.dt_bias.fill = cycle({-16, -3, 0, 5, 19.6f, 40});
            }));
        add("dt_limits", with(one_sequence(9), shape, [](auto&) {}), {.dt_min = 0.1f, .dt_max = 0.7f});
        add("dt_limits.no_softplus", with(one_sequence(9), shape, [](auto&) {}),
            {.dt_softplus = 0, .dt_min = 0.001f, .dt_max = 0.1f});
        add("dt_limits.equal", with(one_sequence(9), shape, [](auto&) {}), {.dt_min = 0.25f, .dt_max = 0.25f});
        for (const float a : {0.0f, -1e-8f, -1e-3f, -16.0f, -1e4f})
            add(fmt::format("A{:g}", a).c_str(), with(one_sequence(20), shape, [&](auto& in) { in.A.fill = all(a); }));
        // Where d * A overflows, before softplus or after it: the decay is 0, and its neighbours have theirs.
        add("A_infinite", with(one_sequence(6), shape, [&](auto& in) { in.A.fill = cycle({-inf, -1, -0.1f, -1e35f, -2}); }));
        add("A_positive", with(one_sequence(6), shape, [&](auto& in) { in.A.fill = uniform(0.01f, 0.5f); }));
        add("x_zero", with(one_sequence(9), shape, [](auto& in) { in.x.fill = all(0); }));
        add("x_zero.fresh", with(ragged({9}, Slots::fresh), shape, [](auto& in) { in.x.fill = all(0); }));
        add("x_tiny", with(one_sequence(9), shape, [](auto& in) {
                in.x.fill = normal().with({4, Patch::kAll, 1e-40f}).with({6, 3, 1e-45f});
            }));
        add("x_infinite", with(ragged({4, 5, 6}), shape, [&](auto& in) { in.x.fill = normal().with({5, 3, inf}); }));
        add("x_large", with(one_sequence(9), shape, [](auto& in) { in.x.fill = normal(0, 1e15f); }));
        add("B_zero", with(one_sequence(9), shape, [](auto& in) { in.B.fill = all(0); }));
        add("C_one_state", with(one_sequence(9), shape, [](auto& in) { in.C.fill = all(0).with({Patch::kAll, 15, 1}); }));
        for (const int64_t row : {0, 4, 8}) {
            add(fmt::format("nan_in_x_stays.row{}", row).c_str(),
                with(ragged({4, 5, 6}, Slots::permuted), shape, [&](auto& in) {
                    in.x.fill = normal().with({row, 7, nan});
                }));
            add(fmt::format("nan_in_dt_stays.row{}", row).c_str(),
                with(ragged({4, 5, 6}, Slots::permuted), shape, [&](auto& in) {
                    in.dt.fill = normal().with({row, 7, nan});
                }));
            add(fmt::format("nan_in_B_stays.row{}", row).c_str(),
                with(ragged({4, 5, 6}, Slots::permuted), shape, [&](auto& in) {
                    in.B.fill = normal().with({row, 3, nan});
                }));
            add(fmt::format("nan_in_C_stays.row{}", row).c_str(),
                with(ragged({4, 5, 6}, Slots::permuted), shape, [&](auto& in) {
                    in.C.fill = normal().with({row, 3, nan});
                }));
        }
        add("nan_in_state_stays", with(ragged({4, 5, 6}), shape, [&](auto& in) {
                in.state.fill = normal().with({2, 40, nan});
            }));
        Shape gated = shape;
        gated.gate = true;
        add("z_range", with(one_sequence(9), gated, [](auto& in) {
                in.z.fill = cycle({-100, -20, -1, -1e-3f, 0, 1e-3f, 1, 20, 100});
            }));
        add("z_zero", with(one_sequence(3), gated, [](auto& in) { in.z.fill = all(0); }));
    }
    // Groups that differ a hundredfold: a wrong group shows at once. Odd sizes on purpose.
    for (const int64_t n_group : {1, 2, 3, 6}) {
        auto in = ScanCases::inputs(one_sequence(7), mamba2(12, 5, n_group, 10));
        for (int64_t g = 0; g < n_group; ++g)
            in.B.fill.patches.push_back({Patch::kAll, g * 10 + 3, 3.0f * static_cast<float>(g + 1)});
        cases.add(fmt::format("mamba2.groups{}", n_group), in).error_row = 5 * 12 / n_group;
    }
    auto in = ScanCases::inputs(one_sequence(7), {.n_head = 12, .n_group = 4, .d_state = 9});
    cases.add("mamba1.groups4", in);
}

// Runs of many rows in sizes that chunked forms are made for: Mamba-2, heads of many channels and states.
void add_prompts(ScanCases& cases) {
    const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    const Shape small = mamba2(2, 32, 1, 36);
    const auto name = [](int32_t n_tok, const Shape& shape) { return fmt::format("prompt.t{}.{}", n_tok, shape.text()); };
    for (const int32_t n_tok : {64, 65, 79, 81, 95, 96, 97, 127, 128, 129, 131, 259})
        cases.add(name(n_tok, small), one_sequence(n_tok), small);
    for (const int64_t d_state : {33, 64, 65, 127, 128, 130, 256}) {
        const Shape shape = mamba2(1, 32, 1, d_state);
        cases.add(name(67, shape), one_sequence(67), shape);
    }
    for (const int64_t head_dim : {33, 48, 63, 64, 80, 128}) {
        const Shape shape = mamba2(2, head_dim, 2, 48);
        cases.add(name(66, shape), one_sequence(66), shape);
    }
    for (const int64_t n_group : {1, 8}) {
        const Shape shape = mamba2(8, 64, n_group, 128);
        cases.add(name(100, shape), one_sequence(100), shape).heavy = true;
    }
    const Shape long_run = mamba2(1, 64, 1, 128);
    cases.add(name(1000, long_run), one_sequence(1000), long_run).heavy = true;
    for (const bool bias : {false, true})
        for (const Skip skip : {Skip::none, Skip::a_number_a_head, Skip::a_number_a_channel})
            for (const bool gate : {false, true}) {
                Shape shape = mamba2(2, 32, 1, 34);
                shape.bias = bias, shape.skip = skip, shape.gate = gate;
                cases.add(fmt::format("prompt.options{}{}{}", bias ? ".bias" : "",
                                      skip == Skip::none              ? ""
                                      : skip == Skip::a_number_a_head ? ".D_head"
                                                                      : ".D_channel",
                                      gate ? ".z" : ""),
                          one_sequence(66), shape);
            }

    for (const Slots slots : {Slots::in_place, Slots::fresh, Slots::forked, Slots::permuted, Slots::nowhere}) {
        const std::string what = name_of(slots);
        cases.add("prompt.b4.empty." + what, ragged({70, 0, 1, 33}, slots), small);
        cases.add("prompt.b3.even." + what, ragged({32, 16, 64}, slots), small);
        if (slots == Slots::forked) continue;
        cases.add("prompt.snapshot.ends." + what, ragged({80, 17}, slots).snapshot(0).snapshot(79).snapshot(80).snapshot(-1),
                  small);
        cases.add("prompt.snapshot.middle." + what,
                  ragged({97, 30}, slots).snapshot(15).snapshot(16).snapshot(31).snapshot(32).snapshot(70).snapshot(112),
                  small);
    }

    const auto add = [&](const char* what, RaggedLayout run, auto change, const ops::SsmScanParams& params = {}) -> Case& {
        auto in = ScanCases::inputs(run, mamba2(3, 32, 1, 40));
        change(in);
        return cases.add(fmt::format("prompt.{}", what), std::move(in), params);
    };
    const RaggedLayout one = one_sequence(70), three = ragged({11, 33, 20}, Slots::permuted);
    // Three heads and eight steps: every head meets every step.
    const Fill steps = cycle({-1e4f, -100, -16, 0, 19.999f, 20.001f, 88, 1e4f});
    add("dt_range", one, [&](auto& in) { in.dt.fill = steps, in.dt_bias = {}; });
    add("dt_range.decay", one, [&](auto& in) { in.dt.fill = steps, in.dt_bias = {}, in.A.fill = cycle({-1e-8f, -16, -1e4f}); });
    add("dt_range.no_softplus", one,
        [](auto& in) {
            in.dt.fill = cycle({0, 1e-6f, 1e-3f, 0.5f, 3, 50, 1e4f}), in.dt_bias = {};
        },
        {.dt_softplus = 0});
    for (const float a : {0.0f, -1e-8f, -1e-3f, -16.0f, -1e4f})
        add(fmt::format("A{:g}", a).c_str(), one, [&](auto& in) { in.A.fill = all(a); });
    add("A_infinite", one, [&](auto& in) { in.A.fill = cycle({-inf, -0.1f, -1e35f}); });
    add("A_infinite.no_step", one,
        [&](auto& in) {
            in.A.fill = cycle({-1, -inf}), in.dt.fill = normal(-1, 1).with({20, 1, 0}), in.dt_bias = {};
        },
        {.dt_softplus = 0, .dt_min = 0});
    add("A_positive", one, [](auto& in) { in.A.fill = uniform(0.01f, 0.3f); });
    add("x_zero", ragged({70}, Slots::fresh), [](auto& in) { in.x.fill = all(0); });
    add("x_tiny", one, [](auto& in) { in.x.fill = normal().with({4, Patch::kAll, 1e-40f}).with({66, 3, 1e-45f}); });
    add("x_large", one, [](auto& in) { in.x.fill = normal(0, 1e15f); });
    add("x_infinite", three, [&](auto& in) { in.x.fill = normal().with({30, 3, inf}); });
    add("B_infinite", three, [&](auto& in) { in.B.fill = normal().with({30, 3, inf}); });
    add("C_infinite", three, [&](auto& in) { in.C.fill = normal().with({30, 3, -inf}); });
    add("dt_infinite", three, [&](auto& in) { in.dt.fill = normal().with({30, 2, inf}); });
    // Each fits, and so does what the recurrence makes of them; their product is beyond float32.
    add("B_and_C_huge", one,
        [](auto& in) { in.B.fill = normal(0, 1e25f), in.C.fill = normal(0, 1e25f), in.x.fill = normal(0, 1e-25f), in.D = {}; });
    add("B_zero", one, [](auto& in) { in.B.fill = all(0); });
    add("C_one_state", one, [](auto& in) { in.C.fill = all(0).with({Patch::kAll, 35, 1}); });
    for (const int64_t row : {11, 30, 43}) {
        add(fmt::format("nan_in_x_stays.row{}", row).c_str(), three, [&](auto& in) {
            in.x.fill = normal().with({row, 70, nan});
        });
        add(fmt::format("nan_in_dt_stays.row{}", row).c_str(), three, [&](auto& in) {
            in.dt.fill = normal().with({row, 2, nan});
        });
        add(fmt::format("nan_in_B_stays.row{}", row).c_str(), three, [&](auto& in) {
            in.B.fill = normal().with({row, 3, nan});
        });
        add(fmt::format("nan_in_C_stays.row{}", row).c_str(), three, [&](auto& in) {
            in.C.fill = normal().with({row, 3, nan});
        });
    }
    add("nan_in_state_stays", ragged({11, 33, 20}), [&](auto& in) { in.state.fill = normal().with({2, 40, nan}); });
    add("inf_in_state_stays", ragged({11, 33, 20}), [&](auto& in) { in.state.fill = normal().with({2, 40, inf}); });
}

void add_refusals(ScanCases& cases) {
    const Shape shape = mamba2(4, 3, 2, 8);
    const auto with = [&](auto change) {
        RaggedLayout run = ragged({3, 4}).snapshot(2);
        change(run);
        return ScanCases::inputs(run, shape);
    };
    const auto changed = [&](auto change) {
        auto in = ScanCases::inputs(ragged({3, 4}), shape);
        change(in);
        return in;
    };
    cases.add_illegal("src_end", with([](auto& run) { run.src[0] = run.n_slots; }), {"src_slot[0]", "-1 (fresh)"});
    cases.add_illegal("src_minus2", with([](auto& run) { run.src[1] = -2; }), {"src_slot[1] = -2"});
    cases.add_illegal("dst_end", with([](auto& run) { run.dst[1] = 99; }), {"dst_slot[1] = 99"});
    cases.add_illegal("dst_twice", with([](auto& run) { run.dst = {3, 3}; }), {"dst_slot[1]", "slot 3", "twice"});
    cases.add_illegal("dst_read_by_other", with([](auto& run) {
                          run.src = {1, 2}, run.dst = {2, 3};
                      }),
                      {"dst_slot[0]", "slot 2", "another sequence"});
    cases.add_illegal("dst_of_forked_source", with([](auto& run) {
                          run.src = {1, 1}, run.dst = {1, 3};
                      }),
                      {"dst_slot[0]", "slot 1", "another sequence"});
    cases.add_illegal("snapshot_row", with([](auto& run) { run.snapshots[0] = 7; }), {"snapshots[0]", "row 7"});
    cases.add_illegal("snapshot_slot", with([](auto& run) { run.snapshots[1] = -1; }), {"snapshots[0]", "slot -1"});
    cases.add_illegal("snapshot_on_dst", with([](auto& run) { run.snapshots[1] = run.dst[1]; }), {"snapshots[0]", "twice"});
    cases.add_illegal("snapshot_twice", with([](auto& run) { run.snapshots = {1, 0, 2, 0}; }), {"snapshots[1]", "twice"});
    cases.add_illegal("start_descends", with([](auto& run) { run.start = {0, 8, 7}; }), {"seq_start[1] = 8"});
    cases.add_illegal("start_end", changed([](auto& in) { in.seq_start = index({0, 3, 6}); }), {"seq_start", "7"});
    cases.add_illegal("starts", changed([](auto& in) { in.seq_start = index({0, 7}); }), {"'seq_start'", "[3]"});
    cases.add_illegal("slots_type", changed([](auto& in) { in.src_slot = f32({2}); }), {"'src_slot'", "I32"});
    cases.add_illegal("dt", changed([](auto& in) { in.dt = f32({7, 5}); }), {"'dt'", "[7, 4]"});
    cases.add_illegal("dt_bias", changed([](auto& in) { in.dt_bias = f32({5}); }), {"'dt_bias'", "[4]"});
    cases.add_illegal("A_rows", changed([](auto& in) { in.A = f32({5, 1}); }), {"'A'", "[4, 8]"});
    cases.add_illegal("A_states", changed([](auto& in) { in.A = f32({4, 7}); }), {"'A'", "[4, 1]"});
    cases.add_illegal("groups", changed([](auto& in) { in.B = f32({7, 3, 8}), in.C = f32({7, 3, 8}); }), {"'B'", "4 heads"});
    cases.add_illegal("C", changed([](auto& in) { in.C = f32({7, 2, 9}); }), {"'C'", "[7, 2, 8]"});
    cases.add_illegal("D", changed([](auto& in) { in.D = f32({4, 2}); }), {"'D'", "[4, 3]"});
    cases.add_illegal("z", changed([](auto& in) { in.z = f32({7, 4, 4}); }), {"'z'", "[7, 4, 3]"});
    cases.add_illegal("state", changed([](auto& in) { in.state = state({5, 4, 3, 9}); }), {"'state'", "[5, 4, 3, 8]"});
    cases.add_illegal("dt_limits", changed([](auto&) {}), {"dt_min", "dt_max"}, {.dt_min = 1, .dt_max = 0.5f});
    cases.add_illegal("no_A", changed([](auto& in) { in.A = {}; }), {"'A'", "missing"});
}

}  // namespace

void add_ssm_scan_cases(CaseList& list) {
    ScanCases cases(list);
    add_sizes(cases);
    add_sequences(cases);
    add_values(cases);
    add_prompts(cases);
    add_refusals(cases);
}

}  // namespace krait::harness
