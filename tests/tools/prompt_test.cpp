// SPDX-License-Identifier: Apache-2.0
//
// Prompts typed into `krait run`: what the editor makes of keys and pastes, and that a terminal is as it was afterwards.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <termios.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "tests/tools/pseudo_terminal.hpp"
#include "tests/tools/run_command.hpp"
#include "tests/tools/temporary_folder.hpp"

namespace {

using krait::test::PseudoTerminal;
using krait::test::run_krait;

// `krait run` that generates nothing: each prompt comes back as it was read.
class PromptEditor : public krait::test::TemporaryFolder {
  protected:
    void SetUp() override {
        TemporaryFolder::SetUp();
        if (run_krait("--version").text.find("editor    libedit") == std::string::npos)
            GTEST_SKIP() << "krait was built without libedit";
    }

    std::vector<std::pair<std::string, std::string>> home() const {
        return {{"HOME", folder_.string()}, {"XDG_STATE_HOME", path("state")}};
    }
    // Types keys and expects that this is the prompt that was read, as it comes back behind what was typed.
    static void expect_read(PseudoTerminal& terminal, const std::string& keys, const std::string& prompt) {
        terminal.type(keys);
        EXPECT_TRUE(terminal.wait_for("\x1b[?2004l" + prompt + "\r")) << keys << "\n" << terminal.seen();
        EXPECT_TRUE(terminal.wait_for("\n\r\n\x1b[?2004h> ")) << keys << "\n" << terminal.seen();
    }
    static bool is_cooked(const PseudoTerminal& terminal) {
        termios modes{};
        return tcgetattr(terminal.fd(), &modes) == 0 && (modes.c_lflag & ICANON) && (modes.c_lflag & ECHO) &&
               (modes.c_iflag & ICRNL);
    }
    static std::ptrdiff_t n_tokens(const std::string& text) {
        const std::string ids = run_krait("tokenize --ids --no-special -p '" + text + "'", krait::test::Streams::output).text;
        return 1 + std::ranges::count(ids, ',');
    }
    std::string history() const {
        std::ifstream file(path("state/krait/history"));
        return {std::istreambuf_iterator<char>(file), {}};
    }

    const std::vector<std::string> run_{"run", "-n", "0", "--no-timings"};
};

TEST_F(PromptEditor, KeysMakeAPrompt) {
    PseudoTerminal terminal(run_, 80, home());
    ASSERT_TRUE(terminal.wait_for("> ")) << terminal.seen();
    EXPECT_NE(terminal.seen().find("Alt-Enter"), std::string::npos);
    expect_read(terminal, "The sea\r", "The sea");
    expect_read(terminal, "The sea\n", "The sea");                                        // Ctrl-J, and what scripts send
    expect_read(terminal, "sea\x01The \x05 was\r", "The sea was");                        // Ctrl-A, Ctrl-E
    expect_read(terminal, "The \xC3\xBC\xE4\xB8\x96\x1b[D\x7fo\r", "The o\xE4\xB8\x96");  // characters, not bytes
    expect_read(terminal, "a\x1b\rb\x1b\nc\r", "a\r\nb\r\nc");                            // Alt-Enter
    expect_read(terminal, "a\\\rb\r", "a\r\nb");                                          // a backslash at the end
    expect_read(terminal, "a\tb\r", "a\tb");
    expect_read(terminal, "a\x80\xff z\r", "a\\x80\\xff z");  // no UTF-8, and shown escaped
    expect_read(terminal, "\x1b[A\x1b[A\x1b[A\r", "a\r\nb");  // Up: what was typed before
    terminal.type("\x04");
    EXPECT_EQ(terminal.exit_code(), 0) << terminal.seen();
}

TEST_F(PromptEditor, APasteIsOnePrompt) {
    PseudoTerminal terminal(run_, 80, home());
    ASSERT_TRUE(terminal.wait_for("\x1b[?2004h> ")) << terminal.seen();
    expect_read(terminal, "\x1b[200~one\rtwo\r\nthree\nfour\x1b[201~\r", "one\r\ntwo\r\nthree\r\nfour");
    expect_read(terminal, "<\x1b[200~a\x1b[31m\x1b[201~>\r", "<a\\x1b[31m>");
    expect_read(terminal, "\x1b[200~/quit\rb\x1b[201~\r", "/quit\r\nb");
    terminal.type("/quit\r");
    EXPECT_EQ(terminal.exit_code(), 0) << terminal.seen();
}

// A terminal by itself hands out lines of 4095 bytes.
TEST_F(PromptEditor, LinesOfAnyLength) {
    std::string words;  // most of them one token, some tell where they stand
    for (int i = 0; words.size() < 4500; ++i) words += i % 50 == 0 ? " w" + std::to_string(i) : " the";
    PseudoTerminal terminal(run_, 80, home());
    ASSERT_TRUE(terminal.wait_for("> ")) << terminal.seen();
    expect_read(terminal, words + "\r", words);
    expect_read(terminal, "\x1b[200~" + words + words + "\x1b[201~\r", words + words);
    expect_read(terminal, "\x1b[A\x1b[A\x1b[B\x01<\r", "<" + words + words);  // from the history, and at its front
    terminal.type("\x04");
    EXPECT_EQ(terminal.exit_code(), 0);
}

TEST_F(PromptEditor, CtrlCClearsThePrompt) {
    PseudoTerminal terminal(run_, 80, home());
    ASSERT_TRUE(terminal.wait_for("> ")) << terminal.seen();
    terminal.type("wrong");
    ASSERT_TRUE(terminal.wait_for("wrong"));
    terminal.type("\x03");
    ASSERT_TRUE(terminal.wait_for("^C\r\n\x1b[?2004l\x1b[?2004h> ")) << terminal.seen();
    terminal.type("wrong\\\r");
    ASSERT_TRUE(terminal.wait_for(". "));
    terminal.type("\x1b[200~wrong");
    terminal.type("\x03");
    ASSERT_TRUE(terminal.wait_for("> ")) << terminal.seen();
    expect_read(terminal, "right\r", "right");
    terminal.type("\x04");
    EXPECT_EQ(terminal.exit_code(), 0);
}

// While the model writes Ctrl-C stops it, and the next prompt is asked for.
TEST_F(PromptEditor, CtrlCStopsTheModel) {
    PseudoTerminal terminal({"run", "-n", "-1", "--ignore-eos"}, 80, home());
    ASSERT_TRUE(terminal.wait_for("> ")) << terminal.seen();
    terminal.type("The sea\r");
    ASSERT_TRUE(terminal.wait_for("\x1b[?2004lThe sea")) << terminal.seen();
    EXPECT_TRUE(is_cooked(terminal));
    terminal.type("\x03");
    ASSERT_TRUE(terminal.wait_for("\x1b[?2004h> ")) << terminal.seen();
    EXPECT_FALSE(is_cooked(terminal));
    terminal.type("\x04");
    EXPECT_EQ(terminal.exit_code(), 0);
}

// A Ctrl-C that comes when the answer can be stopped no longer (here: in the only run of the model) does not count for the next
// prompt, and neither do several at the editor.
TEST_F(PromptEditor, CtrlCDoesNotCountForTheNextPrompt) {
    PseudoTerminal terminal({"run", "-n", "0", "-d", "reference"}, 80, home());
    ASSERT_TRUE(terminal.wait_for("\x1b[?2004h> ")) << terminal.seen();
    for (int i = 0; i < 5; ++i) terminal.type("\x03");
    ASSERT_TRUE(terminal.wait_for("\x1b[?2004h> ")) << terminal.seen();
    std::string words = "start";
    for (int i = 0; i < 80; ++i) words += " the";
    terminal.type("\x1b[200~" + words + "\x1b[201~\r");
    ASSERT_TRUE(terminal.wait_for("\x1b[?2004lstart the")) << terminal.seen();
    usleep(100000);
    terminal.type("\x03");
    ASSERT_TRUE(terminal.wait_for("\x1b[?2004h> ")) << terminal.seen();
    terminal.type("the the\r");
    ASSERT_TRUE(terminal.wait_for("\x1b[?2004lthe the")) << terminal.seen();
    ASSERT_TRUE(terminal.wait_for("\r\n\r\n\x1b[?2004h> ")) << terminal.seen();  // a slow build shows progress in between
    terminal.type("\x04");
    EXPECT_EQ(terminal.exit_code(), 0) << terminal.seen();
    // Both were read: the figures count the tokens of both.
    const auto n_tok = n_tokens(words) + n_tokens("the the");
    EXPECT_TRUE(std::regex_search(terminal.seen(), std::regex("prompt +" + std::to_string(n_tok) + " tokens")))
        << n_tok << "\n"
        << terminal.seen();
}

TEST_F(PromptEditor, SignalsLeaveTheTerminalAsItWas) {
    for (const int signal : {SIGTERM, SIGHUP, SIGQUIT}) {
        PseudoTerminal terminal(run_, 80, home());
        ASSERT_TRUE(terminal.wait_for("> ")) << terminal.seen();
        terminal.type("abc");
        ASSERT_TRUE(terminal.wait_for("abc")) << terminal.seen();
        EXPECT_FALSE(is_cooked(terminal));
        kill(terminal.child(), signal);
        EXPECT_TRUE(terminal.wait_for("\x1b[?2004l")) << terminal.seen();
        EXPECT_EQ(terminal.exit_code(), -signal);
        EXPECT_TRUE(is_cooked(terminal)) << signal;
    }
}

TEST_F(PromptEditor, HistoryIsKeptForItsOwner) {
    {
        PseudoTerminal terminal(run_, 80, home());
        ASSERT_TRUE(terminal.wait_for("> ")) << terminal.seen();
        expect_read(terminal, "first\r", "first");
        expect_read(terminal, "\x1b[200~second\rof two \\ lines\x1b[201~\r", "second\r\nof two \\ lines");
        kill(terminal.child(), SIGTERM);  // it is kept at once
        EXPECT_EQ(terminal.exit_code(), -SIGTERM);
    }
    struct stat file {
    }, folder{};
    ASSERT_EQ(stat(path("state/krait/history").c_str(), &file), 0);
    ASSERT_EQ(stat(path("state/krait").c_str(), &folder), 0);
    EXPECT_EQ(file.st_mode & 0777, 0600u);
    EXPECT_EQ(folder.st_mode & 0777, 0700u);
    const std::string kept = history();
    {
        std::vector<std::string> run = run_;
        run.push_back("--no-history");
        PseudoTerminal terminal(run, 80, home());
        ASSERT_TRUE(terminal.wait_for("> ")) << terminal.seen();
        expect_read(terminal, "secret\r", "secret");
        expect_read(terminal, "\x1b[A\x1b[A\r", "secret");
        terminal.type("\x04");
        EXPECT_EQ(terminal.exit_code(), 0);
    }
    EXPECT_EQ(history(), kept);
    PseudoTerminal terminal(run_, 80, home());
    ASSERT_TRUE(terminal.wait_for("> ")) << terminal.seen();
    expect_read(terminal, "\x1b[A\r", "second\r\nof two \\ lines");
    expect_read(terminal, "\x1b[A\x1b[A\r", "first");
    terminal.type("\x04");
    EXPECT_EQ(terminal.exit_code(), 0);
}

// A file that is none of its own, and folders that cannot be made, are left alone and are no error.
TEST_F(PromptEditor, HistoryThatCannotBeKept) {
    std::filesystem::create_directories(path("state/krait"));
    std::ofstream(path("state/krait/history")) << "notes of somebody else\n";
    for (const char* state : {"state", "state/krait/history"}) {
        PseudoTerminal terminal(run_, 80, {{"HOME", folder_.string()}, {"XDG_STATE_HOME", path(state)}});
        ASSERT_TRUE(terminal.wait_for("> ")) << terminal.seen();
        expect_read(terminal, "a\r", "a");
        terminal.type("\x04");
        EXPECT_EQ(terminal.exit_code(), 0);
        EXPECT_EQ(history(), "notes of somebody else\n");
    }
}

// Nobody writes into the pipe: to open it for reading, or for writing, would wait for ever.
TEST_F(PromptEditor, AHistoryThatIsAPipeIsNotOpened) {
    std::filesystem::create_directories(path("state/krait"));
    ASSERT_EQ(mkfifo(path("state/krait/history").c_str(), 0600), 0);
    PseudoTerminal terminal(run_, 80, home());
    ASSERT_TRUE(terminal.wait_for("\x1b[?2004h> ")) << terminal.seen();
    expect_read(terminal, "a\r", "a");
    expect_read(terminal, "\x1b[A\r", "a");
    terminal.type("\x04");
    EXPECT_EQ(terminal.exit_code(), 0);
}

// A file of more than 2000 prompts is cut to the last 1000.
TEST_F(PromptEditor, ALongHistoryIsCutWithoutLoss) {
    std::filesystem::create_directories(path("state/krait"));
    std::string old = "_HiStOrY_V2_\n";
    for (int i = 0; i < 2500; ++i) old += "prompt" + std::to_string(i) + "\n";
    std::ofstream(path("state/krait/history")) << old;
    chmod(path("state/krait/history").c_str(), 0600);
    const auto enter = [&](const std::string& prompt) {
        PseudoTerminal terminal(run_, 80, home());
        EXPECT_TRUE(terminal.wait_for("\x1b[?2004h> ")) << terminal.seen();
        expect_read(terminal, prompt + "\r", prompt);
        terminal.type("\x04");
        EXPECT_EQ(terminal.exit_code(), 0);
    };
    {  // another session has the file in hand
        const int other = open(path("state/krait/history").c_str(), O_RDONLY | O_CLOEXEC);
        ASSERT_EQ(flock(other, LOCK_EX), 0);
        enter("locked");
        close(other);
        old += "locked\n";
        EXPECT_EQ(history(), old);
    }
    {  // the disk is full: no file may get as long
        rlimit limit{};
        getrlimit(RLIMIT_FSIZE, &limit);
        const rlimit small{.rlim_cur = 4000, .rlim_max = limit.rlim_max};
        const auto before = std::signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &small);
        PseudoTerminal terminal(run_, 80, home());
        setrlimit(RLIMIT_FSIZE, &limit);
        std::signal(SIGXFSZ, before);
        EXPECT_TRUE(terminal.wait_for("\x1b[?2004h> ")) << terminal.seen();
        terminal.type("\x04");
        EXPECT_EQ(terminal.exit_code(), 0);
        EXPECT_EQ(history(), old);
    }
    enter("last");
    std::string cut = "_HiStOrY_V2_\n";
    for (int i = 1501; i < 2500; ++i) cut += "prompt" + std::to_string(i) + "\n";
    EXPECT_EQ(history(), cut + "locked\nlast\n");
    struct stat file {};
    ASSERT_EQ(stat(path("state/krait/history").c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 0777, 0600u);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path("state/krait")), {}), 1) << "a partial file is left";
}

// The window's size may change, and text go on.
TEST_F(PromptEditor, ResizedTerminals) {
    PseudoTerminal terminal(run_, 80, home());
    ASSERT_TRUE(terminal.wait_for("> ")) << terminal.seen();
    terminal.type("abc");
    ASSERT_TRUE(terminal.wait_for("abc"));
    terminal.resize(20);
    ASSERT_TRUE(terminal.wait_for("> abc")) << terminal.seen();
    expect_read(terminal, "def\r", "abcdef");
    terminal.type("\x04");
    EXPECT_EQ(terminal.exit_code(), 0);
}

// Where nothing can be drawn, the terminal hands out lines, and says nothing of what it cut off: so krait does.
TEST_F(PromptEditor, DumbTerminalsHandOutLines) {
    auto environment = home();
    environment.emplace_back("TERM", "dumb");
    PseudoTerminal terminal(run_, 80, environment);
    ASSERT_TRUE(terminal.wait_for("> ")) << terminal.seen();
    EXPECT_TRUE(is_cooked(terminal));
    terminal.type("The sea\n");
    ASSERT_TRUE(terminal.wait_for("The sea\r\nThe sea\r\n")) << terminal.seen();
    ASSERT_TRUE(terminal.wait_for("> "));
    terminal.type(std::string(5000, 'x') + "\n");
    EXPECT_TRUE(terminal.wait_for("lines of at most 4095 bytes")) << terminal.seen();
    terminal.type("\x04");
    EXPECT_EQ(terminal.exit_code(), 0);
    EXPECT_EQ(terminal.seen().find('\x1b'), std::string::npos) << terminal.seen();
}

}  // namespace
