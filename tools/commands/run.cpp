// SPDX-License-Identifier: Apache-2.0
//
// krait run: a model goes on with a text, token by token as they come.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <krait/session.hpp>
#include <random>

#include "tools/command.hpp"
#include "tools/generated_text.hpp"
#include "tools/interrupt.hpp"
#include "tools/log.hpp"
#include "tools/output.hpp"
#include "tools/profile_options.hpp"
#include "tools/profile_replay.hpp"
#include "tools/progress_bar.hpp"
#include "tools/prompts.hpp"

namespace krait::tools {
namespace {

using Clock = std::chrono::steady_clock;

struct Arguments {
    ModelArguments model;
    std::string prompt, file, tokens;
    std::vector<std::string> stops;
    bool has_prompt = false, has_file = false, has_tokens = false, has_seed = false;
    int64_t n_predict = 256;
    int32_t batch = 512, chain = 0;
    bool ignore_eos = false, no_timings = false, no_history = false;
    krait_sampler_options sampling = KRAIT_SAMPLER_OPTIONS_INIT;
    ProfileOptions profile;

    bool is_conversation() const { return !has_prompt && !has_file && !has_tokens; }
};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Figures of a whole run, for the end.
struct Timings {
    double load = 0, prompt = 0, generation = 0;
    int64_t prompt_tokens = 0, generated_tokens = 0;
    int64_t generation_steps = 0;  // runs of the model; the first token of an answer comes from the prompt's

    void print(const api::Model& model, uint64_t seed) const {
        const auto rate = [](int64_t n, double s) { return s > 0 ? static_cast<double>(n) / s : 0.0; };
        print_error("\n{} on {} ({}): loaded in {:.2f} s, {} of weights, {} of state a sequence\n", model.name(),
                    model.device(), model.hardware(), load, format_bytes(static_cast<double>(model.weight_bytes())),
                    format_bytes(static_cast<double>(model.state_bytes())));
        print_error("prompt      {:6} tokens  {:8.1f} tokens/s\n", prompt_tokens, rate(prompt_tokens, prompt));
        print_error("generation  {:6} tokens  {:8.1f} tokens/s   seed {}\n", generated_tokens,
                    rate(generation_steps, generation), seed);
    }
};

api::Status write_out(std::string_view text) {
    write_text(text);
    return flush_output();
}

constexpr int32_t kMaxChain = 4096;  // of krait_session_options
constexpr const char* kEmptyPrompt = "the prompt is empty: it needs at least one token";
constexpr std::string_view kSecondBos =
    "the text begins with two begin-of-text tokens, as the model wants one and the text brings its own: leave that out";

class Conversation {
  public:
    // chain: max_chain of the session. ends: the tokens that end what is generated. replay: where runs are written down;
    // nullptr = nowhere.
    Conversation(const api::Model& model, api::Session& session, int32_t chain, api::Sampler& sampler, GeneratedText text,
                 std::vector<int32_t> ends, const Arguments& arguments, Timings& timings, ProfileReplay* replay,
                 std::atomic<bool>& interrupted)
        : model_(model),
          session_(session),
          max_chain_(chain),
          sampler_(sampler),
          text_(std::move(text)),
          ends_(std::move(ends)),
          arguments_(arguments),
          timings_(timings),
          replay_(replay),
          interrupted_(interrupted) {}

    // Writes `text` and what follows until the end of text, a stop text, -n tokens or Ctrl-C. Nothing is written where the
    // model cannot read it.
    api::Status go_on(std::string_view text) {
        TOOLS_TRY(const size_t before, session_.length());
        const uint32_t begin = before == 0 ? KRAIT_TOKENIZE_BEGIN : KRAIT_TOKENIZE_PLAIN;
        TOOLS_TRY(std::vector<int32_t> prompt, model_.tokenize(text, KRAIT_TOKENIZE_CONTROL | begin));
        TOOLS_CHECK(check(prompt));
        if (begins_twice(model_, prompt)) print_warning(kSecondBos);
        TOOLS_CHECK(write_out(text));
        return read_and_generate(std::move(prompt));
    }

    api::Status go_on_from_ids(std::vector<int32_t> prompt) {
        TOOLS_CHECK(check(prompt));
        TOOLS_TRY(const std::string echo, text_.echo(prompt));
        TOOLS_CHECK(write_out(echo));
        return read_and_generate(std::move(prompt));
    }

    void reset() {
        (void)session_.reset(0);  // sequence 0 exists
        sampler_.reset();
        pending_.reset();
        if (replay_) replay_->reset();
    }

  private:
    api::Status check(std::span<const int32_t> prompt) const {
        if (prompt.empty() && !pending_) return failure(KRAIT_INVALID_ARGUMENT, kEmptyPrompt);
        const int64_t n_vocab = model_.n_vocab();
        for (size_t i = 0; i < prompt.size(); ++i)
            if (prompt[i] < 0 || prompt[i] >= n_vocab)
                return failure(KRAIT_INVALID_ARGUMENT,
                               "token {} at position {} is out of range: the vocabulary has {} (0 to {})", prompt[i], i,
                               n_vocab, n_vocab - 1);
        return api::Done{};
    }

    api::Status read_and_generate(std::vector<int32_t> prompt) {
        if (pending_) prompt.insert(prompt.begin(), *pending_);
        api::Status done = read(prompt);
        if (done) done = generate();
        (void)write_out("\n");
        return done;
    }

    // Where the sampler makes do with the most likely tokens, only these leave the device.
    krait_batch_item next(std::span<const int32_t> tokens) const {
        const int32_t top_k = model_.has_top_k() ? sampler_.needs() : 0;
        krait_batch_item item = api::Session::item_of(tokens, 0, top_k > 0 ? KRAIT_WANT_TOP : KRAIT_WANT_LAST);
        item.top_k = top_k;
        return item;
    }

    api::Status read(std::span<const int32_t> prompt) {
        const auto start = Clock::now();
        TOOLS_TRY(const size_t before, session_.length());
        if (interrupted_) return failure(KRAIT_CANCELLED, "cancelled after 0 of {} tokens", prompt.size());
        const krait_batch_item item = next(prompt);
        ProgressBar bar("reading");
        const api::Status done = session_.decode(std::span(&item, 1), [&](uint64_t n, uint64_t total) {
            bar.update(n, total);
            return !interrupted_;
        });
        if (!done) {
            const auto now = session_.length();
            if (now && *now > before) pending_.reset();  // the state has read it
            return done;
        }
        if (replay_) replay_->add(item);
        timings_.prompt += seconds_since(start);
        timings_.prompt_tokens += static_cast<int64_t>(prompt.size());
        const size_t n_accepted = pending_ ? 1 : 0;  // it was accepted when it was chosen
        pending_.reset();
        return sampler_.accept(prompt.subspan(n_accepted));
    }

    api::Status generate() {
        const auto start = Clock::now();
        api::Status done = api::Done{};
        n_chosen_ = 0;
        const int64_t max_tokens = arguments_.n_predict < 0 ? INT64_MAX : arguments_.n_predict;
        while (done && !finished_ && n_chosen_ < max_tokens) done = step(max_tokens - n_chosen_);
        finished_ = false;
        timings_.generation += seconds_since(start);
        TOOLS_TRY(const std::string rest, text_.finish());
        const api::Status written = write_out(rest);
        return done ? written : done;
    }

    // One token: the first comes from the prompt's logits, each other one from a run of the token before it. Or several, where
    // the device chooses what the sampler would.
    api::Status step(int64_t max_tokens) {
        if (interrupted_) return failure(KRAIT_CANCELLED, "interrupted");
        if (n_chosen_ > 0) {
            const int32_t previous = *std::exchange(pending_, std::nullopt);
            if (model_.has_top_k() && sampler_.needs() == 1 && may_chain()) return chain(previous, max_tokens);
            const krait_batch_item item = next(std::span(&previous, 1));
            TOOLS_CHECK(session_.decode(std::span(&item, 1)));
            if (replay_) replay_->add(item);
            ++timings_.generation_steps;
        }
        TOOLS_TRY(const int32_t token, session_.sample(sampler_));
        return say(token);
    }

    // A chain runs past a stop text, which only the host can see; the text after it must be of no more use.
    bool may_chain() const { return arguments_.stops.empty() || !arguments_.is_conversation(); }

    api::Status chain(int32_t previous, int64_t max_tokens) {
        constexpr double kPatience = 0.05;  // seconds for which the reader may be kept waiting
        const auto start = Clock::now();
        const auto n_tok = static_cast<size_t>(std::min<int64_t>(max_tokens, chain_length_));
        TOOLS_TRY(const auto found, session_.chain(previous, n_tok, ends_));
        timings_.generation_steps += static_cast<int64_t>(found.size());
        for (size_t i = 0; replay_ && i < found.size(); ++i)  // each reads the one before it
            replay_->add(next(std::span(i == 0 ? &previous : &found[i - 1].token, 1)));
        const double possible = kPatience / (seconds_since(start) / static_cast<double>(found.size()));
        chain_length_ = static_cast<int32_t>(std::clamp<double>(possible, 1, max_chain_));
        // The sampler would choose each; the last one may have a logit that is no number, which it refuses.
        for (const krait_candidate& candidate : found.first(found.size() - 1)) {
            if (finished_) return api::Done{};
            TOOLS_CHECK(sampler_.accept(std::span(&candidate.token, 1)));
            TOOLS_CHECK(say(candidate.token));
        }
        if (finished_) return api::Done{};
        TOOLS_TRY(const int32_t last, session_.sample(sampler_));
        return say(last);
    }

    // Writes a token that the sampler has remembered.
    api::Status say(int32_t token) {
        pending_ = token;
        ++n_chosen_;
        if (std::find(ends_.begin(), ends_.end(), token) != ends_.end()) {
            finished_ = true;
            return api::Done{};
        }
        ++timings_.generated_tokens;
        TOOLS_TRY(const std::string piece, text_.push(token));
        finished_ = text_.stopped();
        return write_out(piece);
    }

    const api::Model& model_;
    api::Session& session_;
    int32_t max_chain_;
    api::Sampler& sampler_;
    GeneratedText text_;
    std::vector<int32_t> ends_;
    const Arguments& arguments_;
    Timings& timings_;
    ProfileReplay* replay_;
    std::atomic<bool>& interrupted_;
    std::optional<int32_t> pending_;  // chosen, but not yet read by the model
    int64_t n_chosen_ = 0;            // since the prompt
    int32_t chain_length_ = 1;        // of the next one: as long as the reader does not notice
    bool finished_ = false;
};

// Prompts as they come, the model's continuation after each; the state goes on from one to the next.
api::Status converse(Conversation& conversation, std::atomic<bool>& interrupted, bool remember) {
    Prompts prompts(interrupted, remember);
    // A Ctrl-C that came too late to stop an answer, or while nothing was written, does not count for the next typed prompt.
    const auto forget_interrupt = [&] {
        if (prompts.are_typed()) interrupted = false;
    };
    for (std::string text;;) {
        forget_interrupt();
        TOOLS_TRY(const bool is_there, prompts.next(text));
        forget_interrupt();
        if (!is_there || text == "/quit") return api::Done{};
        if (text == "/reset") {
            conversation.reset();
            continue;
        }
        if (text.empty()) continue;
        const auto done = conversation.go_on(text);
        if (done || (prompts.are_typed() && done.failure().code == KRAIT_CANCELLED)) continue;
        if (!prompts.are_typed() || done.failure().code != KRAIT_INVALID_ARGUMENT) return done.failure();
        (void)report(done.failure());  // a text that the model cannot read: another one may do
    }
}

// The tokens that end what is generated. A control token leaves no trace in the text, so as a stop text it is found by its id.
std::vector<int32_t> ends_of(const api::Model& model, const Arguments& arguments) {
    std::vector<int32_t> ends;
    if (!arguments.ignore_eos) ends = model.ends();
    for (const std::string& stop : arguments.stops)
        if (const auto token = model.token(stop); token && model.is_control(*token)) ends.push_back(*token);
    return ends;
}

// The most tokens of a chain: where one candidate decides, and as long as it was asked for, or as the device is best used.
int32_t chain_of(const api::Model& model, const api::Sampler& sampler, const Arguments& arguments) {
    if (sampler.needs() != 1) return 1;
    return arguments.chain > 0 ? arguments.chain : model.chain_length();
}

// chain: becomes 1 where there is no memory for the second state that chains take, and they were not asked for.
api::Result<api::Session> create_session(const api::Model& model, const Arguments& arguments, int32_t& chain) {
    krait_session_options options = KRAIT_SESSION_OPTIONS_INIT;
    options.max_batch_tokens = arguments.batch;
    options.max_chain = chain;
    api::Result<api::Session> session = api::Session::create(model, options);
    if (session || session.failure().code != KRAIT_OUT_OF_MEMORY || arguments.chain != 0 || chain == 1) return session;
    options.max_chain = chain = 1;
    return api::Session::create(model, options);
}

// Nothing where the model has no tokenizer and ids were given.
api::Result<std::optional<api::Detokenizer>> create_text(const api::Model& model, const Arguments& arguments) {
    auto text = api::Detokenizer::create(model, arguments.stops);
    if (text) return std::optional(std::move(*text));
    if (!arguments.has_tokens || !arguments.stops.empty()) return text.failure();
    print_warning(text.failure().message + "; the output is token ids");
    return std::optional<api::Detokenizer>();
}

// Before a model is loaded, which may take long.
api::Status check_stops(std::span<const std::string> stops) {
    for (size_t i = 0; i < stops.size(); ++i)
        if (stops[i].empty()) return failure(KRAIT_INVALID_ARGUMENT, "stop text {} of {} is empty", i + 1, stops.size());
    return api::Done{};
}

api::Status run(Arguments& arguments) {
    Timings timings;
    TOOLS_CHECK(arguments.profile.check(arguments.model.path, !arguments.model.explain.empty()));
    if (!arguments.has_seed) {
        std::random_device device;
        arguments.sampling.seed = device();
    }
    TOOLS_TRY(api::Sampler sampler, api::Sampler::create(arguments.sampling));
    TOOLS_CHECK(check_stops(arguments.stops));
    TOOLS_TRY(std::vector<int32_t> tokens, parse_tokens(arguments.tokens));
    std::string prompt = arguments.prompt;
    if (arguments.has_file) {
        TOOLS_TRY(prompt, read_text(arguments.file));
    }
    const auto start = Clock::now();
    TOOLS_TRY(const api::Model model, arguments.model.load());
    if (!arguments.model.explain.empty()) return print_explanation(model, arguments.batch, arguments.model.explain);
    TOOLS_TRY(std::optional<api::Detokenizer> text, create_text(model, arguments));
    int32_t chain = chain_of(model, sampler, arguments);
    TOOLS_TRY(api::Session session, create_session(model, arguments, chain));
    timings.load = seconds_since(start);

    std::atomic<bool>& interrupted = catch_interrupt();
    ProfileReplay replay;
    Conversation conversation(model, session, chain, sampler, GeneratedText(std::move(text)), ends_of(model, arguments),
                              arguments, timings, arguments.profile.are_given() ? &replay : nullptr, interrupted);
    api::Status done = api::Done{};
    if (arguments.has_tokens) {
        done = conversation.go_on_from_ids(std::move(tokens));
    } else if (arguments.has_prompt || arguments.has_file) {
        if (prompt.empty()) return failure(KRAIT_INVALID_ARGUMENT, kEmptyPrompt);
        done = conversation.go_on(prompt);
    } else {
        done = converse(conversation, interrupted, !arguments.no_history);
    }
    if (!arguments.no_timings && timings.prompt_tokens > 0) timings.print(model, arguments.sampling.seed);
    if (!done || !arguments.profile.are_given()) return done;
    return replay.report(model, arguments.batch, arguments.profile, interrupted);
}

void add_sampling_options(Command& command, krait_sampler_options& sampling) {
    command.option("--temperature", sampling.temperature, "0 = always the most likely token").show_default().group("Sampling");
    command.option("--top-k", sampling.top_k, "only the k most likely; 0 = all").show_default().group("Sampling");
    command.option("--top-p", sampling.top_p, "only the most likely that together have this probability; 1 = all")
        .show_default()
        .group("Sampling");
    command.option("--min-p", sampling.min_p, "only those at least this times as likely as the most likely; 0 = all")
        .show_default()
        .group("Sampling");
    command.option("--repetition-penalty", sampling.repetition_penalty, "above 1: what was said lately is less likely")
        .show_default()
        .group("Sampling");
    command.option("--repetition-window", sampling.repetition_window, "how many tokens count as lately")
        .show_default()
        .group("Sampling");
}

}  // namespace

void add_run_command(Command& program) {
    Command& command = program.command("run", "Let a model continue a text; without -p or -f, with lines from standard input");
    auto arguments = std::make_shared<Arguments>();
    arguments->model.add_path(command);
    arguments->model.add_device(command);
    arguments->model.add_explain(command);
    Option& prompt = command.option("-p,--prompt", arguments->prompt, "how the text begins").value_name("TEXT");
    Option& file =
        command.option("-f,--file", arguments->file, "read the beginning from a file, '-' = standard input").path("FILE");
    Option& tokens =
        command.option("--tokens", arguments->tokens, "token ids to begin with, for models without a tokenizer: 12,7,4001")
            .value_name("IDS");
    prompt.excludes(file).excludes(tokens);
    file.excludes(tokens);
    command.option("-n,--n-predict", arguments->n_predict, "maximum number of tokens to write; -1 = until the end of text")
        .show_default()
        .in_range(-1, INT64_MAX);
    command.option("--ignore-eos", arguments->ignore_eos, "go on after the end of text, of a turn and of a message");
    command.option("--stop", arguments->stops, "end before this text is written; may be repeated").value_name("TEXT");
    command.option("-b,--batch", arguments->batch, "maximum number of tokens of a prompt in one run")
        .show_default()
        .in_range(1, 1 << 20);
    command
        .option("--chain", arguments->chain,
                "maximum number of tokens that the device chooses on its own where one candidate decides: temperature 0 or "
                "top-k 1, no "
                "penalty (default: 16 where one GPU has the whole model, else 1)")
        .in_range(1, kMaxChain)
        .value_name("N");
    command.option("--no-timings", arguments->no_timings, "print no figures at the end");
    command.option("--no-history", arguments->no_history, "do not keep what is typed in krait/history");
    Option& seed = command
                       .option("-s,--seed", arguments->sampling.seed,
                               "the same seed, model and device write the same text (default: another one every time)")
                       .in_range()
                       .group("Sampling");
    add_sampling_options(command, arguments->sampling);
    arguments->profile.add(command);
    arguments->profile.add_json(command);
    command.footer(
        "At a terminal Enter ends a prompt; Alt-Enter, or \\ in front of Enter, begins a new line of it, and a paste is one "
        "prompt.\n"
        "Up and Down go through what was typed before: it is kept in krait/history in $XDG_STATE_HOME or ~/.local/state, for "
        "its owner\n"
        "alone. Ctrl-C stops the model, or clears the prompt; /reset begins a new text, /quit or Ctrl-D leaves "
        "(docs/terminal.md).\n"
        "The text is written as the model gives it; only on a terminal are control characters in it shown as \\x1b.\n"
        "A profile runs the beginning of what was done once more, node by node, and goes to standard error "
        "(docs/benchmarks.md).\n"
        "Examples:\n"
        "  krait run -p \"It was a truth\" -n 100 --seed 7\n"
        "  krait run model.gguf -f chapter1.txt --temperature 0\n"
        "  krait run -p \"She said:\" --stop \" said\" --stop Mr\n"
        "  krait run --device cpu:avx2:threads=1 -p \"Once\"\n"
        "  krait run model.gguf --device vulkan0,cpu --explain    what runs where when devices share the model\n"
        "  krait run model.gguf -p \"Once\" -n 32 --profile=nodes --profile-trace trace.json    where the time goes\n"
        "  krait run                                          prompts typed at the terminal, or lines of standard input");
    run_when_chosen(command, [arguments, &prompt, &file, &tokens, &seed] {
        arguments->has_prompt = prompt.given();
        arguments->has_file = file.given();
        arguments->has_tokens = tokens.given();
        arguments->has_seed = seed.given();
        return run(*arguments);
    });
}

}  // namespace krait::tools
