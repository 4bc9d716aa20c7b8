// SPDX-License-Identifier: Apache-2.0
//
// A device that fails at any moment, with a model that keeps rows in pages: what sequences have read is there afterwards, and
// no page is lost.
#include "models/memory/state_file.hpp"
#include "models/session/session.hpp"
#include "tests/golden/npy.hpp"
#include "tests/main/paths.hpp"
#include "tests/models/row_keeper.hpp"

namespace krait {
namespace {

constexpr int64_t kPages = 40;

class PagesFaultTest : public testing::TestWithParam<const char*> {
  protected:
    static void SetUpTestSuite() { PluginRegistry::instance().add_folder(test::kFaultPlugin); }
    void SetUp() override {
        PluginRegistry::instance().set_log([this](krait_log_level level, const std::string& message) {
            if (level == KRAIT_LOG_ERROR) complaints_ += message + "\n";
        });
        std::mt19937 random(5);
        for (int32_t& token : tokens_) token = static_cast<int32_t>(random() % test::kKeeperVocab);
    }
    void TearDown() override {
        PluginRegistry::instance().set_log({});
        EXPECT_EQ(complaints_, "") << "handles leaked";
    }

    static SessionOptions options() {
        return {.max_sequences = 3,
                .max_batch_tokens = 24,
                .max_snapshots = 2,
                .max_cached_tokens = kPages * kRowsPerPage,
                .max_chain = 4};
    }
    static std::vector<std::byte> keys_of(Session& session, int32_t sequence) {
        const auto saved = session.save(sequence);
        if (!saved) return {};
        const auto file = decode_state_file(*saved);
        EXPECT_TRUE(file) << file.error().message;
        return file->sections[0].bytes;
    }
    // A prompt that is cut, with a snapshot on the way; a fork, and both go on, on a copy of the page that they share; a chain;
    // back to the snapshot and on.
    Result<void> use(Session& session) const {
        const std::span<const int32_t> tokens = tokens_;
        const size_t place[] = {20};
        KRAIT_CHECK(session.decode({{.sequence = 0, .tokens = tokens.first(40), .snapshots = place}}));
        KRAIT_CHECK(session.fork(0, 1));
        KRAIT_CHECK(
            session.decode({{.sequence = 0, .tokens = tokens.subspan(40, 5)}, {.sequence = 1, .tokens = tokens.first(30)}}));
        KRAIT_TRY(const auto chained, session.chain({.sequence = 1, .token = 1, .n_tok = 4}));
        if (chained.empty()) return fail(ErrorCode::internal, "an empty chain");
        KRAIT_CHECK(session.rollback(0, 20));
        KRAIT_CHECK(session.decode({{.sequence = 0, .tokens = tokens.first(50)}}));
        KRAIT_TRY(const auto saved, session.save(0));
        return session.restore(2, saved);
    }
    // The rows of a sequence are those of its tokens, where it is not one that was half written.
    void expect_rows_of_its_tokens(Session& session, int32_t sequence) {
        const auto tokens = session.tokens(sequence);
        ASSERT_TRUE(tokens);
        const auto keys = keys_of(session, sequence);
        if (keys.empty() || tokens->empty()) return;
        auto alone = Session::create(cpu_);
        ASSERT_TRUE(alone);
        ASSERT_TRUE(alone->decode({{.sequence = 0, .tokens = *tokens}}));
        const auto expected = keys_of(*alone, 0);
        ASSERT_EQ(keys.size(), expected.size());
        std::vector<float> got(keys.size() / 4), wanted(keys.size() / 4);
        std::memcpy(got.data(), keys.data(), keys.size());
        std::memcpy(wanted.data(), expected.data(), keys.size());
        EXPECT_LE(test::nmse(got, wanted), 1e-9) << "sequence " << sequence;
        ++n_compared_;
    }

    std::shared_ptr<const Model> cpu_;
    std::vector<int32_t> tokens_ = std::vector<int32_t>(60);
    std::string complaints_;
    int n_compared_ = 0;
};

TEST_P(PagesFaultTest, RowsStayAndNoPageIsLost) {
    auto cpu = test::row_keeper(true, "cpu");
    ASSERT_TRUE(cpu) << cpu.error().message;
    cpu_ = *cpu;
    PlacementOptions one_each;
    one_each.layers = {1, 1};
    const std::string what = GetParam();
    int n_failed = 0, n_passed = 0;
    for (int n = 1; n_passed == 0 && n < 400; ++n) {
        SCOPED_TRACE(fmt::format("{}={}", what, n));
        const auto model = test::row_keeper(true, fmt::format("fault0:{}={},cpu", what, n), one_each);
        if (!model) continue;  // an allocation of a weight
        auto session = Session::create(*model, options());
        if (!session) continue;
        const auto used = use(*session);
        used ? ++n_passed : ++n_failed;
        if (what != "lose")
            for (int32_t i = 0; i < 3; ++i) expect_rows_of_its_tokens(*session, i);
        for (int32_t i = 0; i < 3; ++i) ASSERT_TRUE(session->reset(i));
        EXPECT_EQ(session->n_free_pages(), kPages);
        if (what == "lose" || used) continue;
        ASSERT_TRUE(use(*session)) << "the fault comes once";
        for (int32_t i = 0; i < 3; ++i) expect_rows_of_its_tokens(*session, i);
    }
    EXPECT_EQ(n_passed, 1) << "the last fault comes after the end";
    EXPECT_GE(n_failed, what == "fail_copy" ? 1 : 5);
    if (what != "lose") {
        EXPECT_GT(n_compared_, 3 * n_failed);
    }
}

INSTANTIATE_TEST_SUITE_P(Faults, PagesFaultTest, testing::Values("fail_alloc", "fail_run", "fail_write", "fail_copy", "lose"),
                         [](const testing::TestParamInfo<const char*>& tested) { return std::string(tested.param); });

}  // namespace
}  // namespace krait
