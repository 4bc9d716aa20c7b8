// SPDX-License-Identifier: Apache-2.0
//
// Progress bars on terminals: never wider than these, and none where nothing can be drawn.
#include <gtest/gtest.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/tools/pseudo_terminal.hpp"
#include "tests/tools/temporary_folder.hpp"

namespace {

using krait::test::PseudoTerminal;

class Progress : public krait::test::TemporaryFolder {
  protected:
    void SetUp() override {
        PseudoTerminal made(
            {"make-random", path("f16.gguf"), "--like", "mamba-130m", "--layers", "4", "--vocab", "4000", "--type", "f16"}, 80);
        ASSERT_EQ(made.exit_code(), 0) << made.seen();
    }

    // Takes half a second and more, as every weight is encoded by a search; the first frame comes after 200 ms.
    std::vector<std::string> slow() const {
        return {"quantize", path("f16.gguf"), path("q2_k.gguf"), "q2_k", "--threads", "1"};
    }

    // Frames, from each return of the cursor to the next control sequence.
    static std::vector<std::string> frames(const std::string& seen) {
        std::vector<std::string> found;
        for (size_t begin = 0, end = 0; (begin = seen.find('\r', end)) != std::string::npos;) {
            end = seen.find_first_of("\r\n\x1b", ++begin);
            if (end == std::string::npos) break;
            if (end > begin) found.push_back(seen.substr(begin, end - begin));
        }
        return found;
    }
    static size_t widest(const std::string& seen) {
        size_t widest = 0;
        for (const std::string& frame : frames(seen)) widest = std::max(widest, frame.size());
        return widest;
    }
};

TEST_F(Progress, FitsTheTerminal) {
    struct Terminal {
        unsigned short columns;
        std::string last;  // how the last frame ends
    };
    const std::vector<Terminal> terminals = {{100, "] 100%  18159360 of 18159360"},
                                             {60, "] 100%  18159360 of 18159360"},
                                             {40, "\rquantizing [#####################] 100%"},
                                             {24, "\rquantizing 100%"},
                                             {13, "\rquanti~ 100%"},
                                             {10, "\rqua~ 100%"},
                                             {5, "\r100%"}};
    for (const auto& [columns, last] : terminals) {
        PseudoTerminal terminal(slow(), columns);
        EXPECT_EQ(terminal.exit_code(), 0) << terminal.seen();
        EXPECT_LT(widest(terminal.seen()), columns) << terminal.seen();
        EXPECT_NE(terminal.seen().find(last + "\x1b[K"), std::string::npos) << columns << "\n" << terminal.seen();
    }
}

TEST_F(Progress, FollowsTheTerminalsSize) {
    PseudoTerminal terminal(slow(), 100);
    ASSERT_TRUE(terminal.wait_for("\rquantizing"));
    terminal.resize(30);
    EXPECT_EQ(terminal.exit_code(), 0);
    const auto shown = frames(terminal.seen());
    EXPECT_GT(shown.front().size(), 60u) << terminal.seen();
    EXPECT_LT(shown.back().size(), 30u) << terminal.seen();
}

// A terminal that does not know its size.
TEST_F(Progress, UsesColumnsElse) {
    PseudoTerminal terminal(slow(), 0, {{"COLUMNS", "40"}});
    EXPECT_EQ(terminal.exit_code(), 0);
    EXPECT_EQ(widest(terminal.seen()), 39u) << terminal.seen();
}

TEST_F(Progress, DumbTerminalsHaveNone) {
    for (const char* term : {"dumb", ""}) {
        PseudoTerminal terminal(slow(), 80, {{"TERM", term}});
        EXPECT_EQ(terminal.exit_code(), 0);
        EXPECT_EQ(terminal.seen().find("quantizing"), std::string::npos) << terminal.seen();
        EXPECT_EQ(terminal.seen().find('\x1b'), std::string::npos) << terminal.seen();
    }
}

}  // namespace
