// SPDX-License-Identifier: Apache-2.0
//
// The harness itself: it must find every defect of the broken backend (broken/), name it, and pass the same backend without.
#include <gtest/gtest.h>

#include <set>

#include "tests/harness/compare.hpp"
#include "tests/harness/effort.hpp"
#include "tests/harness/exclusions.hpp"
#include "tests/harness/ragged_layout.hpp"
#include "tests/harness/subnormals.hpp"
#include "tests/harness/suite.hpp"
#include "tests/harness/tolerance.hpp"
#include "tests/main/paths.hpp"

namespace krait::harness {
namespace {

Oracle& shared_oracle() {
    static Oracle oracle;
    return oracle;
}

Summary run_broken(const std::string& defect, const std::string& op, const std::string& cases = "*") {
    PluginRegistry::instance().add_folder(test::kBrokenPlugin);
    const std::string spec = "broken:defect=" + defect;
    const auto device = Device::open(spec);
    EXPECT_TRUE(device) << device.error().message;
    if (!device) return {};
    return run_suite(Runner(*device, spec, shared_oracle()), select({.op = op, .cases = cases, .quick = true}), 1);
}

struct Defect {
    const char* name;
    const char* op;
    const char* words;  // of a failure's text
    const char* cases = "*";
};

std::ostream& operator<<(std::ostream& out, const Defect& defect) { return out << defect.name << " in " << defect.op; }

class FindsTheDefect : public testing::TestWithParam<Defect> {};

TEST_P(FindsTheDefect, AndNamesIt) {
    const Defect& defect = GetParam();
    const Summary summary = run_broken(defect.name, defect.op, defect.cases);
    ASSERT_FALSE(summary.ok()) << "nothing was found";
    size_t named = 0;
    for (const std::string& failure : summary.failures) {
        named += failure.find(defect.words) != std::string::npos;
        EXPECT_NE(failure.find(
                      fmt::format("rerun: krait test-ops --device broken:defect={} --op {} --case '", defect.name, defect.op)),
                  std::string::npos)
            << failure;
    }
    EXPECT_GT(named, 0u) << "no failure says '" << defect.words << "'; the first: " << summary.failures.front();
}

constexpr const char* kNotAResult = "a byte that is no result's was written";
constexpr const char* kAgain = "the same run again differs";

INSTANTIATE_TEST_SUITE_P(
    Broken, FindsTheDefect,
    testing::Values(
        Defect{"leaves_the_last", "add", "got nan"}, Defect{"leaves_the_last", "argmax", "got 214"},
        Defect{"writes_behind", "rms_norm", kNotAResult}, Defect{"writes_behind", "top_k", kNotAResult},
        Defect{"copies_behind", "scale", kNotAResult}, Defect{"writes_before", "mul_mat", kNotAResult, "Q8_0.t3.*"},
        Defect{"writes_an_input", "ssm_scan", kNotAResult, "mamba1.t*.h19"}, Defect{"writes_an_input", "silu_mul", "'a'"},
        Defect{"unsteady", "softmax", kAgain}, Defect{"unsteady", "ssm_conv", kAgain, "t3.*"},
        Defect{"ignores_stride", "copy", "[views]"}, Defect{"ignores_stride", "mul_mat", "[views]", "F32.*"},
        Defect{"ignores_stride", "ssm_scan", "[views]", "mamba2.t*.h4"}, Defect{"keeps_first_indices", "get_rows", "[views]"},
        Defect{"keeps_first_indices", "ssm_conv", "[views]", "b2.*"},
        Defect{"keeps_first_indices", "ssm_scan", "[views]", "mamba1.b*"},
        Defect{"slightly_off", "ssm_scan", "NMSE 1e-08", "mamba2.*"}, Defect{"slightly_off", "scale", "NMSE 1e-08"},
        Defect{"slightly_off", "mul", "exactly"}, Defect{"one_wrong_row", "mul_mat", "NMSE", "Q4_K.*"},
        Defect{"drops_the_last_term", "mul_mat", "NMSE", "*.k8192"}, Defect{"drops_the_last_term", "mul_mat", "NMSE", "F16.*"},
        Defect{"swaps_taps", "ssm_conv", "y: "}, Defect{"forgets_on_short_runs", "ssm_conv", "state of slot"},
        Defect{"repeats_groups", "ssm_scan", "y: ", "mamba2.groups3"},
        Defect{"repeats_groups", "ssm_scan", "y: ", "mamba2.t5*"}, Defect{"plain_softplus", "ssm_scan", "NMSE", "mamba1.dt-16"},
        Defect{"reads_slot_0_when_fresh", "ssm_scan", "nan", "*.fresh*"},
        Defect{"snapshots_late", "ssm_scan", "state of slot", "snapshot.*"},
        Defect{"spoils_the_source", "ssm_scan", "which this run must not write"},
        Defect{"leaks_nan", "ssm_scan", "got nan", "*nan_in_x*"},
        Defect{"rounds_the_state", "ssm_scan", "state of slot", "mamba1.t7.h19"},
        Defect{"squares_in_float32", "rms_norm", "size1e+19"}, Defect{"squares_in_float32", "l2_norm", "size1e+19"},
        Defect{"cancels_in_the_tail", "activate", "NMSE", "gelu.a-*"},
        Defect{"cancels_in_the_tail", "activate", "NMSE", "gelu.tail"},
        Defect{"takes_the_last_of_equals", "argmax", "tie_with"}, Defect{"keeps_first_indices", "kv_write", "[views]", "*.e34"},
        Defect{"keeps_first_indices", "mul_mat_experts", "[views]", "F32.*"},
        Defect{"one_wrong_row", "mul_mat_experts", "NMSE", "Q4_K.*"},
        Defect{"clamps_experts", "mul_mat_experts", "expected 0", "Q8_0.*"},
        Defect{"ignores_stride", "combine_experts", "[views]"}, Defect{"forgets_the_bias", "route_experts", "ids: ", "*bias*"},
        Defect{"forgets_the_groups", "route_experts", "ids: ", "*groups*"},
        Defect{"spoils_the_next_row", "kv_write", "which this run must not write"},
        Defect{"flushes_subnormals", "kv_write", "row 0", "F16.half_subnormals"},
        Defect{"loses_payloads", "kv_write", "row 0", "F32.nan_payloads"},
        Defect{"keeps_first_indices", "attention", "[views]", "F16.prompt*"},
        Defect{"ignores_the_window", "attention", "NMSE", "*.window7.*"},
        Defect{"ignores_the_window", "attention", "got nan", "*.nan_before_it"},
        Defect{"takes_the_first_values", "attention", "NMSE", "*.keys*"},
        Defect{"misses_the_last_place", "attention", "NMSE", "F32.length1100"},
        Defect{"takes_pages_in_order", "attention", "y: ", "F32.page16.*"},
        Defect{"rounds_otherwise_in_prompts", "attention", "in chunks", "F16.prompt7"},
        Defect{"swaps_the_pairings", "rope", "NMSE", "*.dim64"}, Defect{"rounds_positions", "rope", "NMSE", "*.base10000"},
        Defect{"ignores_factors", "rope", "NMSE", "*.factors*"}),
    [](const auto& test) { return fmt::format("{}_{}_{}", test.param.op, test.param.name, test.index); });

TEST(Harness, PassesTheSameBackendWithoutADefect) {
    for (const OpSpec& spec : kOps) {
        if (multiplies_weights(spec.id)) continue;  // many: a few formats below
        const Summary summary = run_broken("none", spec.name);
        EXPECT_TRUE(summary.ok()) << summary.failures.front();
    }
    for (const char* op : {"mul_mat", "mul_mat_experts"}) {
        const Summary summary = run_broken("none", op, "Q5_*");
        EXPECT_TRUE(summary.ok()) << summary.failures.front();
    }
}

TEST(Harness, CountsWhatIsDeclinedWithItsReason) {
    const Summary summary = run_broken("declines", "softmax");
    ASSERT_EQ(summary.ops.size(), 1u);
    EXPECT_TRUE(summary.ok());
    EXPECT_GT(summary.ops[0].n_unsupported, 50u);
    ASSERT_EQ(summary.ops[0].reasons.size(), 1u) << summary.ops[0].reasons.begin()->first;
    EXPECT_NE(summary.ops[0].reasons.begin()->first.find("too hard for this device"), std::string::npos);
    // Shapes that no device may take are refused before the device is asked.
    EXPECT_GT(summary.ops[0].n_passed, 0u);
}

TEST(Harness, EveryOpHasManyCasesWithNamesOfTheirOwn) {
    for (const OpSpec& spec : kOps) {
        std::set<std::string> names;
        size_t n_illegal = 0;
        for (const auto& of : cases_of(spec.id).all()) {
            EXPECT_TRUE(names.insert(of->name).second) << of->name;
            EXPECT_EQ(of->name.find_first_of(" '\"$*?"), std::string::npos) << of->name << ": a name must stand in a command";
            n_illegal += !of->legal();
        }
        EXPECT_GE(names.size(), 80u) << spec.name;
        EXPECT_GE(n_illegal, 2u) << spec.name;
    }
    for (const OpId op : {OpId::mul_mat, OpId::ssm_conv, OpId::ssm_scan})
        EXPECT_GE(cases_of(op).all().size(), 300u) << op_name(op);
}

TEST(Harness, DataFollowFromTheName) {
    const Case& of = *cases_of(OpId::ssm_scan).all().front();
    const auto a = materialize(of), b = materialize(of);
    ASSERT_TRUE(a && b);
    EXPECT_EQ(a->in, b->in);
    EXPECT_EQ(seed_of(""), 0xcbf29ce484222325ull);
    EXPECT_EQ(seed_of("a"), 0xaf63dc4c8601ec8cull);  // published values of FNV-1a
}

TEST(Harness, SlotsThatAreNotReadHoldNan) {
    for (const auto& of : cases_of(OpId::ssm_conv).all()) {
        if (of->name != "b3.long.permuted.k4") continue;
        const auto data = materialize(*of);
        ASSERT_TRUE(data);
        const auto sources = data->ids(static_cast<size_t>(find_operand(of->spec().inputs, IndexMeaning::slots_read)));
        size_t n_nan = 0;
        for (int64_t slot = 0; slot < data->n_slots; ++slot) {
            const bool read = std::find(sources.begin(), sources.end(), static_cast<int32_t>(slot)) != sources.end();
            for (const float v : data->state_of(data->memory, slot)) ASSERT_EQ(std::isnan(v), !read) << slot;
            n_nan += !read;
        }
        EXPECT_GT(n_nan, 3u);
        return;
    }
    FAIL() << "the case is gone";
}

TEST(Harness, SubnormalsMayBeZerosWhereADeviceSaysSo) {
    const auto& cases = cases_of(OpId::add).all();
    const auto found = std::find_if(cases.begin(), cases.end(), [](const auto& of) { return of->name == "special_values"; });
    ASSERT_NE(found, cases.end());
    const Case& of = **found;
    krait_device_capabilities keeping{}, flushing{};
    keeping.flags = KRAIT_DEVICE_MAPS_BUFFERS;
    flushing.flags = KRAIT_DEVICE_FLUSHES_SUBNORMALS;
    EXPECT_TRUE(may_flush_subnormals(of, flushing));
    EXPECT_FALSE(may_flush_subnormals(of, keeping));
    EXPECT_FALSE(may_flush_subnormals(*cases_of(OpId::copy).all().front(), flushing)) << "values are moved";

    const auto data = materialize(of);
    ASSERT_TRUE(data);
    const std::vector<double> exact = evaluate(of, *data).out[0];
    std::vector<float> kept(exact.begin(), exact.end());
    const Comparison how{"y", 0, 0, 12};
    EXPECT_EQ(compare(how, kept, exact), std::nullopt);
    EXPECT_TRUE(compare_flushed(how, of, *data, kept)) << "1e-38 + 3e-38 of a device that keeps the first";
    std::vector<float> flushed = kept;
    for (const size_t at : {6u, 18u}) flushed[at] = 3e-38f;
    for (float& v : flushed) v = without_subnormal(v);
    EXPECT_TRUE(compare(how, flushed, exact));
    EXPECT_EQ(compare_flushed(how, of, *data, flushed), std::nullopt);
    flushed[10] = 1e-6f;  // 7 - 7
    EXPECT_TRUE(compare_flushed(how, of, *data, flushed));
}

TEST(Compare, JudgesTheWholeAndEachRow) {
    const Comparison how{"y", 1e-6, 1e-5, 2};
    const std::vector<double> expected{1000, 1000, 1, 1};
    EXPECT_EQ(compare(how, std::vector<float>{1000, 1000, 1, 1}, expected), std::nullopt);
    EXPECT_EQ(compare(how, std::vector<float>{1000.5f, 1000, 1, 1}, expected), std::nullopt);
    // Far too little for the whole, but not for the row of small numbers.
    const auto row = compare(how, std::vector<float>{1000, 1000, 1, 1.01f}, expected);
    ASSERT_TRUE(row);
    EXPECT_NE(row->find("row 1, column 1"), std::string::npos) << *row;
    EXPECT_NE(row->find("NMSE of the row"), std::string::npos) << *row;
    EXPECT_TRUE(compare(how, std::vector<float>{1000, 1002, 1, 1}, expected));
    EXPECT_TRUE(compare(how, std::vector<float>{1000, 1000, 1}, expected)) << "too short";
}

TEST(Compare, WantsNanAndInfinityWhereTheyBelong) {
    const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
    const Comparison how{"y", 1e-6, 1e-5, 4}, exact{"y", 0, 0, 4};
    const std::vector<double> expected{1, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), 0};
    for (const Comparison& each : {how, exact}) {
        EXPECT_EQ(compare(each, std::vector<float>{1, nan, inf, 0}, expected), std::nullopt);
        EXPECT_TRUE(compare(each, std::vector<float>{nan, nan, inf, 0}, expected));
        EXPECT_TRUE(compare(each, std::vector<float>{1, 1, inf, 0}, expected));
        EXPECT_TRUE(compare(each, std::vector<float>{1, nan, -inf, 0}, expected));
        EXPECT_TRUE(compare(each, std::vector<float>{1, nan, 3e38f, 0}, expected));
        EXPECT_TRUE(compare(each, std::vector<float>{inf, nan, inf, 0}, expected));
    }
    EXPECT_TRUE(compare(exact, std::vector<float>{1, nan, inf, -0.0f}, expected));
    EXPECT_TRUE(compare(exact, std::vector<float>{std::nextafter(1.0f, 2.0f), nan, inf, 0}, expected));
    // Where only zeros belong, any other number is wrong.
    EXPECT_TRUE(compare(how, std::vector<float>{1e-20f, 0}, std::vector<double>{0, 0}));
    EXPECT_EQ(compare(how, std::vector<float>{0, 0}, std::vector<double>{0, 0}), std::nullopt);
}

TEST(Compare, BitsAreBits) {
    const std::vector<uint32_t> a{0x7fc00001u, 2}, b{0x7fc00002u, 2};
    EXPECT_EQ(compare_bits("s", std::as_bytes(std::span(a)), std::as_bytes(std::span(a)), 2), std::nullopt);
    EXPECT_TRUE(compare_bits("s", std::as_bytes(std::span(a)), std::as_bytes(std::span(b)), 2));
}

TEST(Glob, Matches) {
    EXPECT_TRUE(matches("*", ""));
    EXPECT_TRUE(matches("Q4_K.t?.n*", "Q4_K.t3.n17.k256"));
    EXPECT_FALSE(matches("Q4_K.t?.n*", "Q4_K.t33.n17.k256"));
    EXPECT_TRUE(matches("a*b*c", "axxbyyc"));
    EXPECT_FALSE(matches("a*b*c", "axxbyy"));
    EXPECT_FALSE(matches("", "a"));
}

TEST(EffortOfTests, RunsEachGroupInOneWayAndInAnotherOneWithOtherSeeds) {
    constexpr size_t kWays = 5, kGroups = 20;
    std::set<size_t> first_ways;
    for (const char* seed : {"", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o"}) {
        const Effort effort{.seed = seed};
        std::array<size_t, kWays> groups_of_way{};
        for (size_t group = 0; group < kGroups; ++group) {
            size_t n_taken = 0;
            for (size_t way = 0; way < kWays; ++way) {
                if (!effort.takes(group, way, kWays)) continue;
                ++n_taken, ++groups_of_way[way];
                if (group == 0) first_ways.insert(way);
            }
            EXPECT_EQ(n_taken, 1u) << "group " << group << ", seed " << seed;
        }
        for (const size_t n : groups_of_way) EXPECT_EQ(n, kGroups / kWays) << seed;
    }
    EXPECT_EQ(first_ways.size(), kWays) << "a way that no seed chooses";
    for (size_t way = 0; way < kWays; ++way) EXPECT_TRUE((Effort{.sampled = false}.takes(3, way, kWays)));
    EXPECT_TRUE(Effort{}.takes(7, 0, 1));
}

}  // namespace
}  // namespace krait::harness
