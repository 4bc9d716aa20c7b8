// SPDX-License-Identifier: Apache-2.0
//
// Candidates: the most likely tokens that a device finds are those of the logits, in any mix of wishes, cut and batched.
#include <algorithm>

#include "models/sampler/sampler.hpp"
#include "tests/models/session_fixture.hpp"

namespace krait {
namespace {

using test::copy_of;

class CandidatesTest : public SessionTest {
  protected:
    std::vector<Candidate> top_k(std::span<const float> logits, size_t k) const {
        std::vector<Candidate> all;
        for (int32_t token = 0; token < model_->n_token(); ++token) all.push_back({logits[static_cast<size_t>(token)], token});
        std::sort(all.begin(), all.end(), likelier);
        all.resize(std::min(k, all.size()));
        return all;
    }
    void expect_same(std::span<const Candidate> found, std::span<const Candidate> expected) const {
        ASSERT_EQ(found.size(), expected.size());
        for (size_t i = 0; i < found.size(); ++i) {
            EXPECT_EQ(found[i].token, expected[i].token) << "place " << i;
            EXPECT_NEAR(found[i].logit, expected[i].logit, 1e-3) << "place " << i;
        }
    }
};

TEST_P(CandidatesTest, AreTheTopKTokens) {
    const auto a = random_tokens(40, 1), b = random_tokens(7, 2), c = random_tokens(1, 3), d = random_tokens(23, 4);
    for (const int32_t batch : {512, 16}) {
        Session plain = session({.max_sequences = 4, .max_batch_tokens = batch});
        ASSERT_TRUE(plain.decode({{.sequence = 0, .tokens = a},
                                  {.sequence = 1, .tokens = b},
                                  {.sequence = 2, .tokens = c},
                                  {.sequence = 3, .tokens = d, .want = WantLogits::all}}));
        Session s = session({.max_sequences = 4, .max_batch_tokens = batch});
        ASSERT_TRUE(s.decode({{.sequence = 0, .tokens = a, .want = WantLogits::top, .top_k = 5},
                              {.sequence = 1, .tokens = b},
                              {.sequence = 2, .tokens = c, .want = WantLogits::top, .top_k = 1},
                              {.sequence = 3, .tokens = d, .want = WantLogits::all}}));
        expect_same(s.candidates(0), top_k(plain.logits(0), 5));
        expect_same(s.candidates(2), top_k(plain.logits(2), 1));
        EXPECT_TRUE(s.candidates(1).empty());
        EXPECT_TRUE(s.candidates(4).empty());
        EXPECT_TRUE(s.logits(0).empty());
        EXPECT_LE(test::nmse(copy_of(s.logits(1)), copy_of(plain.logits(1))), tolerance_);
        for (size_t row = 0; row < d.size(); ++row)
            EXPECT_LE(test::nmse(copy_of(s.logits(3, row)), copy_of(plain.logits(3, row))), tolerance_) << row;
        // Steps of all; then one that wants more than there is.
        const int32_t next = 6;
        const std::span<const int32_t> one(&next, 1);
        ASSERT_TRUE(plain.decode({{.sequence = 3, .tokens = one}, {.sequence = 0, .tokens = one}}));
        ASSERT_TRUE(s.decode({{.sequence = 3, .tokens = one, .want = WantLogits::top, .top_k = 3},
                              {.sequence = 0, .tokens = one, .want = WantLogits::top, .top_k = 100000}}));
        expect_same(s.candidates(0), top_k(plain.logits(0), 3));
        EXPECT_EQ(s.candidates(1).size(), static_cast<size_t>(model_->n_token()));
        EXPECT_EQ(s.candidates(1)[0].token, top_k(plain.logits(1), 1)[0].token);
    }
}

TEST_P(CandidatesTest, SampleLikeAllLogits) {
    for (const SamplerOptions& options : {SamplerOptions{.temperature = 0}, SamplerOptions{.top_k = 20, .seed = 4}}) {
        auto from_logits = Sampler::create(options), from_candidates = Sampler::create(options);
        Session plain = session(), s = session();
        std::vector<int32_t> tokens = random_tokens(5, 8);
        for (int step = 0; step < 30; ++step) {
            ASSERT_TRUE(plain.decode({{.sequence = 0, .tokens = tokens}}));
            ASSERT_TRUE(
                s.decode({{.sequence = 0, .tokens = tokens, .want = WantLogits::top, .top_k = from_candidates->n_needed()}}));
            const auto n_token = static_cast<size_t>(model_->n_token());
            const auto expected = from_logits->sample(plain.logits(0).first(n_token));
            const auto chosen = from_candidates->sample(s.candidates(0), n_token);
            ASSERT_TRUE(chosen) << chosen.error().message;
            ASSERT_EQ(*chosen, *expected) << "step " << step;
            tokens = {*chosen};
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Models, CandidatesTest, every_model_and_device(), name_of_case);

TEST(Candidates, NoneAreNotWanted) {
    const auto model = Model::load(golden_model("mamba"), {.device = "cpu"});
    auto s = Session::create(*model);
    const std::vector<int32_t> tokens{1, 2};
    expect_error(s->decode({{.sequence = 0, .tokens = tokens, .want = WantLogits::top}}), ErrorCode::invalid_argument,
                 "the 0 most likely tokens are wanted; at least 1 is possible");
    EXPECT_TRUE(s->tokens(0)->empty());
}

}  // namespace
}  // namespace krait
