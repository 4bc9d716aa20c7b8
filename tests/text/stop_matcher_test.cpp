// SPDX-License-Identifier: Apache-2.0
//
// Stop texts in a text that comes piece by piece, against a search in the whole text.
#include <gtest/gtest.h>

#include "core/base/random.hpp"
#include "text/tokenizer/stop_matcher.hpp"

namespace krait::test {
namespace {

using Texts = std::vector<std::string>;

StopMatcher matcher(Texts stops) { return StopMatcher::create(std::move(stops)).value(); }

TEST(StopMatcher, PassesOnWhatIsCertain) {
    StopMatcher stops = matcher({"User:"});
    EXPECT_EQ(stops.push("Yes. Us"), "Yes. ");
    EXPECT_EQ(stops.push("e"), "");
    EXPECT_EQ(stops.push("ful, U"), "Useful, ");
    EXPECT_EQ(stops.push("ser"), "");
    EXPECT_EQ(stops.found(), std::nullopt);
    EXPECT_EQ(stops.push(": and more"), "");
    EXPECT_EQ(stops.found(), "User:");
    EXPECT_EQ(stops.push("and more"), "") << "after the end";
}

TEST(StopMatcher, HoldsBackNoMoreThanTheBeginningOfAStopText) {
    StopMatcher stops = matcher({"aab", "b!"});
    EXPECT_EQ(stops.push("aaa"), "a") << "the last two may become aab";
    EXPECT_EQ(stops.push("c"), "aac");
    EXPECT_EQ(stops.push("xb"), "x");
    EXPECT_EQ(stops.flush(), "b") << "the text is over, and this is no stop text";
    EXPECT_EQ(stops.push("!"), "!") << "of the next text";
}

TEST(StopMatcher, StopsInTheMiddleOfAPiece) {
    StopMatcher stops = matcher({"\n\n"});
    EXPECT_EQ(stops.push("one\n\ntwo"), "one");
    EXPECT_EQ(stops.found(), "\n\n");
    EXPECT_EQ(stops.flush(), "");
    EXPECT_EQ(stops.found(), std::nullopt);
    EXPECT_EQ(stops.push("next"), "next");
}

// The one that is complete first; of those that end together the longest.
TEST(StopMatcher, OfSeveralTheFirstCounts) {
    EXPECT_EQ(matcher({"abcd", "bc"}).push("xabcd"), "xa");
    EXPECT_EQ(matcher({"bc", "abc"}).push("xabcd"), "x");
    EXPECT_EQ(matcher({"later", "now"}).push("now or later"), "");
}

TEST(StopMatcher, WithoutStopTextsEverythingPasses) {
    StopMatcher stops = matcher({});
    EXPECT_EQ(stops.push("any text"), "any text");
    EXPECT_EQ(stops.flush(), "");
}

TEST(StopMatcher, AnEmptyStopTextIsRefused) {
    const auto stops = StopMatcher::create({"a", ""});
    ASSERT_FALSE(stops);
    EXPECT_EQ(stops.error().code, ErrorCode::invalid_argument);
    EXPECT_NE(stops.error().message.find("stop text 2 of 2 is empty"), std::string::npos) << stops.error().message;
}

// Characters of several bytes are bytes here; a piece may end inside one.
TEST(StopMatcher, CutsCharactersAnywhere) {
    const std::string text = "caf\u00e9 \u2603 end", stop = "\u2603";
    for (size_t cut = 0; cut <= text.size(); ++cut) {
        StopMatcher stops = matcher({stop});
        std::string out = stops.push(text.substr(0, cut));
        out += stops.push(text.substr(cut));
        EXPECT_EQ(out, "caf\u00e9 ") << cut;
    }
}

// The text before the first end of any stop text, found without the matcher.
std::string cut_at_first(const std::string& text, const Texts& stops) {
    for (size_t end = 1; end <= text.size(); ++end) {
        size_t longest = 0;
        for (const std::string& stop : stops)
            if (stop.size() <= end && text.compare(end - stop.size(), stop.size(), stop) == 0)
                longest = std::max(longest, stop.size());
        if (longest > 0) return text.substr(0, end - longest);
    }
    return text;
}

// Few letters, so that stop texts overlap each other and themselves.
TEST(StopMatcher, DoesNotDependOnHowTheTextIsCut) {
    Random random(11);
    const auto letters = [&](size_t n) {
        std::string text;
        for (size_t i = 0; i < n; ++i) text += static_cast<char>('a' + random.next() % 2);
        return text;
    };
    size_t n_found = 0;
    for (int round = 0; round < 3000; ++round) {
        Texts texts;
        for (uint64_t i = 1 + random.next() % 3; i > 0; --i) texts.push_back(letters(1 + random.next() % 6));
        const std::string text = letters(random.next() % 24);
        StopMatcher stops = matcher(texts);
        std::string out;
        for (size_t done = 0; done < text.size() && !stops.found();) {
            const size_t n = random.next() % 4;
            out += stops.push(std::string_view(text).substr(done, n));
            done += n;
        }
        n_found += stops.found().has_value();
        out += stops.flush();
        ASSERT_EQ(out, cut_at_first(text, texts)) << text;
    }
    EXPECT_GT(n_found, 1000u);
    EXPECT_LT(n_found, 2900u);
}

}  // namespace
}  // namespace krait::test
