// SPDX-License-Identifier: Apache-2.0
//
// A model that reads tokens and writes what follows to standard output, token by token as they come: the core of krait run and
// krait chat. The state goes on from one call to the next.
#pragma once

#include <atomic>
#include <krait/session.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tools/generated_text.hpp"
#include "tools/generation_options.hpp"
#include "tools/grammar_arguments.hpp"
#include "tools/profile_replay.hpp"

namespace krait::tools {

inline constexpr const char* kEmptyPrompt = "the prompt is empty: it needs at least one token";

// Figures of a whole command, for its end.
struct Timings {
    double load = 0, prompt = 0, generation = 0;  // seconds
    int64_t prompt_tokens = 0, generated_tokens = 0;
    int64_t generation_steps = 0;  // runs of the model; the first token of an answer comes from the prompt's

    // To standard error; nothing where no prompt was read.
    void print(const api::Model& model, uint64_t seed) const;
};

// Where a generator works. All must outlive it.
struct GeneratorContext {
    const api::Model& model;
    api::Session& session;
    api::Sampler& sampler;
    Timings& timings;
    std::atomic<bool>& interrupted;   // Ctrl-C ends what is generated
    GrammarGuide* grammar = nullptr;  // that the sampler obeys; each call of go_on writes a text of it
    bool ignores_ends = false;        // with a grammar: an end token is never chosen
    ProfileReplay* replay = nullptr;  // where runs are written down; nullptr = nowhere
    int32_t max_snapshots = 0;        // of the session: one is taken after each prompt, the oldest gives way
};

class Generator {
  public:
    // max_chain: of the session. max_tokens: of each call; -1 = no limit. ends: the tokens that end what is generated.
    // chains_to_the_end: whether a chain may run past a stop text, which only the host can see; no prompt follows then.
    Generator(const GeneratorContext& context, GeneratedText text, std::vector<int32_t> ends, int64_t max_tokens,
              int32_t max_chain, bool chains_to_the_end)
        : context_(context),
          text_(std::move(text)),
          ends_(std::move(ends)),
          max_tokens_(max_tokens < 0 ? INT64_MAX : max_tokens),
          max_chain_(max_chain),
          chains_to_the_end_(chains_to_the_end) {}

    // Reads the tokens and writes what follows, until the end of text or of the grammar, a stop text, max_tokens, the end of
    // the context or Ctrl-C (KRAIT_CANCELLED); then a newline, and a warning where the context is full. A token that the call
    // before chose last, which the model has not read, is read in front of them. INVALID_ARGUMENT, and nothing has happened:
    // an id is out of range, or there is nothing to read.
    api::Status go_on(std::vector<int32_t> tokens);
    // Whether the model could read these tokens.
    api::Status check(std::span<const int32_t> tokens) const;
    // A prompt of ids as it is written.
    api::Result<std::string> echo(std::span<const int32_t> tokens) { return text_.echo(tokens); }

    // The text that the latest go_on wrote, without the newline, and the tokens that it chose; the state has read all but the
    // last.
    const std::string& answer() const { return answer_; }
    std::span<const int32_t> chosen() const { return chosen_; }

    void drop_unread_token() { unread_.reset(); }
    // The sequence and the sampler begin anew.
    void reset();

  private:
    krait_batch_item next(std::span<const int32_t> tokens) const;
    api::Status read(std::span<const int32_t> prompt);
    api::Status keep_snapshot();
    api::Status generate();
    api::Status step(int64_t max_tokens);
    api::Status chain(int32_t previous, int64_t max_tokens);
    api::Status take(int32_t token);
    api::Result<int32_t> sample();
    api::Status write(std::string_view text);

    GeneratorContext context_;
    GeneratedText text_;
    std::vector<int32_t> ends_;
    int64_t max_tokens_;
    int32_t max_chain_;
    bool chains_to_the_end_;
    bool is_full_ = false;           // the context has no room for another token
    std::optional<int32_t> unread_;  // chosen, but not yet read by the model
    std::vector<int32_t> chosen_;
    std::string answer_;
    int32_t chain_length_ = 1;  // of the next one: as long as the reader does not notice
    bool finished_ = false;
};

}  // namespace krait::tools
