// SPDX-License-Identifier: Apache-2.0
//
// The answer to a request that generates text: one generation for each of its prompts, written as a whole or as a stream in the
// format of a family of endpoints. It lives as long as its exchange waits for it; a client that goes cancels its generations.
#pragma once

#include "server/context.hpp"
#include "server/generation.hpp"

namespace krait::server {

// Choices are numbered through all prompts of the request.
struct ChoiceText {
    std::string text;
    std::vector<int32_t> tokens;
    ChoiceEnd end;
};

// Of all generations of an answer.
struct AnswerFigures {
    uint64_t prompt_tokens = 0, cached_tokens = 0, generated_tokens = 0;
    double queue_seconds = 0, prompt_seconds = 0, generation_seconds = 0;  // the longest of each
    std::string reuse_text;                                                // why no more was cached; of the first prompt
};

// Gives the bytes of an answer. Streams are made of events in the order of the functions.
class AnswerFormat {
  public:
    AnswerFormat() = default;
    AnswerFormat(const AnswerFormat&) = delete;
    AnswerFormat& operator=(const AnswerFormat&) = delete;
    virtual ~AnswerFormat() = default;

    virtual std::string stream_type() const { return "text/event-stream"; }
    virtual std::string begin() { return {}; }
    virtual std::string text(int32_t choice, std::string_view text, std::span<const int32_t> tokens) = 0;
    // figures: with the last choice alone, else nullptr.
    virtual std::string choice_end(int32_t choice, const ChoiceEnd& end, const AnswerFigures* figures) = 0;
    virtual std::string end(const AnswerFigures& figures) = 0;
    virtual std::string error(const Error& error) = 0;

    virtual Json whole(const std::vector<ChoiceText>& choices, const AnswerFigures& figures) = 0;
};

class Answer : public std::enable_shared_from_this<Answer> {
  public:
    // Sends an error where the engine takes one of the generations not.
    static void start(Context& context, const ExchangePtr& exchange, const std::vector<GenerationOptions>& generations,
                      bool is_stream, std::unique_ptr<AnswerFormat> format);

  private:
    class Part;  // what one generation tells

    Answer(ExchangePtr exchange, Metrics& metrics, bool is_stream, std::unique_ptr<AnswerFormat> format);
    void take_text(int32_t choice, std::string_view text, std::span<const int32_t> tokens);
    void take_choice_end(int32_t choice, const ChoiceEnd& end);
    void take_end(const GenerationFigures& figures);
    void fail(const Error& error);
    void finish();
    void drop();  // cancels what is left

    ExchangePtr exchange_;
    Metrics& metrics_;
    const bool is_stream_;
    std::unique_ptr<AnswerFormat> format_;
    std::vector<std::shared_ptr<Generation>> generations_;
    std::vector<ChoiceText> choices_;  // of a stream without texts
    AnswerFigures figures_;
    size_t n_choice_ended_ = 0, n_generation_ended_ = 0;
    int32_t last_choice_ = -1;  // whose end waits for the figures
};

}  // namespace krait::server
