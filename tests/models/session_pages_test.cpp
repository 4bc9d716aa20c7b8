// SPDX-License-Identifier: Apache-2.0
//
// Memories of pages in sessions: each token's row is where its sequence finds it again, however runs are cut, sequences forked,
// rolled back, saved and moved. The rows of a sequence are compared with those of one that reads the same tokens alone.
#include <gtest/gtest.h>

#include "core/quant/half.hpp"
#include "models/memory/state_file.hpp"
#include "tests/golden/npy.hpp"
#include "tests/models/row_keeper.hpp"
#include "tests/models/session_fixture.hpp"

namespace krait {
namespace {

constexpr int64_t kPage = kRowsPerPage;

std::vector<int32_t> random_tokens(size_t n, uint32_t seed) {
    std::mt19937 random(seed);
    std::vector<int32_t> tokens(n);
    for (int32_t& token : tokens) token = static_cast<int32_t>(random() % test::kKeeperVocab);
    return tokens;
}

std::vector<int32_t> joined(std::span<const int32_t> a, std::span<const int32_t> b) {
    std::vector<int32_t> all(a.begin(), a.end());
    all.insert(all.end(), b.begin(), b.end());
    return all;
}

using PagesCase = std::tuple<bool, std::string>;  // with a recurrent state; device

class SessionPages : public testing::TestWithParam<PagesCase> {
  protected:
    void SetUp() override {
        const auto& [has_state, device] = GetParam();
        auto model = test::row_keeper(has_state, device);
        if (!model && model.error().code == ErrorCode::unavailable) GTEST_SKIP() << model.error().message;
        ASSERT_TRUE(model) << model.error().message;
        model_ = *model;
        is_exact_ = device == "reference" || device.starts_with("cpu");
    }
    bool has_state() const { return std::get<0>(GetParam()); }

    // With kDefaultCachedTokens in all, however many sequences there are.
    Session session(SessionOptions options = {}) const {
        if (options.max_cached_tokens == 0) options.max_cached_tokens = kDefaultCachedTokens;
        auto created = Session::create(model_, options);
        EXPECT_TRUE(created) << created.error().message;
        return std::move(*created);
    }
    static void read(Session& session, int32_t sequence, std::span<const int32_t> tokens) {
        const auto decoded = session.decode({{.sequence = sequence, .tokens = tokens}});
        ASSERT_TRUE(decoded) << decoded.error().message;
    }
    static StateFile saved(Session& session, int32_t sequence) {
        const auto bytes = session.save(sequence);
        EXPECT_TRUE(bytes) << bytes.error().message;
        auto file = decode_state_file(*bytes);
        EXPECT_TRUE(file) << file.error().message;
        return std::move(*file);
    }
    static std::vector<float> values_of(const StateSection& section) {
        const bool is_half = section.dtype == DType::F16;
        std::vector<float> values(section.bytes.size() / (is_half ? 2 : 4));
        for (size_t i = 0; i < values.size(); ++i) {
            uint16_t half = 0;
            if (is_half) std::memcpy(&half, &section.bytes[2 * i], 2), values[i] = f16_to_f32(half);
            else std::memcpy(&values[i], &section.bytes[4 * i], 4);
        }
        return values;
    }
    // That a sequence has read these tokens: its rows are those of a sequence that reads them alone, in one run, on the same
    // device. On a CPU no bit differs.
    void expect_has_read(Session& session, int32_t sequence, std::span<const int32_t> tokens) const {
        const auto known = session.tokens(sequence);
        ASSERT_TRUE(known);
        ASSERT_TRUE(std::equal(known->begin(), known->end(), tokens.begin(), tokens.end()));
        Session alone = this->session();
        read(alone, 0, tokens);
        const StateFile expected = saved(alone, 0), got = saved(session, sequence);
        ASSERT_EQ(got.sections.size(), expected.sections.size());
        for (size_t i = 0; i < got.sections.size(); ++i) {
            const StateSection &g = got.sections[i], &e = expected.sections[i];
            if (!g.has_pages) {  // the sequence's own state is the last one
                const auto last = std::span(g.bytes).last(e.bytes.size());
                EXPECT_TRUE(!is_exact_ || std::equal(last.begin(), last.end(), e.bytes.begin(), e.bytes.end())) << g.name;
                continue;
            }
            EXPECT_EQ(g.bytes.size(),
                      tokens.size() * test::kKeeperLayers * test::kKeeperWidth * (g.dtype == DType::F16 ? 2 : 4));
            if (is_exact_) EXPECT_EQ(g.bytes, e.bytes) << g.name;
            else EXPECT_LE(test::nmse(values_of(g), values_of(e)), g.dtype == DType::F16 ? 1e-6 : 1e-10) << g.name;
        }
    }

    std::shared_ptr<const Model> model_;
    bool is_exact_ = false;
};

TEST_P(SessionPages, RowsDoNotDependOnHowATextIsCut) {
    const auto tokens = random_tokens(2 * kPage + 11, 1);
    for (const size_t chunk : {size_t{1}, size_t{5}, static_cast<size_t>(kPage)})
        for (const int32_t max_batch : {512, 7}) {
            SCOPED_TRACE(fmt::format("{} tokens a call, {} rows a run", chunk, max_batch));
            Session s = session({.max_batch_tokens = max_batch});
            for (size_t first = 0; first < tokens.size(); first += chunk)
                read(s, 0, std::span(tokens).subspan(first, std::min(chunk, tokens.size() - first)));
            expect_has_read(s, 0, tokens);
            EXPECT_EQ(s.n_free_pages(), pages_of_rows(kDefaultCachedTokens) - 3);
        }
}

TEST_P(SessionPages, RowsAreThoseOfTheFormula) {
    if (std::get<1>(GetParam()) != "reference") GTEST_SKIP() << "one device suffices";
    const auto tokens = random_tokens(3, 2);
    Session s = session();
    read(s, 0, tokens);
    const StateFile file = saved(s, 0);
    ASSERT_EQ(file.sections[0].name, "keys");
    const auto keys = values_of(file.sections[0]);
    // The first layer's normed input, from the file's tensors.
    const auto tensor = [&](const char* name) {
        for (const GgufTensor& t : model_->source().tensors())
            if (t.name == name) return t.bytes;
        return std::span<const std::byte>();
    };
    std::vector<float> table(test::kKeeperVocab * test::kKeeperWidth), norm(test::kKeeperWidth);
    ASSERT_EQ(tensor("token_embd.weight").size(), table.size() * sizeof(float));
    std::memcpy(table.data(), tensor("token_embd.weight").data(), table.size() * sizeof(float));
    std::memcpy(norm.data(), tensor("blk.0.attn_norm.weight").data(), norm.size() * sizeof(float));
    for (size_t t = 0; t < tokens.size(); ++t) {
        const float* row = &table[static_cast<size_t>(tokens[t]) * test::kKeeperWidth];
        double sum = 0;
        for (size_t k = 0; k < test::kKeeperWidth; ++k) sum += static_cast<double>(row[k]) * row[k];
        for (size_t k = 0; k < test::kKeeperWidth; ++k)
            EXPECT_NEAR(keys[t * test::kKeeperWidth + k], row[k] * norm[k] / std::sqrt(sum / test::kKeeperWidth + 1e-5), 1e-5);
    }
}

TEST_P(SessionPages, ForksGoOnWithRowsOfTheirOwn) {
    const auto begin = random_tokens(kPage + 9, 3);
    const auto a = random_tokens(20, 4), b = random_tokens(30, 5), c = random_tokens(1, 6);
    Session s = session({.max_sequences = 3});
    read(s, 0, begin);
    ASSERT_TRUE(s.fork(0, 1));
    ASSERT_TRUE(s.fork(0, 2));
    const int64_t n_free = s.n_free_pages();
    // All three at once: each leaves the page that they share.
    ASSERT_TRUE(s.decode({{.sequence = 0, .tokens = a}, {.sequence = 1, .tokens = b}, {.sequence = 2, .tokens = c}}));
    expect_has_read(s, 0, joined(begin, a));
    expect_has_read(s, 1, joined(begin, b));
    expect_has_read(s, 2, joined(begin, c));
    EXPECT_EQ(s.n_free_pages(), n_free - 2 - 1) << "two copies of the last page, which the third keeps; one more for b";
    for (int32_t i = 0; i < 3; ++i) ASSERT_TRUE(s.reset(i));
    EXPECT_EQ(s.n_free_pages(), pages_of_rows(kDefaultCachedTokens));
}

TEST_P(SessionPages, SequencesGoBackToSnapshotsAndOn) {
    const auto tokens = random_tokens(2 * kPage + 20, 7), other = random_tokens(25, 8);
    const std::vector<size_t> places{5, kPage, kPage + 7};
    Session s = session({.max_sequences = 2, .max_batch_tokens = 16, .max_snapshots = 4});
    ASSERT_TRUE(s.decode({{.sequence = 0, .tokens = tokens, .snapshots = places}}));
    expect_has_read(s, 0, tokens);
    ASSERT_TRUE(s.fork(0, 1));
    for (const size_t place : {size_t{kPage + 7}, size_t{kPage}, size_t{5}}) {
        ASSERT_TRUE(s.rollback(0, place));
        const auto before = std::span(tokens).first(place);
        expect_has_read(s, 0, before);
        read(s, 0, other);
        expect_has_read(s, 0, joined(before, other));
    }
    expect_has_read(s, 1, tokens);
    ASSERT_TRUE(s.rollback(1, kPage + 7));
    expect_has_read(s, 1, std::span(tokens).first(kPage + 7));
}

TEST_P(SessionPages, CapturedStatesOutliveTheirSequence) {
    const auto tokens = random_tokens(kPage + 3, 9), more = random_tokens(4, 10);
    Session s = session({.max_sequences = 2, .max_snapshots = 1});
    read(s, 0, tokens);
    const auto kept = s.capture(0);
    ASSERT_TRUE(kept) << kept.error().message;
    read(s, 0, more);
    ASSERT_TRUE(s.reset(0));
    EXPECT_EQ(s.n_free_pages(), pages_of_rows(kDefaultCachedTokens) - 2);
    ASSERT_TRUE(s.resume(1, *kept, tokens));
    read(s, 1, more);
    expect_has_read(s, 1, joined(tokens, more));
}

TEST_P(SessionPages, SavedSequencesGoOnElsewhere) {
    const auto tokens = random_tokens(kPage + 17, 11), more = random_tokens(kPage, 12);
    const std::vector<size_t> places{3, kPage};
    Session s = session({.max_snapshots = 2});
    ASSERT_TRUE(s.decode({{.sequence = 0, .tokens = tokens, .snapshots = places}}));
    const auto bytes = s.save(0);
    ASSERT_TRUE(bytes) << bytes.error().message;
    Session there = session({.max_sequences = 2, .max_snapshots = 1});
    read(there, 0, more);  // so that pages have other numbers
    ASSERT_TRUE(there.restore(1, *bytes));
    expect_has_read(there, 1, tokens);
    EXPECT_EQ(there.snapshots(1)->size(), 1u) << "the latest, as there is room for one";
    read(there, 1, more);
    expect_has_read(there, 1, joined(tokens, more));
    ASSERT_TRUE(there.rollback(1, kPage));
    expect_has_read(there, 1, std::span(tokens).first(kPage));
    expect_has_read(there, 0, more);
}

TEST_P(SessionPages, SessionsMoveToOtherDevices) {
    const auto tokens = random_tokens(kPage + 5, 13), more = random_tokens(6, 14);
    Session s = session({.max_sequences = 2, .max_snapshots = 1});
    read(s, 0, tokens);
    ASSERT_TRUE(s.fork(0, 1));
    const auto kept = s.capture(0);
    ASSERT_TRUE(kept);
    const auto before = s.save(0);
    const auto reference = test::row_keeper(has_state(), "reference");
    ASSERT_TRUE(reference) << reference.error().message;
    const int64_t n_free = s.n_free_pages();
    ASSERT_TRUE(s.move_to(*reference));
    EXPECT_EQ(*s.save(0), *before);
    EXPECT_EQ(*s.save(1), *before);
    EXPECT_EQ(s.n_free_pages(), n_free);
    ASSERT_TRUE(s.resume(1, *kept, tokens)) << "snapshots of the application move too";
    model_ = *reference;
    is_exact_ = std::get<1>(GetParam()) == "reference";
    read(s, 0, more);
    expect_has_read(s, 0, joined(tokens, more));
}

TEST_P(SessionPages, ChainsKeepTheirRows) {
    const auto tokens = random_tokens(kPage - 3, 15);
    Session s = session({.max_chain = 16});
    read(s, 0, std::span(tokens).first(tokens.size() - 1));
    const auto chained = s.chain({.sequence = 0, .token = tokens.back(), .n_tok = 10});
    ASSERT_TRUE(chained) << chained.error().message;
    std::vector<int32_t> all = tokens;
    for (size_t i = 0; i + 1 < chained->size(); ++i) all.push_back((*chained)[i].token);
    expect_has_read(s, 0, all);
    // One that ends early: the rows behind its end are no longer the sequence's.
    const std::vector<int32_t> stops{chained->back().token};
    const int32_t next = chained->back().token;
    const auto stopped = s.chain({.sequence = 0, .token = next, .n_tok = 16, .stops = stops});
    ASSERT_TRUE(stopped) << stopped.error().message;
    all.push_back(next);
    for (size_t i = 0; i + 1 < stopped->size(); ++i) all.push_back((*stopped)[i].token);
    expect_has_read(s, 0, all);
    EXPECT_EQ(s.n_free_pages(), pages_of_rows(kDefaultCachedTokens) - pages_of_rows(static_cast<int64_t>(all.size())));
}

TEST_P(SessionPages, TooFewPagesChangeNothing) {
    const auto tokens = random_tokens(kPage, 16), more = random_tokens(2 * kPage + 1, 17);
    Session s = session({.max_sequences = 2, .max_snapshots = 1, .max_cached_tokens = 3 * kPage});
    read(s, 0, tokens);
    expect_error(s.decode({{.sequence = 0, .tokens = more}}), ErrorCode::out_of_memory,
                 "3 more pages of 32 tokens are needed, and 2 of 3 are free");
    expect_error(s.decode({{.sequence = 1, .tokens = std::span(more).first(kPage + 1)}, {.sequence = 0, .tokens = tokens}}),
                 ErrorCode::out_of_memory, "3 more pages of 32 tokens are needed, and 2 of 3 are free");
    EXPECT_EQ(s.n_free_pages(), 2);
    expect_has_read(s, 0, tokens);
    EXPECT_TRUE(s.tokens(1)->empty());

    // Nor does a saved sequence that does not fit; one fits in the place of the sequence itself.
    Session large = session();
    read(large, 0, joined(tokens, more));
    const auto four = large.save(0);
    expect_error(s.restore(1, *four), ErrorCode::out_of_memory, "take 4 pages of 32; 2 of 3 are free");
    expect_error(s.restore(0, *four), ErrorCode::out_of_memory, "take 4 pages of 32; 3 of 3 are free");
    expect_has_read(s, 0, tokens);
    ASSERT_TRUE(large.reset(0));
    read(large, 0, more);
    ASSERT_TRUE(s.restore(0, *large.save(0)));
    expect_has_read(s, 0, more);
    EXPECT_EQ(s.n_free_pages(), 0);

    // A copy of a shared page counts.
    ASSERT_TRUE(s.fork(0, 1));
    expect_error(s.decode({{.sequence = 1, .tokens = std::span(tokens).first(1)}}), ErrorCode::out_of_memory, "1 more page of");
    ASSERT_TRUE(s.reset(0));
    read(s, 1, std::span(tokens).first(1));
    expect_has_read(s, 1, joined(more, std::span(tokens).first(1)));
}

TEST_P(SessionPages, AnInterruptedPromptGivesItsPagesBack) {
    const auto tokens = random_tokens(3 * kPage, 18);
    Session s = session({.max_batch_tokens = 16});
    std::atomic<bool> cancel = false;
    const auto stopped = s.decode({{.sequence = 0, .tokens = tokens}},
                                  {.cancel = &cancel, .progress = [&](int64_t done, int64_t) { cancel = done >= kPage; }});
    expect_error(stopped, ErrorCode::cancelled, "cancelled");
    const size_t n_read = s.tokens(0)->size();
    EXPECT_LT(n_read, tokens.size());
    EXPECT_EQ(s.n_free_pages(), pages_of_rows(kDefaultCachedTokens) - pages_of_rows(static_cast<int64_t>(n_read)));
    read(s, 0, std::span(tokens).subspan(n_read));
    expect_has_read(s, 0, tokens);
}

TEST_P(SessionPages, WithoutAStateSequencesAreTruncatedAnywhere) {
    if (has_state()) GTEST_SKIP() << "a recurrent state goes back to snapshots only";
    const auto tokens = random_tokens(kPage + 20, 19), more = random_tokens(3, 20);
    Session s = session({.max_snapshots = 1});
    const std::vector<size_t> places{30};
    ASSERT_TRUE(s.decode({{.sequence = 0, .tokens = tokens, .snapshots = places}}));
    ASSERT_TRUE(s.rollback(0, kPage + 4));
    EXPECT_EQ(*s.position(0), kPage + 4);
    EXPECT_EQ(s.snapshots(0)->size(), 1u);
    read(s, 0, more);
    expect_has_read(s, 0, joined(std::span(tokens).first(kPage + 4), more));
    ASSERT_TRUE(s.remove(0, 7, Session::kEnd));
    EXPECT_TRUE(s.snapshots(0)->empty());
    expect_has_read(s, 0, std::span(tokens).first(7));
    expect_error(s.rollback(0, 8), ErrorCode::not_found, "sequence 0 has 7 tokens: it cannot go back to 8");
}

INSTANTIATE_TEST_SUITE_P(Models, SessionPages, testing::Combine(testing::Bool(), testing::ValuesIn(test::model_devices())),
                         [](const testing::TestParamInfo<PagesCase>& tested) {
                             return (std::get<0>(tested.param) ? "hybrid_" : "rows_") +
                                    test::as_identifier(std::get<1>(tested.param));
                         });

// A prompt as micro-batches that go through two devices.
TEST(SessionPagesOfTwoDevices, RowsAreThoseOfOne) {
    PlacementOptions one_each;
    one_each.layers = {1, 1};
    const auto two = test::row_keeper(true, "cpu,cpu", one_each), one = test::row_keeper(true, "cpu");
    ASSERT_TRUE(two) << two.error().message;
    ASSERT_TRUE(one) << one.error().message;
    const auto tokens = random_tokens(700, 21);
    auto a = Session::create(*two), b = Session::create(*one);
    ASSERT_TRUE(a && b);
    ASSERT_TRUE(a->decode({{.sequence = 0, .tokens = tokens}}));
    ASSERT_TRUE(b->decode({{.sequence = 0, .tokens = tokens}}));
    EXPECT_EQ(*a->save(0), *b->save(0));
}

TEST(SessionPagesOptions, AreChecked) {
    const auto model = test::row_keeper(true, "reference");
    ASSERT_TRUE(model) << model.error().message;
    for (const int64_t n : {int64_t{-1}, SessionOptions::kMaxCachedTokens + 1}) {
        const auto refused = Session::create(*model, {.max_cached_tokens = n});
        ASSERT_FALSE(refused);
        EXPECT_NE(refused.error().message.find("cached tokens: 0 (the default) to 1073741824 are possible"), std::string::npos)
            << refused.error().message;
    }
}

// Sections that are not this model's.
TEST(SessionPagesFiles, SectionsAreCheckedAgainstTheModel) {
    const auto model = test::row_keeper(true, "reference");
    ASSERT_TRUE(model) << model.error().message;
    auto session = Session::create(*model);
    ASSERT_TRUE(session);
    ASSERT_TRUE(session->decode({{.sequence = 0, .tokens = random_tokens(5, 22)}}));
    const auto sound = decode_state_file(*session->save(0));
    ASSERT_TRUE(sound);
    ASSERT_EQ(sound->sections.size(), 3u);
    const auto expect_refused = [&](auto&& spoil, const std::string& words, ErrorCode code = ErrorCode::corrupt_file) {
        StateFile spoilt = *sound;
        spoil(spoilt);
        expect_error(session->restore(0, encode_state_file(spoilt)), code, words);
        EXPECT_EQ(session->tokens(0)->size(), 5u);
    };
    expect_refused([](StateFile& f) { f.sections.pop_back(); }, "has 2 kinds of memory, this model has 3");
    expect_refused(
        [](StateFile& f) { f.sections[1].name = "scan"; },
        "section 1 of the saved state is 'scan', 2 memories of slots (F32 [2, 8]); this model has 'conv', 2 memories of "
        "slots (F32 [2, 8])");
    expect_refused([](StateFile& f) { f.sections[2].dtype = DType::F32; },
                   "keys and values of the sequence are F32, and this model keeps F16", ErrorCode::invalid_argument);
    expect_refused([](StateFile& f) { f.sections[0].bytes.pop_back(); },
                   "section 0 of the saved state, 'keys', has 319 bytes: 5 tokens and 0 snapshots take 320");
    expect_refused([](StateFile& f) { f.tokens.clear(); }, "0 tokens and 0 snapshots take 0");
}

}  // namespace
}  // namespace krait
