// SPDX-License-Identifier: Apache-2.0
//
// Snapshots, rollback, keep, positions and remove: what a sequence says after any of it is what its tokens say alone.
#include <xxhash.h>

#include <set>

#include "models/memory/state_file.hpp"
#include "tests/models/session_fixture.hpp"

namespace krait {
namespace {

using test::copy_of;

class SequencesTest : public SessionTest {
  protected:
    std::vector<float> alone(std::span<const int32_t> tokens) const {
        const auto logits = all_logits(tokens, {100});
        return {logits.end() - model_->shape().n_vocab, logits.end()};
    }
};

TEST_P(SequencesTest, RollbackGoesOnAsBefore) {
    const auto tokens = random_tokens(20, 1), left = random_tokens(6, 2), right = random_tokens(9, 3);
    Session s = session({.max_snapshots = 1});
    ASSERT_TRUE(s.decode({{.sequence = 0, .tokens = tokens}}));
    ASSERT_TRUE(s.snapshot(0));
    ASSERT_TRUE(s.snapshot(0)) << "twice is once";
    ASSERT_TRUE(s.decode({{.sequence = 0, .tokens = left}}));
    const auto first = copy_of(s.logits(0));
    ASSERT_TRUE(s.rollback(0, 20));
    EXPECT_EQ(copy_of(*s.tokens(0)), tokens);
    ASSERT_TRUE(s.decode({{.sequence = 0, .tokens = right}}));
    auto path = tokens;
    path.insert(path.end(), right.begin(), right.end());
    EXPECT_LE(test::nmse(copy_of(s.logits(0)), alone(path)), tolerance_);
    ASSERT_TRUE(s.rollback(0, 20)) << "the snapshot stays";
    ASSERT_TRUE(s.decode({{.sequence = 0, .tokens = left}}));
    EXPECT_EQ(copy_of(s.logits(0)), first);
    ASSERT_TRUE(s.rollback(0, 0));
    EXPECT_TRUE(s.tokens(0)->empty());
    EXPECT_TRUE(s.snapshots(0)->empty());
}

// Snapshots that the application holds stay when their sequence is gone, and any sequence can go on from them.
TEST_P(SequencesTest, CapturedSnapshotsOutliveTheirSequence) {
    const auto tokens = random_tokens(12, 6), left = random_tokens(5, 7);
    Session s = session({.max_sequences = 2, .max_snapshots = 1});
    expect_error(s.capture(0).map([](const Snapshot&) {}), ErrorCode::invalid_argument, "has no tokens");
    ASSERT_TRUE(s.decode({{.sequence = 0, .tokens = tokens}}));
    {
        auto captured = s.capture(0);
        ASSERT_TRUE(captured) << captured.error().message;
        EXPECT_EQ(captured->n_tok, tokens.size());
        auto again = s.capture(0);
        EXPECT_TRUE(again) << "the same state is one snapshot";
        ASSERT_TRUE(s.decode({{.sequence = 0, .tokens = left}}));
        const auto expected = copy_of(s.logits(0));
        expect_error(s.capture(0).map([](const Snapshot&) {}), ErrorCode::invalid_argument, "keeps at most 1");
        ASSERT_TRUE(s.reset(0));
        for (const int32_t sequence : {1, 0}) {
            ASSERT_TRUE(s.resume(sequence, *captured, tokens));
            EXPECT_EQ(copy_of(*s.tokens(sequence)), tokens);
            EXPECT_EQ(*s.position(sequence), static_cast<int64_t>(tokens.size()));
            ASSERT_TRUE(s.decode({{.sequence = sequence, .tokens = left}}));
            EXPECT_EQ(copy_of(s.logits(0)), expected) << sequence;
        }
        Session other = session({.max_sequences = 2, .max_snapshots = 1});
        expect_error(other.resume(0, *captured, tokens), ErrorCode::invalid_argument, "another session");
        expect_error(s.resume(0, *captured, left), ErrorCode::invalid_argument, "after 12 tokens, 5 are given");
        expect_error(s.resume(0, Snapshot(), {}), ErrorCode::invalid_argument, "empty");
        expect_error(s.resume(2, *captured, tokens), ErrorCode::invalid_argument, "no sequence 2");
    }
    EXPECT_TRUE(s.capture(0)) << "dropping one makes room";
}

TEST_P(SequencesTest, StatesAreKeptOnTheWay) {
    const auto tokens = random_tokens(97, 4);
    const std::vector<size_t> places{1, 30, 31, 64, 97};
    const int32_t next = 5;
    for (const int32_t batch : {512, 10}) {
        Session s = session({.max_batch_tokens = batch, .max_snapshots = 5});
        ASSERT_TRUE(s.decode({{.sequence = 0, .tokens = tokens, .snapshots = places}}));
        EXPECT_LE(test::nmse(copy_of(s.logits(0)), alone(tokens)), tolerance_);
        ASSERT_EQ(s.snapshots(0)->size(), places.size());
        for (size_t i = places.size(); i-- > 0;) {
            EXPECT_EQ((*s.snapshots(0))[i].position, static_cast<int64_t>(places[i]));
            ASSERT_TRUE(s.rollback(0, places[i]));
            ASSERT_EQ(s.snapshots(0)->size(), i + 1) << "later ones are dropped";
            ASSERT_TRUE(s.decode({{.sequence = 0, .tokens = std::span(&next, 1)}}));
            std::vector<int32_t> path(tokens.begin(), tokens.begin() + static_cast<ptrdiff_t>(places[i]));
            path.push_back(next);
            EXPECT_LE(test::nmse(copy_of(s.logits(0)), alone(path)), tolerance_)
                << "batch " << batch << ", after " << places[i];
        }
    }
}

// Everything that sequences can go through, in random order, beside a book of what they should be.
TEST_P(SequencesTest, AnyOrderOfOperations) {
    constexpr int32_t kSequences = 3, kSnapshots = 4;
    Session s = session({.max_sequences = kSequences, .max_snapshots = kSnapshots});
    struct Expected {
        std::vector<int32_t> tokens;
        std::set<size_t> snapshots;
    };
    std::array<Expected, kSequences> book;
    std::mt19937 random(11);
    const auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
    size_t n_refused = 0;
    for (int step = 0; step < 300; ++step) {
        const size_t a = below(kSequences), b = below(kSequences);
        const auto sequence = static_cast<int32_t>(a);
        Expected& mine = book[a];
        const auto any_snapshot = [&] {
            return *std::next(mine.snapshots.begin(), static_cast<ptrdiff_t>(below(mine.snapshots.size())));
        };
        switch (below(12)) {
            case 0:
                ASSERT_TRUE(s.fork(sequence, static_cast<int32_t>(b)));
                if (a != b) book[b] = mine;
                break;
            case 1:
                ASSERT_TRUE(s.reset(sequence));
                mine = {};
                break;
            case 2:
                if (below(4) > 0) break;
                ASSERT_TRUE(s.keep(sequence));
                for (size_t other = 0; other < kSequences; ++other)
                    if (other != a) book[other] = {};
                break;
            case 3:
            case 4: {
                if (mine.tokens.empty()) break;
                const auto kept = s.snapshot(sequence);
                if (kept) {
                    mine.snapshots.insert(mine.tokens.size());
                } else {
                    expect_error(kept, ErrorCode::invalid_argument, "at most 4 (max_snapshots), 4 are in use");
                    ++n_refused;
                }
                break;
            }
            case 5:
            case 6: {
                if (mine.snapshots.empty()) break;
                const size_t to = any_snapshot();
                ASSERT_TRUE(s.rollback(sequence, to));
                mine.tokens.resize(to);
                mine.snapshots.erase(mine.snapshots.upper_bound(to), mine.snapshots.end());
                break;
            }
            case 7: {
                if (mine.snapshots.empty()) break;
                const size_t dropped = any_snapshot();
                ASSERT_TRUE(s.drop_snapshot(sequence, dropped));
                mine.snapshots.erase(dropped);
                break;
            }
            default: {
                std::array<std::vector<int32_t>, kSequences> parts;
                std::array<std::vector<size_t>, kSequences> places;
                std::vector<SequenceInput> batch;
                for (size_t q = 0; q < kSequences; ++q) {
                    if (q != a && below(2) == 0) continue;
                    parts[q] = random_tokens(1 + below(5), static_cast<uint32_t>(random()));
                    if (below(4) == 0) places[q] = {1 + below(parts[q].size())};
                    batch.push_back({.sequence = static_cast<int32_t>(q), .tokens = parts[q], .snapshots = places[q]});
                }
                const auto decoded = s.decode(batch);
                if (!decoded) {
                    expect_error(decoded, ErrorCode::invalid_argument, "this session keeps at most 4 (max_snapshots)");
                    ++n_refused;
                    break;
                }
                for (size_t q = 0; q < kSequences; ++q) {
                    for (const size_t place : places[q]) book[q].snapshots.insert(book[q].tokens.size() + place);
                    book[q].tokens.insert(book[q].tokens.end(), parts[q].begin(), parts[q].end());
                }
            }
        }
        for (size_t q = 0; q < kSequences; ++q) {
            ASSERT_EQ(copy_of(*s.tokens(static_cast<int32_t>(q))), book[q].tokens) << "step " << step << ", sequence " << q;
            std::set<size_t> places;
            const auto snapshots = s.snapshots(static_cast<int32_t>(q));
            for (const Snapshot& snapshot : *snapshots) places.insert(snapshot.n_tok);
            ASSERT_EQ(places, book[q].snapshots) << "step " << step << ", sequence " << q;
        }
    }
    EXPECT_GT(n_refused, 0u) << "the limit was never met: it is not tested";
    const int32_t next = 9;
    for (size_t q = 0; q < kSequences; ++q) {
        auto path = book[q].tokens;
        path.push_back(next);
        const auto decoded = s.decode({{.sequence = static_cast<int32_t>(q), .tokens = std::span(&next, 1)}});
        ASSERT_TRUE(decoded) << decoded.error().message;
        EXPECT_LE(test::nmse(copy_of(s.logits(0)), alone(path)), tolerance_)
            << "sequence " << q << " of " << path.size() << " tokens";
    }
}

TEST_P(SequencesTest, SavingCarriesSnapshots) {
    const auto tokens = random_tokens(25, 8);
    const std::vector<size_t> places{7, 16};
    Session s = session({.max_snapshots = 2});
    ASSERT_TRUE(s.decode({{.sequence = 0, .tokens = tokens, .snapshots = places}}));
    // Attention counts positions itself.
    const bool can_move = !model_->architecture().has_attention();
    const auto moved = s.add_to_positions(0, 10, Session::kEnd, 100);
    if (can_move) {
        ASSERT_TRUE(moved) << moved.error().message;
    } else {
        expect_error(moved, ErrorCode::unsupported, "cannot be moved");
    }
    const int64_t shift = can_move ? 100 : 0;
    const auto saved = s.save(0);
    ASSERT_TRUE(saved) << saved.error().message;

    Session same = session({.max_snapshots = 2});
    ASSERT_TRUE(same.restore(0, *saved));
    EXPECT_EQ(*same.save(0), *saved);
    EXPECT_EQ(*same.position(0), 25 + shift);
    Session small = session({.max_snapshots = 1});
    ASSERT_TRUE(small.restore(0, *saved));
    ASSERT_EQ(small.snapshots(0)->size(), 1u) << "as many as there is room for";
    ASSERT_TRUE(small.rollback(0, 16));
    EXPECT_EQ(*small.position(0), 16 + shift);
    const int32_t next = 3;
    ASSERT_TRUE(small.decode({{.sequence = 0, .tokens = std::span(&next, 1)}}));
    std::vector<int32_t> path(tokens.begin(), tokens.begin() + 16);
    path.push_back(next);
    EXPECT_LE(test::nmse(copy_of(small.logits(0)), alone(path)), tolerance_);
}

TEST_P(SequencesTest, SnapshotsMoveToOtherDevices) {
    const auto tokens = random_tokens(25, 9);
    const std::vector<size_t> places{7, 16};
    Session s = session({.max_sequences = 2, .max_snapshots = 2});
    ASSERT_TRUE(s.decode({{.sequence = 0, .tokens = tokens, .snapshots = places}}));
    ASSERT_TRUE(s.fork(0, 1));
    const auto saved = s.save(1);
    const auto reference = load_golden_model(std::get<0>(GetParam()), "reference");
    ASSERT_TRUE(reference);
    ASSERT_TRUE(s.move_to(*reference));
    EXPECT_EQ(*s.save(0), *saved);
    EXPECT_EQ(*s.save(1), *saved);
    expect_error(s.snapshot(0), ErrorCode::invalid_argument, "2 are in use");
    ASSERT_TRUE(s.reset(0));
    expect_error(s.snapshot(1), ErrorCode::invalid_argument, "2 are in use");
    ASSERT_TRUE(s.rollback(1, 7));
    ASSERT_TRUE(s.decode({{.sequence = 1, .tokens = std::span(tokens).subspan(7)}}));
    EXPECT_LE(test::nmse(copy_of(s.logits(0)), alone(tokens)), 1e-8);
    EXPECT_TRUE(s.snapshot(1));
}

INSTANTIATE_TEST_SUITE_P(Models, SequencesTest, every_model_and_device(), name_of_case);

// ---- positions, and what is refused: one model and device suffice ----------------------------------------------------------

class PositionsTest : public testing::Test {
  protected:
    void SetUp() override {
        auto model = Model::load(golden_model("mamba"), {.device = "cpu"});
        ASSERT_TRUE(model) << model.error().message;
        auto session = Session::create(*model, {.max_sequences = 2, .max_snapshots = 2});
        ASSERT_TRUE(session) << session.error().message;
        session_.emplace(std::move(*session));
        ASSERT_TRUE(session_->decode({{.sequence = 0, .tokens = tokens_, .snapshots = places_}}));
    }

    std::optional<Session> session_;
    std::vector<int32_t> tokens_{1, 2, 3, 4, 5, 6, 7, 8};
    std::vector<size_t> places_{3, 6};
};

TEST_F(PositionsTest, AddAndDivideMoveTheLatestToken) {
    Session& s = *session_;
    EXPECT_EQ(*s.position(0), 8);
    EXPECT_EQ(*s.position(1), 0);
    ASSERT_TRUE(s.add_to_positions(0, 0, 7, 10));
    EXPECT_EQ(*s.position(0), 8) << "the latest token is at 7";
    EXPECT_EQ((*s.snapshots(0))[1].position, 16);
    ASSERT_TRUE(s.add_to_positions(0, 7, 8, 10));
    EXPECT_EQ(*s.position(0), 18);
    ASSERT_TRUE(s.divide_positions(0, 0, Session::kEnd, 4));
    EXPECT_EQ(*s.position(0), 17 / 4 + 1);
    EXPECT_EQ((*s.snapshots(0))[0].position, 12 / 4 + 1);
    ASSERT_TRUE(s.add_to_positions(0, 0, Session::kEnd, -3));
    EXPECT_EQ(*s.position(0), 2);
    EXPECT_EQ((*s.snapshots(0))[0].position, 1);
    EXPECT_EQ(copy_of(*s.tokens(0)), tokens_) << "the state is untouched";
    const int32_t next = 9;
    ASSERT_TRUE(s.decode({{.sequence = 0, .tokens = std::span(&next, 1)}}));
    EXPECT_EQ(*s.position(0), 3);
    ASSERT_TRUE(s.fork(0, 1));
    EXPECT_EQ(*s.position(1), 3);
}

TEST_F(PositionsTest, WhatDoesNotFitChangesNothing) {
    Session& s = *session_;
    const auto before = s.save(0);
    expect_error(s.add_to_positions(0, 0, Session::kEnd, -6), ErrorCode::invalid_argument,
                 "position 2 of sequence 0 would become 2 less 6");
    expect_error(s.add_to_positions(0, 0, Session::kEnd, INT64_MAX), ErrorCode::invalid_argument, "would become");
    expect_error(s.add_to_positions(0, 0, Session::kEnd, INT64_MIN), ErrorCode::invalid_argument, "less 9223372036854775808");
    expect_error(s.divide_positions(0, 0, Session::kEnd, 0), ErrorCode::invalid_argument, "divided by 0");
    expect_error(s.add_to_positions(0, -2, 5, 1), ErrorCode::invalid_argument, "positions -2 to 5");
    expect_error(s.add_to_positions(0, 6, 5, 1), ErrorCode::invalid_argument, "positions 6 to 5");
    expect_error(s.add_to_positions(7, 0, 5, 1), ErrorCode::invalid_argument, "there is no sequence 7");
    EXPECT_EQ(*s.save(0), *before);
    ASSERT_TRUE(s.add_to_positions(1, 0, Session::kEnd, -6)) << "a sequence without tokens has no position to move";
}

TEST_F(PositionsTest, RemoveTakesWhatAStateCanGiveUp) {
    Session& s = *session_;
    const auto before = s.save(0);
    ASSERT_TRUE(s.remove(0, 2, 5)) << "the middle stays";
    ASSERT_TRUE(s.remove(0, 8, Session::kEnd)) << "nothing is there";
    ASSERT_TRUE(s.remove(0, 4, 4));
    EXPECT_EQ(*s.save(0), *before);
    expect_error(
        s.remove(0, 5, Session::kEnd), ErrorCode::unsupported,
        "positions 5 to 7 of sequence 0 cannot be taken off its end: a recurrent state goes back to snapshots only, and it "
        "has snapshots after 3, 6");
    EXPECT_EQ(*s.save(0), *before);
    ASSERT_TRUE(s.remove(0, 6, 8));
    EXPECT_EQ(s.tokens(0)->size(), 6u);
    ASSERT_TRUE(s.remove(0, 0, Session::kEnd));
    EXPECT_TRUE(s.tokens(0)->empty());
    EXPECT_TRUE(s.snapshots(0)->empty());
}

TEST_F(PositionsTest, EqualPositionsKeepWhatIsBeforeTheRange) {
    Session& s = *session_;
    ASSERT_TRUE(s.divide_positions(0, 0, Session::kEnd, 4));  // snapshots after 3 and 6, at 1 and 2
    ASSERT_TRUE(s.add_to_positions(0, 0, 1, 1));              // at 2 and 2
    ASSERT_EQ((*s.snapshots(0))[0].position, 2);
    ASSERT_EQ((*s.snapshots(0))[1].position, 2);
    ASSERT_EQ(*s.position(0), 2);
    const int32_t next = 9;
    ASSERT_TRUE(s.decode({{.sequence = 0, .tokens = std::span(&next, 1)}}));
    ASSERT_TRUE(s.remove(0, 2, Session::kEnd));
    EXPECT_EQ(s.tokens(0)->size(), 6u);
}

TEST_F(PositionsTest, TheLargestGoOnAndComeBack) {
    Session& s = *session_;
    expect_error(s.add_to_positions(0, 0, Session::kEnd, int64_t{1} << 62), ErrorCode::invalid_argument, "positions are 0 to");
    ASSERT_TRUE(s.add_to_positions(0, 0, Session::kEnd, (int64_t{1} << 62) - 7));
    ASSERT_TRUE(s.decode({{.sequence = 0, .tokens = tokens_}}));
    const auto saved = s.save(0);
    ASSERT_TRUE(s.restore(1, *saved));
    EXPECT_EQ(*s.position(1), *s.position(0));
}

TEST_F(PositionsTest, SharedStatesCountOnce) {
    Session& s = *session_;
    ASSERT_TRUE(s.rollback(0, 6));
    ASSERT_TRUE(s.fork(0, 1));
    ASSERT_TRUE(s.drop_snapshot(1, 6));
    EXPECT_TRUE(s.snapshot(1)) << "all 2 are in use, and this is one of them";
    EXPECT_EQ(s.snapshots(1)->size(), 2u);
}

TEST_F(PositionsTest, SavedBytesThatContradictThemselves) {
    Session& s = *session_;
    const auto saved = s.save(0);
    const auto sound = decode_state_file(*saved);
    ASSERT_TRUE(sound) << sound.error().message;
    ASSERT_EQ(sound->snapshots.size(), 2u);
    ASSERT_EQ(encode_state_file(*sound), *saved);
    const auto expect_refused = [&](auto&& spoil, const std::string& words) {
        StateFile spoilt = *sound;
        spoil(spoilt);
        expect_error(s.restore(1, encode_state_file(spoilt)), ErrorCode::corrupt_file, words);
        EXPECT_TRUE(s.tokens(1)->empty());
    };
    expect_refused([](StateFile& f) { f.position = -1; }, "the next token's position (byte 32) is -1");
    expect_refused([](StateFile& f) { f.position = INT64_MAX; }, "position (byte 32)");
    expect_refused([](StateFile& f) { f.snapshots[0].position = -1; }, "snapshot 0 is after 3 tokens, at position -1");
    expect_refused([](StateFile& f) { f.snapshots[0].n_tok = 0; }, "snapshot 0 is after 0 tokens");
    expect_refused([](StateFile& f) { f.snapshots[1].n_tok = 3; }, "snapshot 1 is after 3 tokens");
    expect_refused([](StateFile& f) { f.snapshots[1].n_tok = 9; }, "snapshot 1 is after 9 tokens");
    expect_refused([](StateFile& f) { f.tokens.clear(), f.snapshots.clear(); }, "0 tokens and 0 snapshots take 0");
    expect_refused([](StateFile& f) { f.snapshots.pop_back(); }, "8 tokens and 1 snapshots take");
    expect_refused([](StateFile& f) { f.sections[0].name.clear(); }, "section 0 of a saved state, at byte");
    expect_refused([](StateFile& f) { f.sections[0].n_memory = 0; }, "0 memories");
    // Numbers of the header, with a checksum that fits.
    const auto expect_header = [&](size_t at, uint64_t value, const std::string& words) {
        auto bytes = *saved;
        std::memcpy(bytes.data() + at, &value, at == 8 || at == 12 ? 4 : 8);
        const uint64_t checksum = XXH3_64bits(bytes.data(), bytes.size() - 8);
        std::memcpy(bytes.data() + bytes.size() - 8, &checksum, 8);
        expect_error(s.restore(1, bytes), ErrorCode::corrupt_file, words);
    };
    auto older = *saved;
    older[8] = std::byte{2};
    expect_error(s.restore(1, older), ErrorCode::unsupported,
                 "version 2 at byte 8: this Krait reads version 3 of saved states. Let the model read the tokens again");
    expect_header(12, 1, "bytes follow the last of 1 sections");
    expect_header(12, 3, "has a header of 80 bytes, but 0 follow");
    for (const uint64_t absurd : {uint64_t{1} << 61, uint64_t{1} << 62, UINT64_MAX, UINT64_MAX - 15}) {
        expect_header(24, absurd, "bytes follow it");
        expect_header(40, absurd, "bytes follow it");
    }
    // The length of the first section, behind its name, four numbers and three extents.
    const size_t section = 48 + 8 * 4 + 2 * 16;
    for (const uint64_t absurd : {uint64_t{1} << 40, UINT64_MAX}) expect_header(section + 72, absurd, "follow its header");
}

TEST_F(PositionsTest, Refusals) {
    Session& s = *session_;
    expect_error(s.rollback(0, 4), ErrorCode::not_found,
                 "sequence 0 has no snapshot after 4 tokens; it has snapshots after 3, 6");
    expect_error(s.rollback(1, 4), ErrorCode::not_found, "it has no snapshots");
    expect_error(s.drop_snapshot(0, 8), ErrorCode::not_found, "no snapshot after 8 tokens");
    expect_error(s.snapshot(1), ErrorCode::invalid_argument, "sequence 1 has no tokens");
    expect_error(s.snapshot(0), ErrorCode::invalid_argument,
                 "1 more snapshot: this session keeps at most 2 (max_snapshots), 2 are in use");
    for (const std::vector<size_t>& bad : {std::vector<size_t>{0}, {2, 2}, {3, 1}, {9}}) {
        expect_error(s.decode({{.sequence = 1, .tokens = tokens_, .snapshots = bad}}), ErrorCode::invalid_argument,
                     "they ascend");
        EXPECT_TRUE(s.tokens(1)->empty());
    }
    ASSERT_TRUE(s.drop_snapshot(0, 3));
    expect_error(s.decode({{.sequence = 1, .tokens = tokens_, .snapshots = places_}}), ErrorCode::invalid_argument,
                 "2 more snapshots: this session keeps at most 2 (max_snapshots), 1 are in use");
    EXPECT_TRUE(s.tokens(1)->empty());
    const auto model = Model::load(golden_model("mamba"), {.device = "cpu"});
    expect_error(Session::create(*model, {.max_forks = -1}).map([](const Session&) {}), ErrorCode::invalid_argument,
                 "-1 forks: 0 to 65536 are possible");
    expect_error(Session::create(*model, {.max_snapshots = -1}).map([](const Session&) {}), ErrorCode::invalid_argument,
                 "-1 snapshots");
}

}  // namespace
}  // namespace krait
