// SPDX-License-Identifier: Apache-2.0
#include "models/evaluation/hellaswag.hpp"

#include <algorithm>
#include <cmath>

#include "core/base/printable.hpp"
#include "models/evaluation/continuations.hpp"
#include "models/evaluation/perplexity.hpp"

namespace krait {
namespace {

constexpr size_t kEndings = HellaswagTask::kEndings;
std::string_view trim(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r";
    const size_t first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// Unicode code points: bytes that do not continue one.
int64_t character_count(std::string_view text) {
    return std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; });
}

constexpr size_t kShown = 40;  // bytes of a line in a message

// A task as a model reads it.
struct EncodedTask {
    std::vector<int32_t> context;  // common to all endings
    std::array<std::vector<int32_t>, kEndings> endings;
};

Result<EncodedTask> encode(const Tokenizer& tokenizer, const std::vector<int32_t>& prefix, const HellaswagTask& task) {
    KRAIT_TRY(const std::vector<int32_t> context, tokenizer.encode(task.context, {.add_bos = false, .add_eos = false}));
    std::array<std::vector<int32_t>, kEndings> whole;
    // Normally all tokens of the context; fewer where its last one would merge with an ending.
    size_t n_shared = context.size();
    for (size_t e = 0; e < kEndings; ++e) {
        KRAIT_TRY(whole[e], tokenizer.encode(task.context + " " + task.endings[e], {.add_bos = false, .add_eos = false}));
        const auto [mine, other] = std::mismatch(
            context.begin(), context.begin() + static_cast<ptrdiff_t>(std::min(n_shared, whole[e].size())), whole[e].begin());
        n_shared = static_cast<size_t>(mine - context.begin());
    }
    EncodedTask encoded;
    encoded.context = prefix;
    encoded.context.insert(encoded.context.end(), context.begin(), context.begin() + static_cast<ptrdiff_t>(n_shared));
    if (encoded.context.empty())
        return fail(ErrorCode::invalid_argument, "line {}: the context {} shares no token with its endings", task.line,
                    quote(task.context, '\'', kShown));
    for (size_t e = 0; e < kEndings; ++e) {
        encoded.endings[e].assign(whole[e].begin() + static_cast<ptrdiff_t>(n_shared), whole[e].end());
        if (encoded.endings[e].empty())
            return fail(ErrorCode::invalid_argument, "line {}: ending {} adds no token to the context",
                        task.line + 2 + static_cast<int64_t>(e), e);
        if (character_count(task.endings[e]) == 0)  // bytes that only continue characters; the normalized score divides by it
            return fail(ErrorCode::invalid_argument, "line {}: ending {} has no characters: it is no UTF-8 text",
                        task.line + 2 + static_cast<int64_t>(e), e);
    }
    return encoded;
}

int64_t longest_text(std::span<const EncodedTask> tasks) {
    size_t longest = 0;
    for (const EncodedTask& task : tasks)
        for (const auto& ending : task.endings) longest = std::max(longest, task.context.size() + ending.size());
    return static_cast<int64_t>(longest);
}

// Log-likelihoods of the endings of some tasks; sequences 4 t to 4 t + 3 of the session are task t's.
Result<void> score(Session& session, std::span<const EncodedTask> tasks, const std::atomic<bool>* cancel,
                   std::span<HellaswagScore> scores) {
    const auto sequence_of = [](size_t task, size_t ending) { return static_cast<int32_t>(task * kEndings + ending); };
    const auto add = [&](size_t task, size_t ending, size_t position, std::span<const float> logits,
                         double log_sum) -> Result<void> {
        if (!std::isfinite(log_sum))
            return fail(ErrorCode::internal,
                        "the logits before an ending are no numbers: the model file or the device is broken");
        const auto token = static_cast<size_t>(tasks[task].endings[ending][position]);
        scores[task].log_likelihood[ending] += static_cast<double>(logits[token]) - log_sum;
        return {};
    };
    std::vector<SequenceInput> contexts;
    for (size_t t = 0; t < tasks.size(); ++t) {
        KRAIT_CHECK(session.reset(sequence_of(t, 0)));
        contexts.push_back({.sequence = sequence_of(t, 0), .tokens = tasks[t].context});
    }
    KRAIT_CHECK(session.decode(contexts, {.cancel = cancel}));
    const auto n_token = static_cast<size_t>(session.model().n_token());
    std::vector<Continuation> continuations;
    for (size_t t = 0; t < tasks.size(); ++t) {
        const auto logits = session.logits(t).first(n_token);
        const double log_sum = log_sum_exp(logits);
        for (size_t e = 0; e < kEndings; ++e) {
            KRAIT_CHECK(add(t, e, 0, logits, log_sum));
            KRAIT_CHECK(session.fork(sequence_of(t, 0), sequence_of(t, e)));
            // The last token is foretold and never read.
            continuations.push_back({sequence_of(t, e), std::span(tasks[t].endings[e]).first(tasks[t].endings[e].size() - 1)});
        }
    }
    return visit_logits(session, continuations, {.cancel = cancel}, [&](size_t c, size_t row, std::span<const float> logits) {
        return add(c / kEndings, c % kEndings, row + 1, logits, log_sum_exp(logits));
    });
}

}  // namespace

Result<std::vector<HellaswagTask>> parse_hellaswag(std::string_view text, size_t max_tasks) {
    constexpr size_t kLines = 2 + kEndings;
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    if (text.empty()) return fail(ErrorCode::invalid_argument, "there are no tasks: the text is empty");
    std::vector<HellaswagTask> tasks;
    int64_t number = 0;
    for (size_t within = 0; !text.empty() || within > 0;) {
        if (text.empty())
            return fail(ErrorCode::invalid_argument,
                        "the text ends after line {}, inside the task that begins at line {}: {} of its {} lines are there",
                        number, tasks.back().line, within, kLines);
        const size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = trim(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        ++number;
        if (within == 0 && max_tasks > 0 && tasks.size() == max_tasks) break;
        const std::string_view what = within == 0   ? "the context of a task"
                                      : within == 1 ? "the index of the right ending, 0 to 3"
                                                    : "an ending";
        if (line.empty()) return fail(ErrorCode::invalid_argument, "line {} is empty; {} is expected there", number, what);
        if (within == 0) {
            tasks.push_back({.context = std::string(line), .line = number});
        } else if (within == 1) {
            if (line.size() != 1 || line[0] < '0' || line[0] > '3')
                return fail(ErrorCode::invalid_argument,
                            "line {} is {}; {} is expected there (a task is six lines: context, index, four endings)", number,
                            quote(line, '\'', kShown), what);
            tasks.back().right = line[0] - '0';
        } else {
            tasks.back().endings[within - 2] = std::string(line);
        }
        within = (within + 1) % kLines;
    }
    return tasks;
}

Result<HellaswagRun> measure_hellaswag(std::shared_ptr<const Model> model, std::span<const HellaswagTask> tasks,
                                       const HellaswagOptions& options) {
    constexpr int32_t kMaxTasks = SessionOptions::kMaxSequences / static_cast<int32_t>(kEndings);
    if (options.batch < 1 || options.batch > kMaxTasks)
        return fail(ErrorCode::invalid_argument, "a batch of {} tasks: 1 to {} are possible", options.batch, kMaxTasks);
    if (tasks.empty()) return fail(ErrorCode::invalid_argument, "there are no tasks: at least one is needed");
    KRAIT_TRY(const Tokenizer* tokenizer, model->tokenizer());
    KRAIT_TRY(const std::vector<int32_t> prefix, begin_of_text(*tokenizer));
    std::vector<EncodedTask> encoded;
    for (const HellaswagTask& task : tasks) {
        KRAIT_TRY(EncodedTask one, encode(*tokenizer, prefix, task));
        encoded.push_back(std::move(one));
    }
    const size_t batch = std::min(static_cast<size_t>(options.batch), tasks.size());
    KRAIT_TRY(Session session, Session::create(model, {.max_sequences = static_cast<int32_t>(batch * kEndings),
                                                       .max_sequence_tokens = longest_text(encoded)}));
    HellaswagRun run;
    run.scores.resize(tasks.size());
    for (size_t first = 0; first < tasks.size(); first += batch) {
        const size_t count = std::min(batch, tasks.size() - first);
        auto scored = score(session, std::span(encoded).subspan(first, count), options.cancel,
                            std::span(run.scores).subspan(first, count));
        if (!scored && scored.error().code == ErrorCode::cancelled)
            return fail(ErrorCode::cancelled, "cancelled after {} of {} tasks", first, tasks.size());
        KRAIT_CHECK(scored);
        for (size_t t = first; t < first + count; ++t) {
            HellaswagScore& s = run.scores[t];
            run.n_read += static_cast<int64_t>(encoded[t].context.size());
            for (size_t e = 0; e < kEndings; ++e) {
                s.normalized[e] = s.log_likelihood[e] / static_cast<double>(character_count(tasks[t].endings[e]));
                run.n_read += static_cast<int64_t>(encoded[t].endings[e].size()) - 1;
            }
            const auto largest = [](const auto& values) {
                return static_cast<int32_t>(std::max_element(values.begin(), values.end()) - values.begin());
            };
            s.choice = largest(s.log_likelihood);
            s.normalized_choice = largest(s.normalized);
            run.n_right += s.choice == tasks[t].right ? 1 : 0;
            run.n_right_normalized += s.normalized_choice == tasks[t].right ? 1 : 0;
        }
        if (options.progress)
            options.progress(static_cast<int64_t>(first + count), static_cast<int64_t>(tasks.size()), run.n_right_normalized);
    }
    return run;
}

}  // namespace krait
