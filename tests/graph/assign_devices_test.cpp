// SPDX-License-Identifier: Apache-2.0
//
// assign_devices: layers, patterns, and where a declined node goes and why.
#include "graph/passes/assign_devices.hpp"

#include <gtest/gtest.h>

#include "graph/builder.hpp"

namespace krait::graph {
namespace {

// embed, then two layers of a product and a scale, then the head.
Graph small_model() {
    GraphBuilder b;
    const auto weight = [&](const char* name) { return b.constant(name, make_desc(DType::F32, {8, 8}), nullptr); };
    TensorId x = b.input("x", make_desc(DType::F32, {2, 8}));
    x = b.op<ops::Scale>("embed", {.x = x}).y;
    b.layer(0);
    x = b.op<ops::MulMat>("blk.0.in", {.x = x, .w = weight("blk.0.ssm_in.weight")}).y;
    x = b.op<ops::Scale>("blk.0.act", {.x = x}).y;
    b.layer(1);
    x = b.op<ops::MulMat>("blk.1.in", {.x = x, .w = weight("blk.1.ssm_in.weight")}).y;
    x = b.op<ops::Scale>("blk.1.act", {.x = x}).y;
    b.layer(kHead);
    b.output(b.op<ops::MulMat>("logits", {.x = x, .w = weight("output.weight")}).y);
    auto graph = std::move(b).finish();
    EXPECT_TRUE(graph) << graph.error().message;
    return std::move(*graph);
}

std::optional<Error> takes_all(uint32_t) { return std::nullopt; }

// Candidates a, b, c; c declines products.
std::vector<CandidateDevice> candidates(const Graph& graph) {
    return {{"a", takes_all}, {"b", takes_all}, {"c", [&graph](uint32_t n) -> std::optional<Error> {
                                                     if (graph.nodes[n].op != OpId::mul_mat) return std::nullopt;
                                                     return Error{ErrorCode::unsupported, "c: no products"};
                                                 }}};
}

TEST(AssignDevices, LayersGoWhereTheyAreWanted) {
    const Graph graph = small_model();
    const auto given = assign_devices(graph, candidates(graph),
                                      {.layer = {0, 1}, .embedding = 1, .head = 0, .why = "--layers 1,1", .rules = {}});
    ASSERT_TRUE(given) << given.error().message;
    EXPECT_EQ(given->device, (std::vector<int32_t>{1, 0, 0, 1, 1, 0}));
    EXPECT_EQ(given->why[0], "embedding: --layers 1,1");
    EXPECT_EQ(given->why[3], "layer 1: --layers 1,1");
    EXPECT_EQ(given->why[5], "head: --layers 1,1");
}

TEST(AssignDevices, PatternsFindNodesAndWeights) {
    const Graph graph = small_model();
    const auto given = assign_devices(graph, candidates(graph),
                                      {.layer = {0, 0},
                                       .embedding = 0,
                                       .head = 0,
                                       .why = "first",
                                       .rules = {{R"(blk\.[0-9]+\.ssm_in)", 1}, {R"(^blk\.1\.)", 2}}});
    ASSERT_TRUE(given) << given.error().message;
    EXPECT_EQ(given->device, (std::vector<int32_t>{0, 1, 0, 1, 2, 0})) << "the first rule that matches counts";
    EXPECT_EQ(given->why[4], R"(--place '^blk\.1\.')");
}

TEST(AssignDevices, DeclinedNodesGoOnWithTheReason) {
    const Graph graph = small_model();
    const auto given =
        assign_devices(graph, candidates(graph), {.layer = {2, 1}, .embedding = 2, .head = 2, .why = "split", .rules = {}});
    ASSERT_TRUE(given) << given.error().message;
    EXPECT_EQ(given->device, (std::vector<int32_t>{2, 0, 2, 1, 1, 0})) << "behind the last comes the first";
    EXPECT_EQ(given->why[1], "layer 0: split, but c: no products");
}

TEST(AssignDevices, NobodyTakesIt) {
    const Graph graph = small_model();
    const std::vector<CandidateDevice> one{candidates(graph)[2]};
    const auto given = assign_devices(graph, one, {.layer = {0}, .why = "the only one", .rules = {}});
    ASSERT_FALSE(given);
    EXPECT_EQ(given.error().code, ErrorCode::unsupported);
    EXPECT_EQ(given.error().message,
              "node 1 'blk.0.in' (mul_mat): c: no products; name a second device that takes it, 'cpu' takes every node");
}

TEST(AssignDevices, PatternsThatAreWrong) {
    const Graph graph = small_model();
    const auto broken = assign_devices(graph, candidates(graph), {.layer = {0}, .why = "", .rules = {{"blk.(", 0}}});
    ASSERT_FALSE(broken);
    EXPECT_NE(broken.error().message.find("'blk.(' is no regular expression"), std::string::npos) << broken.error().message;
    const auto unused = assign_devices(graph, candidates(graph), {.layer = {0}, .why = "", .rules = {{"blk[.]9", 1}}});
    ASSERT_FALSE(unused);
    EXPECT_NE(unused.error().message.find("no node and no weight matches 'blk[.]9', which should go to b"), std::string::npos)
        << unused.error().message;
    // The same before it is known where anything goes.
    const std::vector<std::string> names{"a", "b"};
    const PlaceRule rules[] = {{"blk.(", 0}, {"blk[.]9", 1}, {"ssm_in", 1}};
    EXPECT_EQ(check_rules(graph, {&rules[0], 1}, names).error().message, broken.error().message);
    EXPECT_EQ(check_rules(graph, {&rules[1], 1}, names).error().message, unused.error().message);
    EXPECT_TRUE(check_rules(graph, {&rules[2], 1}, names));
}

// Two nodes write pages; all stay on b but what is declined there or placed by hand.
class AssignMemories : public testing::Test {
  protected:
    void SetUp() override {
        GraphBuilder b;
        const TensorId x = b.input("x", make_desc(DType::F32, {2, 4}));
        const TensorId rows = b.input("rows", make_desc(DType::I32, {2}));
        const TensorId pages = b.memory("blk.0.kv", make_desc(DType::F32, {1, 2, 8}), nullptr);
        b.layer(0);
        const TensorId y = b.op<ops::Scale>("before", {.x = x}).y;
        b.op<ops::KvWrite>("k_write", {.x = y, .cache = pages, .rows = rows}, {.column = 0});
        b.op<ops::KvWrite>("v_write", {.x = y, .cache = pages, .rows = rows}, {.column = 4});
        b.output(b.op<ops::Scale>("after", {.x = y}).y);
        auto graph = std::move(b).finish();
        ASSERT_TRUE(graph) << graph.error().message;
        graph_ = std::move(*graph);
    }
    // declined_by_b: a node that b does not take.
    Result<Assignment> assign(std::string declined_by_b, std::vector<PlaceRule> rules) const {
        const std::vector<CandidateDevice> both{{"a", takes_all},
                                                {"b", [this, declined_by_b](uint32_t n) -> std::optional<Error> {
                                                     if (graph_.nodes[n].name != declined_by_b) return std::nullopt;
                                                     return Error{ErrorCode::unsupported, "b: too large"};
                                                 }}};
        return assign_devices(graph_, both,
                              {.layer = {1}, .embedding = 1, .head = 1, .why = "split", .rules = std::move(rules)});
    }
    Graph graph_;
};

TEST_F(AssignMemories, NodesGoWithTheOneThatWasPassedOn) {
    const auto given = assign("v_write", {});
    ASSERT_TRUE(given) << given.error().message;
    EXPECT_EQ(given->device, (std::vector<int32_t>{1, 0, 0, 1}));
    EXPECT_EQ(given->why[1], "layer 0: split, but 'v_write' uses the same memory");
    EXPECT_EQ(given->why[2], "layer 0: split, but b: too large");
}

TEST_F(AssignMemories, NodesGoWithTheOneThatWasPlaced) {
    const auto given = assign("", {{"k_write", 0}});
    ASSERT_TRUE(given) << given.error().message;
    EXPECT_EQ(given->device, (std::vector<int32_t>{1, 0, 0, 1}));
}

TEST_F(AssignMemories, RulesMustAgree) {
    const auto two = assign("", {{"k_write", 0}, {"v_write", 1}});
    ASSERT_FALSE(two);
    EXPECT_EQ(two.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(
        two.error().message,
        "--place 'k_write' sends node 'k_write' to a, and --place 'v_write' sends 'v_write' to b; both use 'blk.0.kv': give "
        "them one device");
    const auto declined = assign("v_write", {{"k_write", 1}});
    ASSERT_FALSE(declined);
    EXPECT_EQ(declined.error().message,
              "--place 'k_write' sends node 'k_write' to b, which does not take all nodes that use 'blk.0.kv'");
}

}  // namespace
}  // namespace krait::graph
