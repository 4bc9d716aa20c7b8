// SPDX-License-Identifier: Apache-2.0
//
// Hidden states of a decode: of the last token, of all, their mean; the same however an input is cut, padded or accompanied.
#include "tests/models/session_fixture.hpp"

namespace krait {
namespace {

using test::copy_of;

class HiddenTest : public SessionTest {
  protected:
    size_t width() const { return static_cast<size_t>(model_->shape().d_model); }
};

TEST_P(HiddenTest, LastAllAndMeanAgree) {
    const auto tokens = random_tokens(23, 1), other = random_tokens(7, 2);
    Session s = session({.max_sequences = 4});
    const auto decoded = s.decode({{.sequence = 0, .tokens = tokens, .hidden = WantHidden::all},
                                   {.sequence = 1, .tokens = other},
                                   {.sequence = 2, .tokens = tokens, .want = WantLogits::none, .hidden = WantHidden::last},
                                   {.sequence = 3, .tokens = tokens, .want = WantLogits::none, .hidden = WantHidden::mean}});
    ASSERT_TRUE(decoded) << decoded.error().message;
    ASSERT_EQ(s.hidden(0, 22).size(), width());
    EXPECT_TRUE(s.hidden(0, 23).empty());
    EXPECT_TRUE(s.hidden(1).empty()) << "none were wanted";
    EXPECT_TRUE(s.hidden(4).empty());
    EXPECT_TRUE(s.hidden(3, 1).empty()) << "a mean is one row";
    const auto last = copy_of(s.hidden(2));
    EXPECT_LE(test::nmse(copy_of(s.hidden(0, 22)), last), tolerance_);
    std::vector<float> mean(width(), 0.0f);
    for (size_t column = 0; column < width(); ++column) {
        double sum = 0;
        for (size_t row = 0; row < tokens.size(); ++row) sum += static_cast<double>(s.hidden(0, row)[column]);
        mean[column] = static_cast<float>(sum / 23);
    }
    EXPECT_LE(test::nmse(copy_of(s.hidden(3)), mean), tolerance_);
    EXPECT_EQ(s.logits(0).size(), static_cast<size_t>(model_->shape().n_vocab)) << "beside the logits";
    EXPECT_TRUE(s.logits(2).empty());

    ASSERT_TRUE(s.decode({{.sequence = 0, .tokens = other}}));
    EXPECT_TRUE(s.hidden(0).empty()) << "of the latest decode";
}

// However an input is cut, its mean is over all of its tokens.
TEST_P(HiddenTest, AMeanIsOverAllMicroBatches) {
    const auto tokens = random_tokens(40, 4), other = random_tokens(9, 5);
    std::vector<std::vector<float>> means, lasts;
    for (const int32_t rows : {512, 7, 16}) {
        Session s = session({.max_sequences = 3, .max_batch_tokens = rows});
        const auto decoded = s.decode({{.sequence = 0, .tokens = other, .hidden = WantHidden::mean},
                                       {.sequence = 1, .tokens = tokens, .hidden = WantHidden::mean},
                                       {.sequence = 2, .tokens = tokens, .hidden = WantHidden::last}});
        ASSERT_TRUE(decoded) << decoded.error().message;
        EXPECT_NE(copy_of(s.hidden(0)), copy_of(s.hidden(1)));
        means.push_back(copy_of(s.hidden(1)));
        lasts.push_back(copy_of(s.hidden(2)));
        ASSERT_TRUE(s.chain({.sequence = 0, .token = 1, .n_tok = 1}));
        EXPECT_TRUE(s.hidden(0).empty()) << "of the latest call";
    }
    for (size_t i = 1; i < means.size(); ++i) {
        EXPECT_LE(test::nmse(means[i], means[0]), tolerance_);
        EXPECT_LE(test::nmse(lasts[i], lasts[0]), tolerance_);
    }
}

// On a CPU a token has the same bits wherever it is read.
TEST_P(HiddenTest, DoNotDependOnChunksOrPadding) {
    const auto tokens = random_tokens(40, 3);
    std::vector<std::vector<float>> found;
    for (const SessionOptions& options :
         {SessionOptions{}, SessionOptions{.exact_shapes = true}, SessionOptions{.max_batch_tokens = 7},
          SessionOptions{.max_sequences = 9, .max_batch_tokens = 16}}) {
        Session s = session(options);
        const auto decoded = s.decode({{.sequence = 0, .tokens = tokens, .hidden = WantHidden::all}});
        ASSERT_TRUE(decoded) << decoded.error().message;
        found.emplace_back();
        for (size_t row = 0; row < tokens.size(); ++row)
            found.back().insert(found.back().end(), s.hidden(0, row).begin(), s.hidden(0, row).end());
    }
    for (const auto& other : found) {
        ASSERT_EQ(other.size(), 40 * width());
        if (std::get<1>(GetParam()).starts_with("cpu")) {
            EXPECT_EQ(other, found[0]);
        }
        EXPECT_LE(test::nmse(other, found[0]), tolerance_);
    }
}

INSTANTIATE_TEST_SUITE_P(Models, HiddenTest, every_model_and_device(), name_of_case);

}  // namespace
}  // namespace krait
