// SPDX-License-Identifier: Apache-2.0
//
// Profiles of sessions: the same logits, every node once a run, phases apart, bytes that add up to what is worked out by hand.
#include "models/profile/profile.hpp"

#include "models/architectures/forward.hpp"
#include "tests/models/random_model_fixture.hpp"
#include "tests/models/session_fixture.hpp"

namespace krait {
namespace {

// A prompt in two runs, then three tokens; all logits.
std::vector<float> logits_of(const std::shared_ptr<const Model>& model, graph::RunObserver* observer) {
    auto session = Session::create(model, {.max_batch_tokens = 10, .run_observer = observer});
    EXPECT_TRUE(session) << session.error().message;
    std::vector<float> logits;
    std::vector<int32_t> tokens;
    for (int32_t i = 0; i < 20; ++i) tokens.push_back((i * 37 + 11) % 100);
    const std::span<const int32_t> all(tokens);
    for (const auto& part : {all.first(17), all.subspan(17, 1), all.subspan(18, 1), all.subspan(19, 1)}) {
        const auto decoded = session->decode({{.sequence = 0, .tokens = part}});
        EXPECT_TRUE(decoded) << decoded.error().message;
        if (!decoded) return {};
        logits.insert(logits.end(), session->logits(0).begin(), session->logits(0).end());
    }
    return logits;
}

Profile profile_of(const std::shared_ptr<const Model>& model, std::vector<float>& logits, ProfileTrace* trace = nullptr) {
    Profile profile(model->placement().labels());
    ProfileRecorder plain(profile, ProfileRecorder::Runs::plain, trace),
        by_node(profile, ProfileRecorder::Runs::by_node, trace);
    (void)logits_of(model, &plain);
    logits = logits_of(model, &by_node);
    return profile;
}

TEST(Profile, ResultsAreTheSameBitForBit) {
    for (const char* name : {"mamba", "falcon_mamba", "mamba2"})
        for (const char* device : {"cpu", "reference", "cpu,reference"}) {
            SCOPED_TRACE(fmt::format("{} on {}", name, device));
            PlacementOptions placement;
            if (std::string_view(device).find(',') != std::string_view::npos) placement.layers = {1};
            const auto model = Model::load(golden_model(name), {.device = device, .placement = placement});
            ASSERT_TRUE(model) << model.error().message;
            std::vector<float> logits;
            const Profile profile = profile_of(*model, logits);
            EXPECT_EQ(logits, logits_of(*model, nullptr));

            // 17 tokens in runs of 10 and 7, and three of one token.
            const PhaseProfile &prompt = profile.phase(Phase::prompt), &decode = profile.phase(Phase::decode);
            EXPECT_EQ(prompt.n_runs, 2);
            EXPECT_EQ(prompt.n_rows, 17);
            EXPECT_EQ(prompt.n_plain_runs, 2);
            EXPECT_EQ(decode.n_runs, 3);
            EXPECT_EQ(decode.n_rows, 3);
            EXPECT_EQ(decode.n_plain_runs, 3);
            for (const PhaseProfile* phase : {&prompt, &decode}) {
                EXPECT_GT(phase->plain_seconds, 0);
                EXPECT_GT(phase->sum().seconds, 0);
                EXPECT_LE(phase->sum().seconds, phase->run_seconds) << "nodes are a part of their runs";
            }
            // Every node of the graph of a step, and no other, once a run, where the model's placement has it.
            const auto graph = build_forward((*model)->architecture(), (*model)->weights().descs(), {.n_slots = 2},
                                             {.n_tok = 1, .n_seq = 1, .n_out = 1}, (*model)->n_token());
            ASSERT_TRUE(graph) << graph.error().message;
            ASSERT_EQ(decode.nodes.size(), graph->nodes.size());
            for (const NodeProfile& node : decode.nodes) {
                const auto found = std::find_if(graph->nodes.begin(), graph->nodes.end(),
                                                [&](const graph::Node& other) { return other.name == node.name; });
                ASSERT_NE(found, graph->nodes.end()) << node.name;
                EXPECT_EQ(node.op, found->op);
                EXPECT_EQ(node.layer, found->layer);
                EXPECT_EQ(node.totals.calls, 3) << node.name;
                EXPECT_GT(node.totals.min_seconds, 0) << node.name;
                EXPECT_LE(node.totals.min_seconds, node.totals.mean_seconds() * (1 + 1e-12)) << node.name;  // a mean is rounded
                EXPECT_EQ(node.device, static_cast<size_t>((*model)->placement().device_of(node.name))) << node.name;
            }
        }
}

class ProfileOfRandomModel : public RandomModelFixture {};

// Two layers, d_model 256, d_inner 512, d_state 16, d_conv 4, dt_rank 48, 300 tokens, F32: all but the embedding, which is the
// head.
TEST_F(ProfileOfRandomModel, BytesAreThoseWorkedOutByHand) {
    RandomModelOptions options;
    options.sizes = tiny("mamba-130m");
    options.scheme = {.body = DType::F32, .pure = true};
    const auto model = Model::load(write("f32.gguf", options), {.device = "reference"});
    ASSERT_TRUE(model) << model.error().message;
    ASSERT_TRUE((*model)->shape().tied_head);
    std::vector<float> logits;
    const Profile profile = profile_of(*model, logits);
    const PhaseProfile& decode = profile.phase(Phase::decode);
    const auto of = [&](const std::string& name) {
        for (const NodeGroup& group : decode.by_name())
            if (group.name == name) return group.totals;
        ADD_FAILURE() << name << " is not there";
        return NodeTotals{};
    };
    // Three steps, two layers, 4 bytes a number; index operands of a sequence are 2 + 1 + 1 numbers.
    EXPECT_EQ(of("blk.*.in").calls, 6);
    EXPECT_EQ(of("blk.*.in").bytes_read, 6 * 4.0 * (1024 * 256 + 256));
    EXPECT_EQ(of("blk.*.in").bytes_written, 6 * 4.0 * 1024);
    EXPECT_EQ(of("blk.*.in").operations, 6 * 2.0 * 1024 * 256);
    EXPECT_EQ(of("blk.*.conv").bytes_read, 6 * 4.0 * (512 + 512 * 4 + 512 + 3 * 512 + 4)) << "x, w, bias, state, indices";
    EXPECT_EQ(of("blk.*.conv").bytes_written, 6 * 4.0 * (512 + 3 * 512));
    EXPECT_EQ(of("blk.*.scan").bytes_read, 6 * 4.0 * (3 * 512 + 512 + 512 * 16 + 2 * 16 + 512 + 512 * 16 + 4))
        << "x, dt and z; dt_bias, A, B and C, D; state, indices";
    EXPECT_EQ(of("blk.*.scan").bytes_written, 6 * 4.0 * (512 + 512 * 16));
    EXPECT_EQ(of("embed").bytes_read, 3 * 4.0 * (256 + 1)) << "one row, and its id";
    EXPECT_EQ(of("logits").bytes_read, 3 * 4.0 * (300 * 256 + 256));
    // The first of the prompt's two runs has no state to read.
    for (const NodeGroup& group : profile.phase(Phase::prompt).by_operator())
        if (group.op == OpId::ssm_scan) {
            EXPECT_EQ(group.totals.bytes_written, 2 * 4.0 * (17 * 512 + 2 * 512 * 16));
            EXPECT_EQ(group.totals.bytes_read, 2 * 4.0 * (17 * (3 * 512 + 2 * 16) + 2 * (512 + 512 * 16 + 512 + 4) + 512 * 16));
        }
    const double sum = decode.sum().bytes();
    double of_operators = 0, of_names = 0;
    for (const NodeGroup& group : decode.by_operator()) of_operators += group.totals.bytes();
    for (const NodeGroup& group : decode.by_name()) of_names += group.totals.bytes();
    EXPECT_EQ(of_operators, sum);
    EXPECT_EQ(of_names, sum);
}

TEST(Profile, ATraceIsBounded) {
    const auto model = Model::load(golden_model("mamba"), {.device = "reference"});
    ASSERT_TRUE(model) << model.error().message;
    std::vector<float> logits;
    ProfileTrace all, some(25);
    (void)profile_of(*model, logits, &all);
    (void)profile_of(*model, logits, &some);
    EXPECT_EQ(all.n_dropped(), 0u);
    EXPECT_EQ(some.events().size(), 25u);
    EXPECT_EQ(some.n_dropped(), all.events().size() - 25);
    ASSERT_FALSE(all.events().empty());
    EXPECT_EQ(all.events().back().run, 4u) << "five runs";
    EXPECT_TRUE(all.events().back().is_decode);
    EXPECT_FALSE(all.events().front().is_decode);
    for (size_t i = 1; i < all.events().size(); ++i) EXPECT_LE(all.events()[i - 1].end, all.events()[i].start);
}

TEST(Profile, PausedRunsDoNotCount) {
    const auto model = Model::load(golden_model("mamba"), {.device = "reference"});
    ASSERT_TRUE(model) << model.error().message;
    Profile profile((*model)->placement().labels());
    ProfileRecorder recorder(profile, ProfileRecorder::Runs::by_node);
    profile.pause(true);
    (void)logits_of(*model, &recorder);
    EXPECT_TRUE(profile.phase(Phase::prompt).is_empty());
    EXPECT_TRUE(profile.phase(Phase::decode).is_empty());
}

// The device's chains of steps are runs like others.
TEST(Profile, ChainsAreObserved) {
    const auto model = Model::load(golden_model("mamba"), {.device = "cpu"});
    ASSERT_TRUE(model) << model.error().message;
    Profile profile((*model)->placement().labels());
    ProfileRecorder recorder(profile, ProfileRecorder::Runs::by_node);
    std::vector<int32_t> found[2];
    for (const bool observed : {false, true}) {
        auto session = Session::create(*model, {.max_chain = 6, .run_observer = observed ? &recorder : nullptr});
        ASSERT_TRUE(session) << session.error().message;
        const auto chain = session->chain({.sequence = 0, .token = 5, .n_tok = 6});
        ASSERT_TRUE(chain) << chain.error().message;
        for (const Candidate& candidate : *chain) found[observed].push_back(candidate.token);
    }
    EXPECT_EQ(found[0], found[1]);
    EXPECT_EQ(profile.phase(Phase::decode).n_runs, 6);
}

}  // namespace
}  // namespace krait
