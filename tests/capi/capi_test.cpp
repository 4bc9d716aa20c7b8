// SPDX-License-Identifier: Apache-2.0
//
// include/krait/krait.h and krait.hpp, through the shared library.
#include <gtest/gtest.h>
#include <krait/krait.h>

#include <algorithm>
#include <cstring>
#include <krait/krait.hpp>

#include "tests/capi/value.hpp"
#include "tests/main/paths.hpp"

namespace kr = krait::api;

namespace {

using krait::test::value;

TEST(CApi, FileAndBuiltInDemoAreTheSame) {
    const kr::Model built_in = value(kr::Model::load()), file = value(kr::Model::load(::krait::test::kDemoModel, "cpu"));
    EXPECT_EQ(built_in.n_vocab(), file.n_vocab());
    EXPECT_EQ(built_in.architecture(), "mamba");
    EXPECT_EQ(file.device(), "cpu");
    EXPECT_GT(file.state_bytes(), 0u);
    EXPECT_EQ(value(built_in.tokenize("It was a fine day.")), value(file.tokenize("It was a fine day.")));
}

TEST(CApi, TextRoundTrips) {
    const kr::Model model = value(kr::Model::load());
    constexpr char kBytes[] = "caf\xc3\xa9\0 \xff\xfe, end";
    const std::string text(kBytes, sizeof kBytes - 1);
    EXPECT_EQ(value(model.detokenize(value(model.tokenize(text)))), text);
    EXPECT_TRUE(value(model.tokenize("")).empty());
}

TEST(CApi, SmallArraysAreToldTheSize) {
    const kr::Model model = value(kr::Model::load());
    size_t n_tok = 0;
    int32_t tokens[2] = {-7, -7};
    krait_failure failure{};
    const char* text = "It was a fine day in the middle of June.";
    EXPECT_EQ(krait_model_tokenize(model.get(), text, std::strlen(text), 0, tokens, 2, &n_tok, &failure),
              KRAIT_INVALID_ARGUMENT);
    EXPECT_GT(n_tok, 2u);
    EXPECT_EQ(tokens[0], -7) << "nothing is written where not all fits";
    EXPECT_NE(std::string(failure.message).find("the array 2"), std::string::npos) << failure.message;
    EXPECT_EQ(krait_model_tokenize(model.get(), text, std::strlen(text), 0, nullptr, 0, &n_tok, &failure), KRAIT_OK);
    EXPECT_STREQ(failure.message, "");
}

TEST(CApi, DecodesABatchOfSequences) {
    const kr::Model model = value(kr::Model::load());
    krait_session_options options = KRAIT_SESSION_OPTIONS_INIT;
    options.max_sequences = 2;
    kr::Session session = value(kr::Session::create(model, options));
    const auto first = value(model.tokenize("It was a fine day")), second = value(model.tokenize("She"));
    const krait_batch_item items[] = {kr::Session::item_of(first, 0, KRAIT_WANT_ALL),
                                      kr::Session::item_of(second, 1, KRAIT_WANT_LAST)};
    value(session.decode(items));
    const auto n_vocab = static_cast<size_t>(model.n_vocab());
    EXPECT_EQ(value(session.logits(0, first.size() - 1)).size(), n_vocab);
    EXPECT_EQ(value(session.logits(1)).size(), n_vocab);
    EXPECT_EQ(session.logits(0, first.size()).failure().code, KRAIT_NOT_FOUND);
    EXPECT_EQ(value(session.length(0)), first.size());
    EXPECT_EQ(value(session.length(1)), second.size());
}

TEST(CApi, SamplingIsReproducible) {
    const kr::Model model = value(kr::Model::load());
    const auto write = [&](uint64_t seed) {
        krait_sampler_options options = KRAIT_SAMPLER_OPTIONS_INIT;
        options.seed = seed;
        kr::Sampler sampler = value(kr::Sampler::create(options));
        kr::Session session = value(kr::Session::create(model));
        std::vector<int32_t> tokens = value(model.tokenize("It was"));
        value(session.decode(tokens));
        for (int i = 0; i < 20; ++i) {
            tokens.push_back(value(session.sample(sampler)));
            value(session.decode(std::span(&tokens.back(), 1)));
        }
        return tokens;
    };
    EXPECT_EQ(write(1), write(1));
    EXPECT_NE(write(1), write(2));
}

TEST(CApi, StatesAreSavedForkedAndReset) {
    const kr::Model model = value(kr::Model::load());
    krait_session_options options = KRAIT_SESSION_OPTIONS_INIT;
    options.max_sequences = 3;
    kr::Session session = value(kr::Session::create(model, options));
    value(session.decode(value(model.tokenize("The house stood"))));
    const auto saved = value(session.save());
    value(session.fork(0, 1));
    value(session.restore(saved, 2));
    EXPECT_EQ(value(session.save(1)), saved);
    EXPECT_EQ(value(session.save(2)), saved);
    value(session.reset(0));
    EXPECT_EQ(value(session.length(0)), 0u);
    EXPECT_EQ(session.restore(std::span(saved).first(10), 0).failure().code, KRAIT_CORRUPT_FILE);
}

TEST(CApi, ChainsChooseGreedily) {
    const kr::Model model = value(kr::Model::load());
    krait_sampler_options greedy = KRAIT_SAMPLER_OPTIONS_INIT;
    greedy.temperature = 0;
    kr::Sampler sampler = value(kr::Sampler::create(greedy));
    ASSERT_EQ(sampler.needs(), 1);
    krait_session_options options = KRAIT_SESSION_OPTIONS_INIT;
    EXPECT_EQ(options.max_chain, 1);
    options.max_chain = 0;  // of a caller who does not know of it
    const auto tokens = value(model.tokenize("It was"));
    kr::Session by_steps = value(kr::Session::create(model, options));
    options.max_chain = 6;
    kr::Session session = value(kr::Session::create(model, options));
    value(by_steps.decode_top(tokens, 1));
    value(session.decode_top(tokens, 1));
    std::vector<int32_t> expected{value(by_steps.sample(sampler))};
    for (int i = 0; i < 6; ++i) {
        value(by_steps.decode_top(std::span(&expected.back(), 1), 1));
        expected.push_back(value(by_steps.sample(sampler)));
    }
    const auto found = value(session.chain(expected[0], 100));
    ASSERT_EQ(found.size(), 6u) << "max_chain";
    for (size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i].token, expected[i + 1]);
    EXPECT_EQ(value(session.length()), tokens.size() + 6);
    EXPECT_EQ(value(session.candidates()).size(), 1u);
    EXPECT_EQ(value(session.sample(sampler)), expected.back());
    EXPECT_EQ(value(session.save()), value(by_steps.save()));

    value(session.reset());
    value(session.decode_top(tokens, 1));
    const int32_t stop = expected[3];
    const size_t n_found = value(session.chain(expected[0], 6, std::span(&stop, 1))).size();
    EXPECT_LE(n_found, 3u);
    EXPECT_EQ(value(session.length()), tokens.size() + n_found);

    EXPECT_EQ(session.chain(-5, 6).failure().code, KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(session.chain(1, 0).failure().code, KRAIT_INVALID_ARGUMENT);
    const krait_candidate* candidates = nullptr;
    size_t n = 0;
    EXPECT_EQ(krait_session_chain(session.get(), 0, 1, 2, nullptr, 1, &candidates, &n, nullptr), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(krait_session_chain(session.get(), 0, 1, 2, nullptr, 0, nullptr, &n, nullptr), KRAIT_INVALID_ARGUMENT);
}

TEST(CApi, CandidatesAreEnoughToSample) {
    const kr::Model model = value(kr::Model::load());
    const auto write = [&](bool top) {
        krait_sampler_options options = KRAIT_SAMPLER_OPTIONS_INIT;
        options.seed = 3;
        kr::Sampler sampler = value(kr::Sampler::create(options));
        EXPECT_EQ(sampler.needs(), 40);
        kr::Session session = value(kr::Session::create(model));
        std::vector<int32_t> tokens = value(model.tokenize("It was"));
        value(top ? session.decode_top(tokens, sampler.needs()) : session.decode(tokens));
        for (int i = 0; i < 20; ++i) {
            tokens.push_back(value(session.sample(sampler)));
            const std::span<const int32_t> last(&tokens.back(), 1);
            value(top ? session.decode_top(last, sampler.needs()) : session.decode(last));
        }
        return tokens;
    };
    EXPECT_EQ(write(true), write(false));

    kr::Session session = value(kr::Session::create(model));
    const auto tokens = value(model.tokenize("It was"));
    value(session.decode_top(tokens, 3));
    const auto candidates = value(session.candidates());
    ASSERT_EQ(candidates.size(), 3u);
    EXPECT_GE(candidates[0].logit, candidates[1].logit);
    EXPECT_EQ(session.logits().failure().code, KRAIT_NOT_FOUND);
    kr::Sampler sampler = value(kr::Sampler::create());
    EXPECT_EQ(session.sample(sampler).failure().code, KRAIT_INVALID_ARGUMENT) << "it wants 40";
    EXPECT_EQ(session.decode_top(tokens, 0).failure().code, KRAIT_INVALID_ARGUMENT);
    value(session.decode(tokens));
    EXPECT_EQ(session.candidates().failure().code, KRAIT_NOT_FOUND);
    krait_batch_item item = kr::Session::item_of(tokens, 0, KRAIT_WANT_NONE);
    const int unknown = 4;
    std::memcpy(&item.want, &unknown, sizeof item.want);
    EXPECT_EQ(session.decode(std::span(&item, 1)).failure().code, KRAIT_INVALID_ARGUMENT);
}

TEST(CApi, SequencesGoBackAndPositionsMove) {
    const kr::Model model = value(kr::Model::load());
    krait_session_options options = KRAIT_SESSION_OPTIONS_INIT;
    options.max_sequences = 2;
    options.max_snapshots = 2;
    kr::Session session = value(kr::Session::create(model, options));
    const auto tokens = value(model.tokenize("The house stood on a hill"));
    krait_batch_item item = kr::Session::item_of(tokens, 0, KRAIT_WANT_LAST);
    const size_t place = 2;
    item.snapshots = &place;
    item.n_snapshot = 1;
    value(session.decode(std::span(&item, 1)));
    value(session.snapshot());
    EXPECT_EQ(value(session.snapshots()), (std::vector<size_t>{2, tokens.size()}));
    EXPECT_EQ(session.decode(std::span(&item, 1)).failure().code, KRAIT_INVALID_ARGUMENT) << "two are in use";
    value(session.fork(0, 1));
    value(session.remove(2, -1));
    EXPECT_EQ(value(session.length()), 2u);
    EXPECT_EQ(value(session.position()), 2);
    value(session.add_to_positions(0, -1, 6));
    value(session.divide_positions(0, -1, 2));
    EXPECT_EQ(value(session.position()), 7 / 2 + 1);
    EXPECT_EQ(session.remove(1, -1).failure().code, KRAIT_UNSUPPORTED);
    value(session.rollback(tokens.size(), 1));
    value(session.drop_snapshot(2, 1));
    EXPECT_EQ(session.rollback(2, 1).failure().code, KRAIT_NOT_FOUND);
    value(session.keep(0));
    EXPECT_EQ(value(session.length(1)), 0u);
    EXPECT_EQ(value(session.length(0)), 2u);
    // An application from before there were snapshots.
    krait_session_options old = KRAIT_SESSION_OPTIONS_INIT;
    old.struct_size = offsetof(krait_session_options, max_snapshots);
    old.max_snapshots = -5;
    EXPECT_TRUE(static_cast<bool>(kr::Session::create(model, old)));
    size_t n = 0;
    EXPECT_EQ(krait_session_snapshots(session.get(), 0, nullptr, 0, &n, nullptr), KRAIT_OK);
    EXPECT_EQ(n, 1u);
}

TEST(CApi, ProgressMayStopTheLoading) {
    krait_model_options options = KRAIT_MODEL_OPTIONS_INIT;
    int calls = 0;
    options.user = &calls;
    options.progress = [](void* user, uint64_t, uint64_t) { return ++*static_cast<int*>(user) < 3 ? 0 : 1; };
    krait_model* model = nullptr;
    krait_failure failure{};
    EXPECT_EQ(krait_model_load(nullptr, &options, &model, &failure), KRAIT_CANCELLED);
    EXPECT_STREQ(failure.message, "cancelled while the model was loaded");
    EXPECT_EQ(model, nullptr);
    EXPECT_EQ(calls, 3);
}

TEST(CApi, MistakesAreSentences) {
    krait_failure failure{};
    krait_model* handle = nullptr;
    EXPECT_EQ(krait_model_load("no/such.gguf", nullptr, &handle, &failure), KRAIT_NOT_FOUND);
    EXPECT_NE(std::strstr(failure.message, "no/such.gguf"), nullptr) << failure.message;
    EXPECT_EQ(krait_model_load(nullptr, nullptr, nullptr, &failure), KRAIT_INVALID_ARGUMENT);
    krait_model_options options = KRAIT_MODEL_OPTIONS_INIT;
    options.device = "abacus";
    EXPECT_EQ(krait_model_load(nullptr, &options, &handle, &failure), KRAIT_NOT_FOUND);
    options.struct_size = 4096;
    EXPECT_EQ(krait_model_load(nullptr, &options, &handle, &failure), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(krait_session_create(nullptr, nullptr, nullptr, nullptr), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(krait_session_decode(nullptr, nullptr, 0, nullptr, &failure), KRAIT_INVALID_ARGUMENT);
    EXPECT_STREQ(failure.message, "session is NULL");

    const kr::Model model = value(kr::Model::load());
    kr::Session session = value(kr::Session::create(model));
    const int32_t bad = 1 << 30;
    EXPECT_EQ(session.decode(std::span(&bad, 1)).failure().code, KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(session.decode(std::span<const int32_t>()).failure().code, KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(session.logits().failure().code, KRAIT_NOT_FOUND);
    krait_sampler_options sampling = KRAIT_SAMPLER_OPTIONS_INIT;
    sampling.temperature = -1.0f;
    EXPECT_EQ(kr::Sampler::create(sampling).failure().code, KRAIT_INVALID_ARGUMENT);
    krait_model_free(nullptr);
    krait_session_free(nullptr);
    krait_sampler_free(nullptr);
}

TEST(CApi, SeveralDevicesSaySoAndSayTheSame) {
    const kr::Model one = value(kr::Model::load({}, "cpu"));
    EXPECT_EQ(value(kr::Model::load("", {})).n_layer(), one.n_layer()) << "one function takes {}";
    krait_model_options options = KRAIT_MODEL_OPTIONS_INIT;
    const char* place[] = {"blk[.]0[.]scan=cpu#2"};
    options.device = "cpu,cpu";
    options.layers = "2";
    options.place = place;
    options.n_place = 1;
    kr::Model two = value(kr::Model::load_with({}, options));
    EXPECT_EQ(two.device(), "cpu,cpu#2");
    const std::string table = value(two.explain(64));
    EXPECT_NE(table.find("layer 1: --layers 2"), std::string::npos) << table;
    EXPECT_NE(table.find("--place 'blk[.]0[.]scan'"), std::string::npos) << table;
    EXPECT_EQ(value(two.explain(64, KRAIT_EXPLAIN_DOT)).rfind("digraph krait {", 0), 0u);

    kr::Session expected = value(kr::Session::create(one)), session = value(kr::Session::create(two));
    const auto tokens = value(one.tokenize("It was a fine day in the middle of June, and"));
    ASSERT_TRUE(static_cast<bool>(expected.decode(tokens)));
    ASSERT_TRUE(static_cast<bool>(session.decode(tokens)));
    ASSERT_TRUE(static_cast<bool>(session.move_to(one)));
    const std::vector<int32_t> next{5};
    ASSERT_TRUE(static_cast<bool>(expected.decode(next)));
    ASSERT_TRUE(static_cast<bool>(session.decode(next)));
    EXPECT_EQ(value(session.length()), tokens.size() + 1);
    const auto a = value(expected.logits()), b = value(session.logits());
    EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin(), b.end())) << "one plugin computes both";
}

TEST(CApi, WrongPlacementsAreExplained) {
    krait_model_options options = KRAIT_MODEL_OPTIONS_INIT;
    options.device = "cpu,cpu";
    options.layers = "1,2,3";
    const auto too_many = kr::Model::load_with({}, options);
    ASSERT_FALSE(static_cast<bool>(too_many));
    EXPECT_EQ(too_many.failure().code, KRAIT_INVALID_ARGUMENT);
    EXPECT_NE(too_many.failure().message.find("--layers 1,2,3: 6 layers on 3 devices; the model has"), std::string::npos)
        << too_many.failure().message;
    options.layers = "two";
    EXPECT_NE(kr::Model::load_with({}, options).failure().message.find("numbers with commas between them are needed"),
              std::string::npos);
    options.layers = "";
    EXPECT_NE(kr::Model::load_with({}, options).failure().message.find("--layers ''"), std::string::npos)
        << "NULL says nothing";
    options.layers = nullptr;
    options.split = "";
    EXPECT_NE(kr::Model::load_with({}, options).failure().message.find("--split ''"), std::string::npos);
    options.split = nullptr;
    const char* limits[] = {"cpu=lots"};
    options.max_memory = limits;
    options.n_max_memory = 1;
    EXPECT_NE(kr::Model::load_with({}, options).failure().message.find("'cpu=lots' is no limit of memory"), std::string::npos);
}

}  // namespace
