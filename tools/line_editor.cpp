// SPDX-License-Identifier: Apache-2.0
//
// The editor on libedit. libedit edits and draws; here are the keys that it lacks, bracketed paste, and reading from the
// terminal, so that signals and bytes that are no UTF-8 are dealt with in one place.
#include "tools/line_editor.hpp"

#include <histedit.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <string_view>
#include <system_error>

#include "tools/held_signals.hpp"
#include "tools/output.hpp"
#include "tools/prompt_history.hpp"
#include "tools/terminal.hpp"
#include "tools/wide_text.hpp"

namespace krait::tools {
namespace {

constexpr std::wstring_view kPasteEnd = L"\033[201~";

class LibeditEditor final : public LineEditor {
  public:
    explicit LibeditEditor(const std::optional<std::filesystem::path>& history);
    ~LibeditEditor() override;
    bool is_open() const { return editor_ != nullptr; }

    api::Result<bool> read(std::string& text) override;

  private:
    static LibeditEditor& of(EditLine* editor);
    static wchar_t* prompt(EditLine* editor);
    static int next_character(EditLine* editor, wchar_t* character);
    static unsigned char begin_line(EditLine* editor, wint_t);
    static unsigned char paste(EditLine* editor, wint_t);

    void bind_keys();
    api::Result<bool> edit_line(std::wstring& line);
    void set_terminal(bool for_editing);
    bool obey(int signal);

    std::FILE* screen_;
    EditLine* editor_ = nullptr;
    PromptHistory history_;
    const HeldSignals* signals_ = nullptr;  // while a line is edited
    std::string ahead_;                     // bytes that were read and are no characters yet
    bool goes_on_ = false;                  // this line is not the first one of its prompt
    bool interrupted_ = false;              // by Ctrl-C
    int error_ = 0;                         // of the read that failed
};

LibeditEditor::LibeditEditor(const std::optional<std::filesystem::path>& history)
    : screen_(fdopen(dup(STDERR_FILENO), "w")), history_(history) {
    if (!screen_) return;
    editor_ = el_init("krait", stdin, screen_, screen_);
    if (editor_) bind_keys();
}

LibeditEditor::~LibeditEditor() {
    if (editor_) el_end(editor_);
    if (screen_) std::fclose(screen_);
}

LibeditEditor& LibeditEditor::of(EditLine* editor) {
    void* self = nullptr;
    el_wget(editor, EL_CLIENTDATA, &self);
    return *static_cast<LibeditEditor*>(self);
}

void LibeditEditor::bind_keys() {
    el_wset(editor_, EL_CLIENTDATA, this);
    el_wset(editor_, EL_PROMPT, prompt);
    el_wset(editor_, EL_SIGNAL, 0);
    el_wset(editor_, EL_EDITOR, L"emacs");
    el_wset(editor_, EL_HIST, history_w, history_.get());
    el_source(editor_, nullptr);  // ~/.editrc: the user's own keys
    el_wset(editor_, EL_GETCFN, next_character);
    el_wset(editor_, EL_ADDFN, L"krait-begin-line", L"Begin a new line of the prompt", begin_line);
    el_wset(editor_, EL_ADDFN, L"krait-paste", L"Insert what is pasted", paste);
    for (const wchar_t* alt_enter : {L"\033\r", L"\033\n"}) el_wset(editor_, EL_BIND, alt_enter, L"krait-begin-line", nullptr);
    el_wset(editor_, EL_BIND, L"\033[200~", L"krait-paste", nullptr);
    el_wset(editor_, EL_BIND, L"\t", L"ed-insert", nullptr);
    // Enter is then "\r" and Ctrl-J "\n"; libedit would have each the other way round.
    el_wset(editor_, EL_SETTY, L"-d", L"-icrnl", L"-inlcr", nullptr);
}

wchar_t* LibeditEditor::prompt(EditLine* editor) {
    static std::wstring first = L"> ", other = L". ";
    return of(editor).goes_on_ ? other.data() : first.data();
}

void LibeditEditor::set_terminal(bool for_editing) {
    if (!for_editing) draw("\033[?2004l");
    el_wset(editor_, EL_PREP_TERM, for_editing ? 1 : 0);
    if (for_editing) draw("\033[?2004h");  // pastes come between ESC [ 200 ~ and ESC [ 201 ~
}

// Obeys a signal that came while a line is edited; false where the line is not to be edited any longer.
bool LibeditEditor::obey(int signal) {
    if (signal == SIGINT) {
        draw("^C");
        ahead_.clear();
        interrupted_ = true;
        return false;
    }
    if (signal != SIGWINCH) {
        set_terminal(false);
        if (signal != SIGTSTP) draw("\r\n");
        signals_->pass_on(signal);  // comes back from SIGTSTP, and where the program has a handler of its own
        set_terminal(true);
    }
    el_resize(editor_);
    draw("\r\033[K");
    el_wset(editor_, EL_REFRESH);
    return true;
}

// For libedit: 1 = a character, 0 = the end, -1 = an error.
int LibeditEditor::next_character(EditLine* editor, wchar_t* character) {
    LibeditEditor& self = of(editor);
    while (!self.interrupted_) {
        std::string_view bytes = self.ahead_;
        if (!bytes.empty() && take_wide(bytes, *character)) {
            self.ahead_.erase(0, self.ahead_.size() - bytes.size());
            return 1;
        }
        if (const int signal = self.signals_->wait(STDIN_FILENO); signal != 0) {
            (void)self.obey(signal);
            continue;
        }
        std::array<char, 4096> block;
        const ssize_t n = ::read(STDIN_FILENO, block.data(), block.size());
        if (n > 0) self.ahead_.append(block.data(), static_cast<size_t>(n));
        else if (n == 0) return 0;
        else if (errno != EINTR && errno != EAGAIN) return self.error_ = errno, -1;
    }
    *character = L'\r';  // ends the line, whatever key it was waiting for
    return 1;
}

unsigned char LibeditEditor::begin_line(EditLine* editor, wint_t) {
    return el_winsertstr(editor, L"\n") == 0 ? CC_REFRESH : CC_ERROR;
}

unsigned char LibeditEditor::paste(EditLine* editor, wint_t) {
    std::wstring text;
    wchar_t character = 0;
    while (!text.ends_with(kPasteEnd)) {
        if (el_wgetc(editor, &character) != 1 || of(editor).interrupted_) return CC_REFRESH;
        text += character;
    }
    text.resize(text.size() - kPasteEnd.size());
    // Terminals send the ends of lines as they please: "\r", "\n" or both.
    std::wstring lines;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == L'\r' && i + 1 < text.size() && text[i + 1] == L'\n') continue;
        lines += text[i] == L'\r' ? L'\n' : text[i];
    }
    return el_winsertstr(editor, lines.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
}

// One line, as Enter ends it; false at the end of the input.
api::Result<bool> LibeditEditor::edit_line(std::wstring& line) {
    const HeldSignals signals;
    signals_ = &signals;
    interrupted_ = false;
    error_ = 0;
    set_terminal(true);
    int n = 0;
    const wchar_t* typed = el_wgets(editor_, &n);
    if (typed && n > 0) line.assign(typed, static_cast<size_t>(n));
    set_terminal(false);
    signals_ = nullptr;
    if (error_ != 0) return failure(KRAIT_IO, "standard input cannot be read: {}", std::generic_category().message(error_));
    if (line.ends_with(L'\n')) line.pop_back();
    return typed != nullptr && n > 0;
}

api::Result<bool> LibeditEditor::read(std::string& text) {
    std::wstring prompt;
    for (goes_on_ = false;;) {
        std::wstring line;
        TOOLS_TRY(const bool is_there, edit_line(line));
        if (interrupted_) {
            prompt.clear();
            goes_on_ = false;
            continue;
        }
        if (!is_there && !goes_on_) {
            draw("\r\n");
            return false;
        }
        goes_on_ = line.ends_with(L'\\');
        if (goes_on_) line.back() = L'\n';
        prompt += line;
        if (!goes_on_) break;
    }
    if (!prompt.empty()) history_.add(prompt);
    text = from_wide(prompt);
    return true;
}

}  // namespace

const char* line_editor_name() { return "libedit"; }

std::unique_ptr<LineEditor> open_line_editor(const std::optional<std::filesystem::path>& history) {
    if (isatty(STDIN_FILENO) != 1 || !terminal_can_draw()) return nullptr;
    auto editor = std::make_unique<LibeditEditor>(history);
    if (!editor->is_open()) return nullptr;
    return editor;
}

}  // namespace krait::tools
