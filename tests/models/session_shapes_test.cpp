// SPDX-License-Identifier: Apache-2.0
//
// A server's load: 1 to 64 sequences, prompts cut into runs, steps of decoding beside them. Padding changes no bit; the load
// needs few programs and one arena, and compiles nothing once it has been through it.
#include "tests/models/session_fixture.hpp"

namespace krait {
namespace {

class ShapesTest : public SessionTest {
  protected:
    // Steps of a seeded load: sequences come with a prompt, go on for a while and are reset. Every step's logits and
    // candidates.
    std::vector<float> load(Session& s, size_t n_step, uint32_t seed) {
        std::mt19937 random(seed);
        const auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
        std::vector<size_t> left(static_cast<size_t>(s.max_sequences()), 0);  // tokens that a sequence still gets
        std::vector<float> all;
        for (size_t step = 0; step < n_step; ++step) {
            std::vector<std::vector<int32_t>> tokens(left.size());
            std::vector<SequenceInput> batch;
            const size_t n_wanted = 1 + below(left.size());
            for (size_t i = 0; i < n_wanted; ++i) {
                const bool is_new = left[i] == 0;
                if (is_new) {
                    EXPECT_TRUE(s.reset(static_cast<int32_t>(i)));
                    left[i] = 1 + below(12);
                }
                --left[i];
                tokens[i] = random_tokens(is_new ? 1 + below(40) : 1, static_cast<uint32_t>(random()));
                const auto want = below(9) == 0 ? WantLogits::none : below(4) == 0 ? WantLogits::top : WantLogits::last;
                batch.push_back({.sequence = static_cast<int32_t>(i),
                                 .tokens = tokens[i],
                                 .want = want,
                                 .top_k = 1 + below(2) == 1 ? 1 : 5});
            }
            const auto decoded = s.decode(batch);
            EXPECT_TRUE(decoded) << decoded.error().message;
            for (size_t i = 0; i < batch.size(); ++i) {
                all.insert(all.end(), s.logits(i).begin(), s.logits(i).end());
                for (const Candidate& candidate : s.candidates(i)) {
                    all.push_back(candidate.logit);
                    all.push_back(static_cast<float>(candidate.token));
                }
            }
        }
        return all;
    }
};

TEST_P(ShapesTest, PaddingChangesNoBit) {
    Session padded = session({.max_sequences = 9, .max_batch_tokens = 100}),
            exact = session({.max_sequences = 9, .max_batch_tokens = 100, .exact_shapes = true});
    const auto one = load(padded, 12, 5), other = load(exact, 12, 5);
    ASSERT_EQ(one.size(), other.size());
    if (std::get<1>(GetParam()).starts_with("cpu") || std::get<1>(GetParam()) == "reference") {
        EXPECT_EQ(one, other);
    } else {
        EXPECT_LE(test::nmse(one, other), tolerance_);
    }
    EXPECT_LT(padded.executor().counts().n_compiled, exact.executor().counts().n_compiled);
}

TEST_P(ShapesTest, AServersLoadNeedsFewProgramsAndOneArena) {
    // An emulated GPU computes all padding, and takes minutes for what is the session's doing; a part of the load has to do
    // there.
    const std::string device = std::get<1>(GetParam());
    const bool is_host = device.starts_with("cpu") || device == "reference";
    const size_t n_step = is_host ? 40 : 4;
    Session s = session({.max_sequences = is_host ? 64 : 9, .max_batch_tokens = 128, .max_snapshots = 4});
    load(s, n_step, 1);
    const graph::Executor::Counts warm = s.executor().counts();
    EXPECT_LE(warm.n_compiled, 24u);
    EXPECT_EQ(warm.n_arenas, 1u);
    EXPECT_EQ(warm.n_bound_again, 0u);
    load(s, n_step, 2);
    load(s, n_step, 3);
    EXPECT_LE(s.executor().counts().n_compiled, 24u);
    const uint64_t before = s.executor().counts().n_compiled;
    load(s, n_step, 1);
    load(s, n_step, 2);
    EXPECT_EQ(s.executor().counts().n_compiled, before) << "nothing is compiled in the steady state";
    EXPECT_EQ(s.executor().counts().n_arenas, 1u);
}

INSTANTIATE_TEST_SUITE_P(Models, ShapesTest, every_model_and_device(), name_of_case);

}  // namespace
}  // namespace krait
