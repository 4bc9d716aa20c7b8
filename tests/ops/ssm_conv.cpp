// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "tests/harness/case.hpp"
#include "tests/harness/ragged_layout.hpp"

namespace krait::harness {
namespace {

void evaluate(const ops::SsmConv::In<Values>& in, const ops::SsmConvParams& params,
              const ops::SsmConv::Out<std::vector<double>*>& out, SlotStates& states) {
    const int64_t channels = in.x.extent(1), d_conv = in.w.extent(1);
    for (int64_t b = 0; b < in.src_slot.extent(0); ++b) {
        const int64_t first = in.seq_start.id(b), end = in.seq_start.id(b + 1);
        const std::vector<double> past = states.start(in.src_slot.id(b));
        // u[r]: row r of the sequence; the rows before it are those of the state, the newest last.
        const auto u = [&](int64_t r, int64_t c) {
            return r < 0 ? past[static_cast<size_t>((r + d_conv - 1) * channels + c)] : in.x.at(first + r, c);
        };
        for (int64_t r = 0; r < end - first; ++r)
            for (int64_t c = 0; c < channels; ++c) {
                double sum = in.bias ? in.bias.at(c) : 0.0;
                for (int64_t j = 0; j < d_conv; ++j) sum += in.w.at(c, j) * u(r - (d_conv - 1) + j, c);
                (*out.y)[static_cast<size_t>((first + r) * channels + c)] =
                    params.activation == ops::Activation::silu ? sum / (1 + std::exp(-sum)) : sum;
            }
        const auto keep = [&](int32_t slot, int64_t length) {
            std::vector<double>& state = states.after[slot];
            for (int64_t j = 0; j < d_conv - 1; ++j)
                for (int64_t c = 0; c < channels; ++c) state.push_back(u(length - (d_conv - 1) + j, c));
        };
        if (in.dst_slot.id(b) >= 0) keep(in.dst_slot.id(b), end - first);
        for (int64_t s = 0; in.snapshots && s < in.snapshots.extent(0); ++s)
            if (const int32_t row = in.snapshots.id(2 * s); row >= first && row < end)
                keep(in.snapshots.id(2 * s + 1), row - first + 1);
    }
}

struct Shape {
    int64_t channels = 17, d_conv = 4;
    bool bias = true;
    ops::Activation activation = ops::Activation::silu;
};

class ConvCases {
  public:
    explicit ConvCases(CaseList& list) : op_(list.op<ops::SsmConv, evaluate>()) {}

    static ops::SsmConv::In<Operand> inputs(const RaggedLayout& run, const Shape& shape) {
        ops::SsmConv::In<Operand> in{.x = f32({run.n_tok(), shape.channels}),
                                     .w = f32({shape.channels, shape.d_conv}, normal(0, 0.5f)),
                                     .state = state({run.n_slots, shape.d_conv - 1, shape.channels}),
                                     .seq_start = run.seq_start(),
                                     .src_slot = run.src_slot(),
                                     .dst_slot = run.dst_slot(),
                                     .snapshots = run.snapshot_pairs()};
        if (shape.bias) in.bias = f32({shape.channels}, normal(0, 0.5f));
        return in;
    }

    Case& add(std::string name, const RaggedLayout& run, const Shape& shape) {
        return add(std::move(name), inputs(run, shape), shape);
    }
    Case& add(std::string name, const ops::SsmConv::In<Operand>& in, const Shape& shape) {
        Case& added = op_.add(std::move(name), in, {shape.activation});
        added.flops = 2.0 * static_cast<double>(in.x.desc.extent[0] * shape.channels * shape.d_conv);
        // The few taps of one channel may cancel by chance: narrow rows are judged together.
        if (shape.channels < 16) added.error_row = std::max<int64_t>(element_count(in.x.desc), 1);
        return added;
    }
    void add_illegal(std::string name, const ops::SsmConv::In<Operand>& in, std::vector<std::string> words,
                     int32_t activation = 1) {
        op_.add_illegal(std::move(name), in, {static_cast<ops::Activation>(activation)}, std::move(words));
    }

  private:
    OpCases<ops::SsmConv, evaluate> op_;
};

void add_sizes(ConvCases& cases) {
    for (const int32_t n_tok : {1, 2, 3, 4, 31, 32, 33, 513})
        for (const int64_t d_conv : {2, 3, 4, 5})
            for (const int64_t channels : {1, 17, 128, 130})
                cases.add(fmt::format("t{}.c{}.k{}", n_tok, channels, d_conv), one_sequence(n_tok),
                          {.channels = channels, .d_conv = d_conv});
    for (const int32_t n_tok : {1, 3, 33})
        cases.add(fmt::format("t{}.c5120.k4", n_tok), one_sequence(n_tok), {.channels = 5120});
    for (const int32_t n_tok : {1, 5, 17, 64}) {
        cases.add(fmt::format("t{}.c33.k1", n_tok), one_sequence(n_tok), {.channels = 33, .d_conv = 1});
        cases.add(fmt::format("t{}.c33.k9", n_tok), one_sequence(n_tok), {.channels = 33, .d_conv = 9});
        for (const bool bias : {false, true})
            for (const auto activation : {ops::Activation::none, ops::Activation::silu})
                cases.add(fmt::format("t{}.c48.k4.{}{}", n_tok, bias ? "bias." : "",
                                      activation == ops::Activation::silu ? "silu" : "none"),
                          one_sequence(n_tok), {.channels = 48, .bias = bias, .activation = activation});
    }
    cases.add("t513.c1000.k4", one_sequence(513), {.channels = 1000}).heavy = true;
}

void add_sequences(ConvCases& cases) {
    std::vector<int32_t> many;
    for (int32_t b = 0; b < 32; ++b) many.push_back(b * 7 % 5);
    const std::pair<const char*, std::vector<int32_t>> runs[] = {{"b2", {5, 9}},
                                                                 {"b2.short", {1, 2}},
                                                                 {"b3.empty", {4, 0, 7}},
                                                                 {"b3.long", {40, 1, 33}},
                                                                 {"b3.no_rows", {0, 0, 0}},
                                                                 {"b8.decode", {1, 1, 1, 1, 1, 1, 1, 1}},
                                                                 {"b32", many}};
    for (const auto& [name, lengths] : runs)
        for (const Slots slots : {Slots::in_place, Slots::fresh, Slots::forked, Slots::permuted, Slots::nowhere})
            for (const int64_t d_conv : {2, 4})
                cases.add(fmt::format("{}.{}.k{}", name, name_of(slots), d_conv), ragged(lengths, slots),
                          {.channels = 19, .d_conv = d_conv});
    // Snapshots at the first, a middle and the last row, before d_conv - 1 rows are there, and unused pairs.
    for (const int64_t d_conv : {1, 2, 4, 5})
        for (const Slots slots : {Slots::in_place, Slots::fresh, Slots::permuted, Slots::nowhere}) {
            const std::string what = fmt::format("{}.k{}", name_of(slots), d_conv);
            const Shape shape{.channels = 19, .d_conv = d_conv};
            cases.add("snapshot.first." + what, ragged({9}, slots).snapshot(0), shape);
            cases.add("snapshot.last." + what, ragged({9}, slots).snapshot(8), shape);
            cases.add("snapshot.several." + what,
                      ragged({9, 0, 6}, slots).snapshot(0).snapshot(1).snapshot(-1).snapshot(8).snapshot(9).snapshot(12),
                      shape);
            cases.add("snapshot.unused." + what, ragged({4}, slots).snapshot(-1).snapshot(-1), shape);
        }
    for (const int32_t n_tok : {32, 33, 65})
        cases.add(fmt::format("snapshot.long.t{}", n_tok), one_sequence(n_tok).snapshot(15).snapshot(16).snapshot(31),
                  {.channels = 35});
    // A slot that its own sequence reads may take a snapshot.
    RaggedLayout own = ragged({6});
    own.dst = {2};
    own.snapshots = {3, 1};
    cases.add("snapshot.own_source", own, {.channels = 19});
}

void add_values(ConvCases& cases) {
    const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    const auto with = [](RaggedLayout run, Shape shape, auto change) {
        auto in = ConvCases::inputs(run, shape);
        change(in);
        return in;
    };
    const Shape shape{.channels = 19};
    for (const float size : {100.0f, 30.0f, 1e-3f}) {
        cases.add(fmt::format("preactivation{:g}", size),
                  with(one_sequence(9), shape,
                       [&](auto& in) {
                           in.w.fill = all(0).with({Patch::kAll, 3, 1});
                           in.x.fill = uniform(-size, size);
                           in.bias = {};
                       }),
                  shape);
        cases.add(fmt::format("preactivation{:g}.both_ends", size),
                  with(one_sequence(9), shape,
                       [&](auto& in) {
                           in.w.fill = all(0).with({Patch::kAll, 3, 1});
                           in.x.fill = cycle({size, -size, size / 2});
                           in.bias = {};
                       }),
                  shape);
    }
    for (const int64_t tap : {0, 1, 2, 3})
        cases.add(fmt::format("one_tap{}", tap),
                  with(ragged({5, 2}, Slots::permuted), shape,
                       [&](auto& in) {
                           in.w.fill = all(0).with({Patch::kAll, tap, 1});
                       }),
                  shape);
    cases.add("zero",
              with(one_sequence(9), shape, [](auto& in) { in.x.fill = all(0), in.state.fill = all(0), in.bias.fill = all(0); }),
              shape);
    for (const int64_t row : {0, 4, 8})
        cases.add(fmt::format("nan_stays.row{}", row),
                  with(ragged({4, 5, 6}, Slots::permuted), shape,
                       [&](auto& in) {
                           in.x.fill = normal().with({row, 7, nan});
                       }),
                  shape);
    cases.add("infinite_stays",
              with(ragged({4, 5, 6}), shape,
                   [&](auto& in) {
                       in.x.fill = normal().with({5, 7, inf});
                       in.w.fill = uniform(0.5f, 1);
                   }),
              shape);
    cases.add("nan_in_state_stays",
              with(ragged({4, 5, 6}), shape,
                   [&](auto& in) {
                       in.state.fill = normal().with({2, 3, nan});
                   }),
              shape);
}

void add_refusals(ConvCases& cases) {
    const Shape shape{.channels = 8};
    const auto with = [&](auto change) {
        RaggedLayout run = ragged({3, 4}).snapshot(2);
        change(run);
        return ConvCases::inputs(run, shape);
    };
    const auto changed = [&](auto change) {
        auto in = ConvCases::inputs(ragged({3, 4}), shape);
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
    cases.add_illegal("snapshot_row", with([](auto& run) { run.snapshots[0] = 7; }), {"snapshots[0]", "row 7"});
    cases.add_illegal("snapshot_row_negative", with([](auto& run) { run.snapshots[0] = -2; }), {"snapshots[0]", "row -2"});
    cases.add_illegal("snapshot_slot", with([](auto& run) { run.snapshots[1] = run.n_slots; }), {"snapshots[0]", "slot"});
    cases.add_illegal("snapshot_on_dst", with([](auto& run) { run.snapshots[1] = run.dst[0]; }), {"snapshots[0]", "twice"});
    cases.add_illegal("snapshot_on_other_source", with([](auto& run) { run.src[1] = 0, run.snapshots[1] = 0; }),
                      {"snapshots[0]", "another sequence"});
    cases.add_illegal("start_descends", with([](auto& run) { run.start = {0, 8, 7}; }), {"seq_start[1] = 8"});
    cases.add_illegal("start_not_zero", with([](auto& run) { run.start = {1, 3, 7}; }), {"seq_start", "from 0"});
    cases.add_illegal("start_end", changed([](auto& in) { in.seq_start = index({0, 3, 6}); }), {"seq_start", "7"});
    cases.add_illegal("starts", changed([](auto& in) { in.seq_start = index({0, 7}); }), {"'seq_start'", "[3]"});
    cases.add_illegal("dsts", changed([](auto& in) { in.dst_slot = index({1}); }), {"'dst_slot'", "[2]"});
    cases.add_illegal("snapshots_shape", changed([](auto& in) {
                          in.snapshots = index({1, 2});
                      }),
                      {"'snapshots'", "n_snapshot"});
    cases.add_illegal("w", changed([](auto& in) { in.w = f32({9, 4}); }), {"'w'", "[8"});
    cases.add_illegal("bias", changed([](auto& in) { in.bias = f32({9}); }), {"'bias'", "[8]"});
    cases.add_illegal("state", changed([](auto& in) { in.state = state({5, 4, 8}); }), {"'state'", "[5, 3, 8]"});
    // Functions of core/ops/activation.hpp that the convolution does not have, and one that is none.
    for (const int32_t activation : {-1, 2, 3, 4, 5, 6})
        cases.add_illegal(fmt::format("activation{}", activation), changed([](auto&) {}),
                          {fmt::format("activation {}", activation), "0 (none) and 1 (silu)"}, activation);
    cases.add_illegal("no_state", changed([](auto& in) { in.state = {}; }), {"'state'", "missing"});
}

}  // namespace

void add_ssm_conv_cases(CaseList& list) {
    ConvCases cases(list);
    add_sizes(cases);
    add_sequences(cases);
    add_values(cases);
    add_refusals(cases);
}

}  // namespace krait::harness
