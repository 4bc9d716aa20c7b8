// SPDX-License-Identifier: Apache-2.0
//
// HellaSwag: batched and forked, the likelihoods are those of each ending read alone; bad files are told by their line.
#include "models/evaluation/hellaswag.hpp"

#include <algorithm>

#include "tests/models/evaluation_fixture.hpp"

namespace krait::test {
namespace {

class HellaswagTest : public EvaluationTest {
  protected:
    static std::string sample() {
        std::ifstream stream("tests/models/data/hellaswag.txt", std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }
    std::vector<HellaswagTask> tasks() const {
        const auto parsed = parse_hellaswag(sample());
        EXPECT_TRUE(parsed) << parsed.error().message;
        return *parsed;
    }
};

TEST(HellaswagFile, IsRead) {
    const auto tasks = parse_hellaswag("A man\n2\n a\nb\r\nc  \nd\nTwo women\n0\ne\nf\ng\nh\n\n");
    ASSERT_TRUE(tasks) << tasks.error().message;
    ASSERT_EQ(tasks->size(), 2u);
    EXPECT_EQ((*tasks)[0].context, "A man");
    EXPECT_EQ((*tasks)[0].right, 2);
    EXPECT_EQ((*tasks)[0].endings, (std::array<std::string, 4>{"a", "b", "c", "d"}));
    EXPECT_EQ((*tasks)[1].line, 7);
    const auto first = parse_hellaswag("A man\n2\na\nb\nc\nd\nanything", 1);
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_EQ(first->size(), 1u);
}

TEST(HellaswagFile, ErrorsNameTheLine) {
    expect_error(parse_hellaswag(""), ErrorCode::invalid_argument, "there are no tasks");
    expect_error(parse_hellaswag("\n\n"), ErrorCode::invalid_argument, "there are no tasks");
    expect_error(parse_hellaswag("A man\n4\na\nb\nc\nd"), ErrorCode::invalid_argument,
                 "line 2 is '4'; the index of the right ending, 0 to 3 is expected");
    expect_error(parse_hellaswag("A man\na\nb\nc\nd\n1"), ErrorCode::invalid_argument, "line 2 is 'a'");
    expect_error(parse_hellaswag("{\"ctx\": 1}\n{\"ctx\": \"a line that is longer than forty characters\"}"),
                 ErrorCode::invalid_argument, "line 2 is '{\"ctx\": \"a line that is longer than fort'... (");
    expect_error(parse_hellaswag("A man\n1\na\nb\n\nd"), ErrorCode::invalid_argument,
                 "line 5 is empty; an ending is expected there");
    const auto tab_at_the_end = parse_hellaswag("A man\n1\na\nb\nc\nd\n\t\n");
    ASSERT_TRUE(tab_at_the_end) << tab_at_the_end.error().message;
    EXPECT_EQ(tab_at_the_end->size(), 1u);
    expect_error(parse_hellaswag("A man\n1\na\nb\nc\nd\n\nA man"), ErrorCode::invalid_argument,
                 "line 7 is empty; the context of a task");
    expect_error(parse_hellaswag("A man\n1\na\nb\nc\nd\nA man\n1\na"), ErrorCode::invalid_argument,
                 "ends after line 9, inside the task that begins at line 7: 3 of its 6 lines are there");
}

TEST_F(HellaswagTest, LikelihoodsAreThoseOfEachEndingAlone) {
    auto all = tasks();
    all.resize(KRAIT_QUICK_TESTS ? 2 : 5);
    all[1].endings[2] = "so";  // a single token: nothing is read after the fork
    all[1].endings[3] = "caf\u00e9 na\u00efve";
    const auto run = measure_hellaswag(model_, all, {.batch = 3});
    ASSERT_TRUE(run) << run.error().message;
    int64_t n_right = 0, n_right_normalized = 0;
    for (size_t t = 0; t < all.size(); ++t) {
        std::array<double, 4> plain{}, normalized{};
        for (size_t e = 0; e < 4; ++e) {
            const auto context = tokenizer_->encode(all[t].context, {.add_bos = false, .add_eos = false});
            const auto whole =
                tokenizer_->encode(all[t].context + " " + all[t].endings[e], {.add_bos = false, .add_eos = false});
            ASSERT_TRUE(context && whole);
            const auto rows = read_one_by_one(*whole);
            for (size_t i = context->size(); i < whole->size(); ++i) plain[e] += rows[i - 1][static_cast<size_t>((*whole)[i])];
            EXPECT_NEAR(run->scores[t].log_likelihood[e], plain[e], 1e-3) << "task " << t << ", ending " << e;
            const double n_char =
                all[t].endings[e] == "caf\u00e9 na\u00efve" ? 10 : static_cast<double>(all[t].endings[e].size());
            normalized[e] = plain[e] / n_char;
            EXPECT_NEAR(run->scores[t].normalized[e], normalized[e], 1e-3);
        }
        const auto right = static_cast<size_t>(all[t].right);
        n_right += *std::max_element(plain.begin(), plain.end()) == plain[right];
        n_right_normalized += *std::max_element(normalized.begin(), normalized.end()) == normalized[right];
    }
    EXPECT_EQ(run->n_right, n_right);
    EXPECT_EQ(run->n_right_normalized, n_right_normalized);
}

TEST_F(HellaswagTest, TheBatchDoesNotMatter) {
    const auto all = tasks();
    const auto alone = measure_hellaswag(model_, all, {.batch = 1});
    ASSERT_TRUE(alone) << alone.error().message;
    for (const int32_t batch : {3, 100}) {
        int64_t last = 0;
        const auto together =
            measure_hellaswag(model_, all, {.batch = batch, .progress = [&](int64_t done, int64_t, int64_t) { last = done; }});
        ASSERT_TRUE(together) << together.error().message;
        EXPECT_EQ(last, static_cast<int64_t>(all.size()));
        EXPECT_EQ(together->n_read, alone->n_read);
        for (size_t t = 0; t < all.size(); ++t)
            for (size_t e = 0; e < 4; ++e)
                EXPECT_NEAR(together->scores[t].log_likelihood[e], alone->scores[t].log_likelihood[e], 1e-3);
    }
}

// Sentences against words in no order: even a small model that knows nothing tells them apart.
TEST_F(HellaswagTest, TheDemoModelKnowsASentence) {
    const auto all = tasks();
    const auto run = measure_hellaswag(model_, all);
    ASSERT_TRUE(run) << run.error().message;
    EXPECT_GE(run->n_right_normalized, static_cast<int64_t>(all.size()) - 1);
}

TEST_F(HellaswagTest, BadInputAndCancelling) {
    const auto all = tasks();
    expect_error(measure_hellaswag(model_, {}), ErrorCode::invalid_argument, "there are no tasks");
    expect_error(measure_hellaswag(model_, all, {.batch = 0}), ErrorCode::invalid_argument, "a batch of 0 tasks");
    const std::atomic<bool> cancel{true};
    expect_error(measure_hellaswag(model_, all, {.cancel = &cancel}), ErrorCode::cancelled, "cancelled after 0 of 8 tasks");
}

}  // namespace
}  // namespace krait::test
