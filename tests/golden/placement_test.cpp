// SPDX-License-Identifier: Apache-2.0
//
// However a model is divided between devices, it says what one device says: every cut of the golden models over ordered pairs
// and triples of the devices that are there, and random plans in which single nodes are forced elsewhere.
#include <fmt/ranges.h>

#include <cstdlib>
#include <random>
#include <set>

#include "models/session/session.hpp"
#include "tests/golden/devices.hpp"
#include "tests/golden/npy.hpp"
#include "tests/main/paths.hpp"

namespace krait {
namespace {

const std::vector<std::string> kModels{"mamba", "falcon_mamba", "mamba2"};
const std::vector<std::string> kHybrids{"hybrids/falcon_h1", "hybrids/granite_moe_nope", "hybrids/zamba2"};

bool is_hybrid(const std::string& model) { return model.starts_with("hybrids/"); }
std::string path_of(const std::string& model) {
    return fmt::format("{}/{}{}", test::kGoldenFolder, model, is_hybrid(model) ? "" : ".gguf");
}
std::string tokens_of(const std::string& model) {
    return fmt::format("{}/{}{}", test::kGoldenFolder, model, is_hybrid(model) ? "/tokens.npy" : ".tokens.npy");
}

using test::devices_there;

std::string joined(std::span<const std::string> names) { return fmt::format("{}", fmt::join(names, ",")); }

class GoldenDevice : public testing::TestWithParam<std::string> {};

TEST_P(GoldenDevice, TakesPart) {
    const char* required = std::getenv("KRAIT_REQUIRE_DEVICES");
    const std::string everywhere = "," + std::string(required ? required : "") + ",cpu,reference,";
    const auto device = Device::open(GetParam());
    if (device) return;
    const std::string why = GetParam() + " takes no part in the tests of placements: " + device.error().message;
    if (everywhere.find("," + GetParam() + ",") != std::string::npos) FAIL() << why;
    GTEST_SKIP() << why;
}

INSTANTIATE_TEST_SUITE_P(Kinds, GoldenDevice, testing::ValuesIn(test::kGoldenDevices), [](const auto& tested) {
    std::string name = tested.param;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
});

std::shared_ptr<const Model> load(const std::string& model, const std::string& device, const PlacementOptions& placement = {}) {
    auto loaded = Model::load(path_of(model), {.device = device, .placement = placement, .cache = DType::F32});
    EXPECT_TRUE(loaded) << device << ": " << loaded.error().message;
    return loaded ? *loaded : nullptr;
}

// All logits: a prompt in one run, then three tokens one by one.
std::vector<float> all_logits(const std::shared_ptr<const Model>& model, std::span<const int32_t> tokens) {
    std::vector<float> logits;
    auto session = Session::create(model);
    EXPECT_TRUE(session) << session.error().message;
    const auto read = [&](std::span<const int32_t> part) {
        const auto decoded = session->decode({{.sequence = 0, .tokens = part, .want = WantLogits::all}});
        EXPECT_TRUE(decoded) << decoded.error().message;
        for (size_t row = 0; row < part.size(); ++row)
            logits.insert(logits.end(), session->logits(0, row).begin(), session->logits(0, row).end());
    };
    read(tokens.first(tokens.size() - 3));
    for (size_t t = tokens.size() - 3; t < tokens.size(); ++t) read(tokens.subspan(t, 1));
    return logits;
}

struct Golden {
    std::vector<int32_t> tokens;
    std::vector<float> logits;  // of one device
};
const Golden& golden(const std::string& model) {
    static std::map<std::string, Golden> known;
    Golden& entry = known[model];
    if (entry.tokens.empty()) {
        entry.tokens = test::read_npy<int32_t>(tokens_of(model));
        entry.logits = all_logits(load(model, "reference"), entry.tokens);
    }
    return entry;
}

void expect_same(const std::string& model, const std::string& device, const PlacementOptions& placement) {
    std::string rules;
    for (const auto& [pattern, to] : placement.rules) rules += fmt::format(" --place '{}={}'", pattern, to);
    SCOPED_TRACE(fmt::format("{} on {}, --layers {}{}", model, device, fmt::join(placement.layers, ","), rules));
    const auto loaded = load(model, device, placement);
    if (!loaded) return;
    EXPECT_LE(test::nmse(all_logits(loaded, golden(model).tokens), golden(model).logits), 1e-9);
}

// Every way to write n_layer as a sum of n_device numbers from 0 on.
std::vector<std::vector<int64_t>> cuts(int64_t n_layer, size_t n_device) {
    if (n_device == 1) return {{n_layer}};
    std::vector<std::vector<int64_t>> all;
    for (int64_t first = 0; first <= n_layer; ++first)
        for (std::vector<int64_t>& rest : cuts(n_layer - first, n_device - 1)) {
            rest.insert(rest.begin(), first);
            all.push_back(std::move(rest));
        }
    return all;
}

class EveryCut : public testing::TestWithParam<std::string> {};

TEST_P(EveryCut, OfPairs) {
    const int64_t n_layer = load(GetParam(), "reference")->shape().n_layer;
    for (const std::string& a : devices_there())
        for (const std::string& b : devices_there())
            for (const auto& layers : cuts(n_layer, 2)) expect_same(GetParam(), joined(std::vector{a, b}), {.layers = layers});
}

// There are hundreds: a quarter of them, another one for every seed, where not all is tested.
TEST_P(EveryCut, OfTriples) {
    const int64_t n_layer = load(GetParam(), "reference")->shape().n_layer;
    size_t n_ways = 0;
    for (const std::string& a : devices_there())
        for (const std::string& b : devices_there())
            for (const std::string& c : devices_there())
                for (const auto& layers : cuts(n_layer, 3))
                    if ((std::min({layers[0], layers[1], layers[2]}) > 0 || a != b) &&
                        harness::Effort::current().takes(n_ways++, 0, 4))
                        expect_same(GetParam(), joined(std::vector{a, b, c}), {.layers = layers});
}

INSTANTIATE_TEST_SUITE_P(Models, EveryCut, testing::ValuesIn(kModels), [](const auto& tested) { return tested.param; });

// Keys and values are written before they are read, and where they are read, whichever of these nodes are sent elsewhere.
TEST(PlacedAttention, SaysWhatOneDeviceSays) {
    for (const std::string& model : kHybrids)
        for (const std::string pattern : {"[.](k|v)$", "[.]q(_rope)?$", "attention", "k_write", "v_write", "_write|attention"})
            expect_same(model, "cpu,reference",
                        {.layers = {load(model, "reference")->shape().n_layer, 0}, .rules = {{pattern, "reference"}}});
}

// A plan: two or three devices, layers divided at random, and some nodes forced elsewhere.
struct Plan {
    std::string model, device;
    PlacementOptions placement;
};

Plan random_plan(uint32_t seed) {
    std::mt19937 random(seed);
    const auto below = [&](size_t n) { return random() % n; };
    std::vector<std::string> models = kModels;
    models.insert(models.end(), kHybrids.begin(), kHybrids.end());
    Plan plan{.model = models[below(models.size())], .device = {}, .placement = {}};
    std::vector<std::string> names;
    for (size_t i = 0, n = 2 + below(2); i < n; ++i) names.push_back(devices_there()[below(devices_there().size())]);
    plan.device = joined(names);
    const auto one = load(plan.model, "reference");
    const auto all = cuts(one->shape().n_layer, names.size());
    plan.placement.layers = all[below(all.size())];
    const auto graph =
        build_forward(one->architecture(), one->weights().descs(), {.n_slots = 1}, {.n_tok = 4, .n_seq = 1, .n_out = 1});
    std::vector<std::string> labels;
    for (size_t i = 0; i < names.size(); ++i) {
        const auto n_before = std::count(names.begin(), names.begin() + static_cast<ptrdiff_t>(i), names[i]);
        labels.push_back(n_before == 0 ? names[i] : fmt::format("{}#{}", names[i], n_before + 1));
    }
    const size_t one_in = 1 + below(6);
    std::set<graph::TensorId> placed;  // memories: rules that send their nodes to different devices are refused
    for (const graph::Node& node : graph->nodes) {
        if (below(one_in) != 0) continue;
        const auto uses_placed = [&](graph::TensorId id) {
            return id != graph::kNoTensor && (*graph)[id].role == graph::TensorRole::memory && !placed.insert(id).second;
        };
        if (std::ranges::any_of(node.in, uses_placed)) continue;
        plan.placement.rules.push_back({"^" + node.name + "$", labels[below(labels.size())]});
    }
    return plan;
}

TEST(RandomPlans, SayWhatOneDeviceSays) {
    for (uint32_t seed = 1; seed <= 200; ++seed) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        const Plan plan = random_plan(seed);
        expect_same(plan.model, plan.device, plan.placement);
        if (HasFailure()) break;
    }
}

// A state that was saved under one plan goes on under another, and is the same bytes when it is saved there.
TEST(RandomPlans, StatesMoveBitExactly) {
    for (uint32_t seed = 1001; seed <= 1040; ++seed) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        const Plan from = random_plan(seed);
        Plan to = random_plan(seed + 5000);
        for (uint32_t next = seed + 6000; to.model != from.model; ++next) to = random_plan(next);
        const auto tokens = std::span(golden(from.model).tokens);
        auto first = Session::create(load(from.model, from.device, from.placement), {.max_sequences = 2});
        auto second = Session::create(load(to.model, to.device, to.placement), {.max_sequences = 3});
        ASSERT_TRUE(first && second);
        const size_t half = tokens.size() / 2;
        ASSERT_TRUE(first->decode({{.sequence = 1, .tokens = tokens.first(half)}}));
        const auto saved = first->save(1);
        ASSERT_TRUE(saved) << saved.error().message;
        ASSERT_TRUE(second->restore(2, *saved));
        EXPECT_EQ(*second->save(2), *saved);
        // Forked, and gone on with: as if it had never been anywhere else.
        ASSERT_TRUE(second->fork(2, 0));
        const auto rest = tokens.subspan(half);
        ASSERT_TRUE(second->decode({{.sequence = 0, .tokens = rest, .want = WantLogits::all}}));
        EXPECT_EQ(*second->save(2), *saved) << "the fork has a state of its own";
        std::vector<float> logits;
        for (size_t row = 0; row < rest.size(); ++row)
            logits.insert(logits.end(), second->logits(0, row).begin(), second->logits(0, row).end());
        const auto& expected = golden(from.model).logits;
        const std::vector<float> tail(expected.end() - static_cast<ptrdiff_t>(logits.size()), expected.end());
        EXPECT_LE(test::nmse(logits, tail), 1e-9);
    }
}

}  // namespace
}  // namespace krait
