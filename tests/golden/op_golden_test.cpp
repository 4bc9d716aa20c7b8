// SPDX-License-Identifier: Apache-2.0
//
// Single operators against numbers that PyTorch computed in double (op_golden/, README.md): above all the oracle, which every
// other test trusts; and every other device that runs the op.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <sstream>

#include "tests/golden/npy.hpp"
#include "tests/harness/ragged_layout.hpp"
#include "tests/harness/runner.hpp"
#include "tests/harness/suite.hpp"
#include "tests/main/paths.hpp"

namespace krait::harness {
namespace {

// The results are in files.
template <class Op>
void no_formula(const typename Op::template In<Values>&, const typename Op::Params&,
                const typename Op::template Out<std::vector<double>*>&) {}

// One line of cases.txt, with its operands read on demand.
class GoldenCase {
  public:
    explicit GoldenCase(const std::string& line) {
        std::istringstream words(line);
        words >> name >> op;
        for (std::string word; words >> word;) params[word.substr(0, word.find('='))] = word.substr(word.find('=') + 1);
    }
    std::string path(const std::string& operand) const {
        return std::string(test::kGoldenFolder) + "/op_golden/" + name + "." + operand + ".npy";
    }
    bool has(const std::string& operand) const { return std::filesystem::exists(path(operand)); }
    // Absent where there is no file.
    Operand read(const std::string& operand) const {
        if (!has(operand)) return {};
        std::vector<int64_t> shape;
        std::vector<float> values = test::read_npy<float>(path(operand), &shape);
        return {.desc = make_desc(DType::F32, shape), .fill = cycle(std::move(values)), .ids = {}, .as_constant = false};
    }
    std::vector<double> result(const std::string& operand) const { return test::read_npy<double>(path(operand)); }
    float number(const std::string& key) const { return std::stof(params.at(key)); }

    std::string name, op;
    std::map<std::string, std::string> params;
};

std::vector<GoldenCase> golden_cases() {
    std::ifstream file(std::string(test::kGoldenFolder) + "/op_golden/cases.txt");
    std::vector<GoldenCase> cases;
    for (std::string line; std::getline(file, line);) cases.emplace_back(line);
    return cases;
}

// The pool of one sequence: slot 1 holds state_in where there is one, and takes the result.
template <class In>
void add_state(const GoldenCase& golden, In& in, std::initializer_list<int64_t> slot) {
    const RaggedLayout run =
        ragged({static_cast<int32_t>(in.x.desc.extent[0])}, golden.has("state_in") ? Slots::in_place : Slots::fresh);
    in.seq_start = run.seq_start(), in.src_slot = run.src_slot(), in.dst_slot = run.dst_slot();
    std::vector<int64_t> extents{run.n_slots};
    extents.insert(extents.end(), slot.begin(), slot.end());
    in.state = {.desc = make_desc(DType::F32, extents), .fill = all(0), .ids = {}, .as_constant = false};
    if (golden.has("state_in")) in.state.fill = golden.read("state_in").fill;  // repeats: the same in every slot
}

const Case& make_case(const GoldenCase& golden, CaseList& list) {
    if (golden.op == "ssm_scan") {
        ops::SsmScan::In<Operand> in;
        in.x = golden.read("x"), in.dt = golden.read("dt"), in.dt_bias = golden.read("dt_bias"), in.A = golden.read("a");
        in.B = golden.read("b"), in.C = golden.read("c"), in.D = golden.read("d"), in.z = golden.read("z");
        add_state(golden, in, {in.x.desc.extent[1], in.x.desc.extent[2], in.B.desc.extent[2]});
        return list.op<ops::SsmScan, no_formula<ops::SsmScan>>().add(
            golden.name, in, {.dt_softplus = 1, .dt_min = golden.number("dt_min"), .dt_max = golden.number("dt_max")});
    }
    if (golden.op == "ssm_conv") {
        ops::SsmConv::In<Operand> in;
        in.x = golden.read("x"), in.w = golden.read("w"), in.bias = golden.read("bias");
        add_state(golden, in, {in.w.desc.extent[1] - 1, in.w.desc.extent[0]});
        return list.op<ops::SsmConv, no_formula<ops::SsmConv>>().add(
            golden.name, in, {golden.params.at("activation") == "silu" ? ops::Activation::silu : ops::Activation::none});
    }
    if (golden.op == "rms_norm")
        return list.op<ops::RmsNorm, no_formula<ops::RmsNorm>>().add(
            golden.name, {.x = golden.read("x"), .weight = golden.read("weight")},
            {golden.number("eps"), std::stoi(golden.params.at("groups"))});
    if (golden.op == "mul_mat")
        return list.op<ops::MulMat, no_formula<ops::MulMat>>().add(
            golden.name,
            {.x = golden.read("x"), .w = golden.read("w"), .bias = golden.read("bias"), .residual = golden.read("residual")});
    const Operand x = golden.read("x");
    const int64_t n = x.desc.extent[0];
    if (golden.op == "silu") {
        Operand row = x;
        row.desc = make_desc(DType::F32, {1, n});
        return list.op<ops::SiluMul, no_formula<ops::SiluMul>>().add(golden.name, {.a = row, .b = f32({1, n}, all(1))});
    }
    // softplus: what a scan of one token with one state a head gives where nothing decays and all else is 1.
    EXPECT_EQ(golden.op, "softplus");
    const RaggedLayout run = ragged({1}, Slots::fresh);
    ops::SsmScan::In<Operand> in;
    in.x = f32({1, n, 1}, all(1)), in.dt = f32({1, n}, x.fill), in.A = f32({n, 1}, all(0)),
    in.B = in.C = f32({1, 1, 1}, all(1));
    in.state = f32({run.n_slots, n, 1, 1}, all(0)), in.seq_start = run.seq_start(), in.src_slot = run.src_slot(),
    in.dst_slot = run.dst_slot();
    return list.op<ops::SsmScan, no_formula<ops::SsmScan>>().add(golden.name, in);
}

class OpGolden : public testing::TestWithParam<std::string> {};

TEST_P(OpGolden, AgreesWithPyTorch) {
    auto opened = Device::open(GetParam());
    ASSERT_TRUE(opened) << opened.error().message;
    const std::shared_ptr<const Device> device = *opened;
    CaseList list;
    size_t n_run = 0;
    for (const GoldenCase& golden : golden_cases()) {
        SCOPED_TRACE(golden.name);
        const Case& of = make_case(golden, list);
        const auto data = materialize(of);
        ASSERT_TRUE(data) << data.error().message;
        if (BoundCase::declined(*device, of, *data)) continue;
        Expected expected;
        expected.out[0] = golden.result("y");
        if (of.memory_operand() >= 0)
            expected.states[1] = golden.has("state_out") ? golden.result("state_out") : expected.out[0];
        const auto resources = Resources::create(device, of, *data, false);
        ASSERT_TRUE(resources) << resources.error().message;
        auto queue = device->create_queue();
        ASSERT_TRUE(queue);
        ASSERT_TRUE(import_memory(*queue, *resources, data->memory));
        auto bound = BoundCase::create(*resources, of, *data, Layout::views);
        ASSERT_TRUE(bound) << bound.error().message;
        const auto observed = bound->run(*data);
        ASSERT_TRUE(observed) << observed.error().message;
        const auto same = check_observed(of, *data, expected, *observed, *device);
        EXPECT_TRUE(same) << same.error().message;
        ++n_run;
    }
    if (n_run == 0) GTEST_SKIP() << "unsupported: the device declines every op";
    EXPECT_EQ(n_run, golden_cases().size());
}

INSTANTIATE_TEST_SUITE_P(Every, OpGolden, testing::ValuesIn(all_device_specs()),
                         [](const auto& test) { return test::as_identifier(test.param); });

TEST(OpGolden, AreAllThere) { EXPECT_GE(golden_cases().size(), 18u); }

}  // namespace
}  // namespace krait::harness
