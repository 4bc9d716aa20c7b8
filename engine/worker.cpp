// SPDX-License-Identifier: Apache-2.0
#include "engine/worker.hpp"

#include <algorithm>
#include <cmath>

#include "engine/prefix/snapshot_positions.hpp"

namespace krait::engine {
namespace {

// Rows that one prompt gets before it is the turn of another one: a prompt of a usual length is read at once, and nobody waits
// for more than so many rows of each other prompt.
constexpr int64_t kFairRows = 128;

double seconds_between(Clock::time_point first, Clock::time_point last) {
    return std::chrono::duration<double>(last - first).count();
}

SessionOptions session_options(const EngineOptions& options) {
    return {.max_sequences = options.max_sequences + 1,  // one by which prefixes are saved
            .max_batch_tokens = options.max_batch_tokens,
            .max_snapshots = options.prefixes.max_snapshots,
            .max_cached_tokens = options.max_cached_tokens,
            .max_sequence_tokens = options.max_sequence_tokens};
}

}  // namespace

Worker::Worker(Session session, const EngineOptions& options)
    : options_(options),
      session_(std::move(session)),
      n_token_(static_cast<size_t>(session_.model().n_token())),
      n_page_(session_.n_free_pages()),
      mailbox_(std::make_shared<Mailbox>(options.queue)),
      budget_(options.step_seconds, options.max_batch_tokens) {
    if (const auto room = session_.room(0)) sequence_tokens_ = *room;
    for (int32_t sequence = options.max_sequences; sequence > 0; --sequence) free_sequences_.push_back(sequence - 1);
    answered_ = Clock::now();
}

Result<std::unique_ptr<Worker>> Worker::create(std::shared_ptr<const Model> model, const EngineOptions& options) {
    if (options.max_sequences < 1 || options.max_sequences >= SessionOptions::kMaxSequences)
        return fail(ErrorCode::invalid_argument, "{} sequences: 1 to {} are possible", options.max_sequences,
                    SessionOptions::kMaxSequences - 1);
    if (options.max_batch_tokens < options.max_sequences)
        return fail(ErrorCode::invalid_argument,
                    "{} rows of a step (max_batch_tokens): {} sequences may all read a token in one, and need as many",
                    options.max_batch_tokens, options.max_sequences);
    if (!(options.step_seconds > 0) || !std::isfinite(options.step_seconds))
        return fail(ErrorCode::invalid_argument, "steps of {} seconds: more than 0 is possible", options.step_seconds);
    if (options.queue.max_requests < 0 || options.queue.max_tokens < 0)
        return fail(ErrorCode::invalid_argument, "{} waiting requests, {} waiting tokens: 0 (no limit) or more are possible",
                    options.queue.max_requests, options.queue.max_tokens);
    // With one more sequence than there are requests, a default that is a share of each would be less than it was asked for.
    SessionOptions its = session_options(options);
    if (its.max_cached_tokens == 0)
        its.max_cached_tokens = std::min(kDefaultCachedTokens * options.max_sequences, SessionOptions::kMaxCachedTokens);
    if (its.max_sequence_tokens == 0)
        its.max_sequence_tokens = std::max(kDefaultCachedTokens, its.max_cached_tokens / options.max_sequences);
    KRAIT_TRY(Session session, Session::create(std::move(model), its));
    std::unique_ptr<Worker> worker(new Worker(std::move(session), options));
    KRAIT_TRY(worker->prefixes_, PrefixCache::create(worker->session_, options.max_sequences, options.prefixes));
    worker->step_.emplace(worker->session_, *worker->prefixes_);
    worker->publish_stats(true);
    worker->thread_ = std::thread([w = worker.get()] { w->run(); });
    return worker;
}

Worker::~Worker() {
    if (!thread_.joinable()) return;
    mailbox_->stop();
    thread_.join();
}

Result<void> Worker::check(const RequestOptions& options) const {
    const auto n_vocab = session_.model().shape().n_vocab;
    const auto wrong = [](const char* what, const auto& its, const char* right) {
        return fail(ErrorCode::invalid_argument, "{} is {}: {}", what, its, right);
    };
    if (options.tokens.empty()) return fail(ErrorCode::invalid_argument, "a prompt without tokens: it needs at least one");
    for (size_t i = 0; i < options.tokens.size(); ++i)
        if (options.tokens[i] < 0 || options.tokens[i] >= n_vocab)
            return fail(ErrorCode::invalid_argument, "token {} at position {} is out of range: the vocabulary has {} (0 to {})",
                        options.tokens[i], i, n_vocab, n_vocab - 1);
    if (options.n < 1 || options.n > options_.max_sequences)
        return fail(ErrorCode::invalid_argument, "{} choices: 1 to {} are possible, the sequences of this engine", options.n,
                    options_.max_sequences);
    if (options.max_tokens < kNoLimit) return wrong("max_tokens", options.max_tokens, "0 and more, or -1 for no limit");
    if (!(options.weight > 0) || !std::isfinite(options.weight)) return wrong("weight", options.weight, "more than 0");
    if (options.max_events < 2 * static_cast<size_t>(options.n))
        return wrong("max_events", options.max_events, "at least twice the number of choices");
    for (size_t i = 0; i < options.message_ends.size(); ++i)
        if (options.message_ends[i] <= (i == 0 ? 0 : options.message_ends[i - 1]) ||
            options.message_ends[i] > options.tokens.size())
            return fail(ErrorCode::invalid_argument,
                        "message {} ends after {} of {} tokens: ends ascend, from 1 to the length of the prompt", i,
                        options.message_ends[i], options.tokens.size());
    if (!sequence_tokens_) return {};
    const auto n_tok = static_cast<int64_t>(options.tokens.size());
    if (n_tok > choice_tokens(options.n))
        return fail(ErrorCode::invalid_argument,
                    "the prompt has {} tokens: {} choices have room for {} each (max_sequence_tokens, max_cached_tokens)",
                    n_tok, options.n, choice_tokens(options.n));
    return {};
}

int64_t Worker::choice_tokens(int32_t n) const { return std::min(*sequence_tokens_, n_page_ / n * kRowsPerPage); }

Result<Request> Worker::submit(RequestOptions options) {
    KRAIT_CHECK(check(options));
    KRAIT_TRY([[maybe_unused]] const Sampler sampler, Sampler::create(options.sampler));
    const size_t n_tok = options.tokens.size();
    auto state = std::make_shared<RequestState>(std::move(options), mailbox_);
    KRAIT_CHECK(mailbox_->submit(state, n_tok));
    return Request(std::move(state));
}

EngineStats Worker::stats() const {
    EngineStats stats;
    {
        const std::lock_guard lock(stats_mutex_);
        stats = stats_;
        stats.since_step = seconds_between(answered_, Clock::now());
    }
    stats.queue = mailbox_->counts();
    return stats;
}

void Worker::publish_stats(bool is_idle) {
    now_.running_requests = static_cast<int64_t>(running_.size());
    now_.snapshots = prefixes_->n_snapshot();
    now_.evictions = prefixes_->n_eviction();
    now_.host_bytes = prefixes_->host_bytes();
    now_.folder_bytes = prefixes_->folder_bytes();
    now_.is_idle = is_idle;
    const std::lock_guard lock(stats_mutex_);
    stats_ = now_;
    answered_ = Clock::now();
}

void Worker::run() {
    for (bool goes_on = true; goes_on;) {
        bool has_worked = false;
        try {
            goes_on = collect();
            if (goes_on) {
                apply_controls();
                admit();
                has_worked = take_step();
            }
        } catch (const std::bad_alloc&) {
            end_all(Finish::error, Error{ErrorCode::out_of_memory, "out of memory in a step of the engine"});
        } catch (const std::exception& exception) {
            end_all(Finish::error, Error{ErrorCode::internal, exception.what()});
        }
        sweep();
        publish_stats(!has_worked);
        if (goes_on && !has_worked && collected_.empty()) mailbox_->wait(next_deadline());
    }
    end_all(Finish::cancelled, std::nullopt);
    for (std::unique_ptr<Job>& job : waiting_) finish_all(*job, Finish::cancelled);
    sweep();
    prefixes_->flush();
}

bool Worker::collect() {
    const bool goes_on = mailbox_->collect(collected_);
    // One at a time, so that none is lost where memory runs out.
    for (; !collected_.empty(); collected_.erase(collected_.begin())) {
        const std::shared_ptr<RequestState>& request = collected_.front();
        const RequestOptions& options = request->options;
        std::vector<Choice> choices;
        for (int32_t i = 0; i < options.n; ++i) {
            SamplerOptions its = options.sampler;
            its.seed += static_cast<uint64_t>(i);
            choices.emplace_back(*Sampler::create(its));  // submit() has checked it
        }
        auto job = std::make_unique<Job>(request, std::move(choices));
        const auto n_tok = static_cast<int64_t>(options.tokens.size());
        // The last token of an answer is never read.
        const int64_t most = sequence_tokens_ ? choice_tokens(options.n) - n_tok + 1 : INT64_MAX;
        job->max_tokens = options.max_tokens == kNoLimit ? most : std::min(options.max_tokens, most);
        if (sequence_tokens_) job->n_page = options.n * pages_of_rows(n_tok + std::max<int64_t>(job->max_tokens - 1, 0));
        job->n_queued = n_tok;
        waiting_.reserve(waiting_.size() + 1);
        job->member = fair_.join(options.key, options.weight, options.priority);
        waiting_.push_back(std::move(job));
    }
    return goes_on;
}

void Worker::apply_controls() {
    const auto now = Clock::now();
    const auto follow = [&](Job& job) {
        const auto& deadline = job.request->options.deadline;
        const Control control = job.request->control();
        if (control == Control::cancel) finish_all(job, Finish::cancelled);
        else if (deadline && now >= *deadline) finish_all(job, Finish::deadline);
        else if (control == Control::spill && job.is_admitted && !job.is_spilled) spill(job);
    };
    for (std::unique_ptr<Job>& job : waiting_) follow(*job);
    for (std::unique_ptr<Job>& job : running_) follow(*job);
    sweep();
}

std::optional<Clock::time_point> Worker::next_deadline() const {
    std::optional<Clock::time_point> first;
    for (const auto* jobs : {&waiting_, &running_})
        for (const std::unique_ptr<Job>& job : *jobs) {
            const auto& deadline = job->request->options.deadline;
            if (deadline && (!first || *deadline < *first)) first = deadline;
        }
    return first;
}

// Jobs that have ended leave, and those that were spilled wait again.
void Worker::sweep() {
    for (std::unique_ptr<Job>& job : running_)
        if (job->is_spilled && !job->is_done()) waiting_.push_back(std::move(job));
    for (auto* jobs : {&waiting_, &running_})
        std::erase_if(*jobs, [&](const std::unique_ptr<Job>& job) {
            if (!job) return true;
            if (job->is_done()) fair_.leave(job->member);
            return job->is_done();
        });
}

void Worker::end_all(Finish finish, const std::optional<Error>& error) {
    for (std::unique_ptr<Job>& job : running_)
        if (job) finish_all(*job, finish, error);
}

// ---- admission ----

Job* Worker::next_waiting() {
    Job* next = nullptr;
    for (std::unique_ptr<Job>& job : waiting_)
        if (!job->is_done() && job->request->control() == Control::run &&
            (!next || FairShare::is_before(job->member, next->member)))
            next = job.get();
    return next;
}

bool Worker::fits(const Job& job) const {
    return job.choices.size() - job.n_done <= free_sequences_.size() && n_promised_page_ + job.n_page <= n_page_;
}

// Whoever is next and does not fit keeps the others waiting: else one that needs much would wait forever.
void Worker::admit() {
    for (Job* job = next_waiting(); job && fits(*job); job = next_waiting()) {
        const auto place =
            std::find_if(waiting_.begin(), waiting_.end(), [&](const auto& other) { return other.get() == job; });
        running_.push_back(std::move(*place));
        waiting_.erase(place);
        start(*job);
    }
    sweep();
}

void Worker::take_sequences(Job& job) {
    for (Choice& choice : job.choices) {
        if (choice.is_done) continue;
        choice.sequence = free_sequences_.back();
        free_sequences_.pop_back();
    }
    n_promised_page_ += job.n_page;
}

void Worker::drop_sequence(Choice& choice) {
    if (choice.sequence < 0) return;
    (void)session_.reset(choice.sequence);  // it is one of the session's
    free_sequences_.push_back(choice.sequence);
    choice.sequence = -1;
}

bool Worker::start(Job& job) {
    take_sequences(job);
    if (job.is_spilled) return unspill(job);
    job.is_admitted = true;
    job.admitted = Clock::now();
    mailbox_->count_left(1, 0);
    const RequestOptions& options = job.request->options;
    PrefixCache::Hit hit;
    if (options.reuse) {
        hit = prefixes_->resume(job.choices.front().sequence, job.prompt(), step_->n_needed(job));
        ++now_.lookups;
        now_.hits += hit.reuse.cached_tokens > 0;
        now_.cached_tokens += static_cast<int64_t>(hit.reuse.cached_tokens);
    }
    job.n_read = hit.reuse.cached_tokens;
    mailbox_->count_left(0, static_cast<int64_t>(job.n_read));
    job.n_queued -= static_cast<int64_t>(job.n_read);
    if (options.keep && prefixes_->is_on())
        job.snapshot_positions =
            snapshot_positions(job.prompt().size(), job.n_read, hit.reuse.common_tokens, options.message_ends);
    job.request->change_stats([&](RequestStats& stats) {
        stats.reuse = hit.reuse;
        stats.queue_seconds = seconds_between(job.request->submitted, job.admitted);
    });
    if (job.n_unread() == 0) answer(job, hit.outputs->view());
    return !job.is_done();
}

void Worker::spill(Job& job) {
    std::vector<std::vector<std::byte>> saved(job.choices.size());
    for (size_t i = 0; i < job.choices.size(); ++i) {
        const Choice& choice = job.choices[i];
        if (choice.is_done || (!job.is_answering && i > 0)) continue;  // the others have read nothing yet
        auto bytes = session_.save(choice.sequence);
        if (!bytes) return;  // it pauses where it is
        saved[i] = std::move(*bytes);
    }
    for (size_t i = 0; i < job.choices.size(); ++i) {
        drop_sequence(job.choices[i]);
        job.choices[i].saved = std::move(saved[i]);
    }
    n_promised_page_ -= job.n_page;
    job.is_spilled = true;
}

bool Worker::unspill(Job& job) {
    job.is_spilled = false;
    for (Choice& choice : job.choices) {
        if (choice.saved.empty()) continue;
        if (sequence_tokens_) prefixes_->make_pages(job.n_page);
        const Result<void> restored = session_.restore(choice.sequence, choice.saved);
        if (!restored) {
            finish_all(job, Finish::error, restored.error());
            return false;
        }
        choice.saved = {};
    }
    return true;
}

// ---- a step ----

void Worker::plan_rows(int64_t n_row) {
    while (n_row > 0) {
        Job* next = nullptr;
        for (std::unique_ptr<Job>& job : running_)
            if (!job->is_answering && job->n_row < job->n_unread() && is_runnable(*job) &&
                (!next || FairShare::is_before(job->member, next->member)))
                next = job.get();
        if (!next) return;
        const int64_t n = std::min({n_row, kFairRows, static_cast<int64_t>(next->n_unread() - next->n_row)});
        next->n_row += static_cast<size_t>(n);
        fair_.charge(next->member, static_cast<double>(n));
        n_row -= n;
    }
}

bool Worker::take_step() {
    const auto start = Clock::now();
    step_->clear();
    for (std::unique_ptr<Job>& job : running_) {
        job->n_row = 0;
        if (!job->is_answering || !is_runnable(*job)) continue;
        for (size_t i = 0; i < job->choices.size(); ++i)
            if (!job->choices[i].is_done) step_->add_token(*job, i);
        fair_.charge(job->member, static_cast<double>(job->choices.size() - job->n_done));
    }
    const auto n_decode = static_cast<int64_t>(step_->n_decode());
    plan_rows(budget_.prompt_rows(n_decode));
    int64_t n_prompt = 0;
    for (std::unique_ptr<Job>& job : running_) {
        if (job->n_row > 0) step_->add_prompt(*job, job->n_row);
        n_prompt += static_cast<int64_t>(job->n_row);
    }
    if (step_->is_empty()) return false;
    // Before the run, so that whoever takes a request's last event finds it counted.
    ++now_.n_step;
    now_.prompt_tokens += n_prompt;
    now_.decoded_tokens += n_decode;
    const double seconds = step_->run(
        [&](const Step::Part& part, const Outputs& outputs) {
            if (part.is_prompt) read_prompt(*part.job, part.n_row, outputs);
            else generate(*part.job, part.choice, outputs);
        },
        [&](const Step::Part& part, const Error& error) { finish_all(*part.job, Finish::error, error); });
    budget_.measured(n_decode, n_prompt, seconds);
    now_.run_seconds += seconds;
    now_.step_seconds += seconds_between(start, Clock::now());
    return true;
}

void Worker::read_prompt(Job& job, size_t n_row, const Outputs& outputs) {
    job.n_read += n_row;
    job.n_queued -= static_cast<int64_t>(n_row);
    mailbox_->count_left(0, static_cast<int64_t>(n_row));
    if (job.n_unread() > 0) return;
    if (job.request->options.keep) prefixes_->publish(job.choices.front().sequence, outputs);
    answer(job, outputs);
}

// The prompt is read: its sequence is forked, and each choice begins.
void Worker::answer(Job& job, const Outputs& outputs) {
    job.is_answering = true;
    job.answered = Clock::now();
    job.request->change_stats([&](RequestStats& stats) { stats.prompt_seconds = seconds_between(job.admitted, job.answered); });
    for (size_t i = 1; i < job.choices.size(); ++i)
        if (const auto forked = session_.fork(job.choices.front().sequence, job.choices[i].sequence); !forked)
            return finish_all(job, Finish::error, forked.error());
    for (size_t i = 0; i < job.choices.size(); ++i) {
        if (job.max_tokens <= 0) {
            finish(job, i, Finish::length);
            continue;
        }
        Sampler& sampler = job.choices[i].sampler;
        const auto window =
            std::min(static_cast<size_t>(std::max(sampler.options().repetition_window, 0)), job.prompt().size());
        if (sampler.options().repetition_penalty != 1)
            for (const int32_t token : std::span(job.prompt()).last(window)) sampler.accept(token);
        generate(job, i, outputs);
    }
}

void Worker::generate(Job& job, size_t index, const Outputs& outputs) {
    Choice& choice = job.choices[index];
    if (choice.is_done) return;
    const Result<int32_t> token = outputs.sample(choice.sampler, n_token_);
    if (!token) return finish_all(job, Finish::error, token.error());
    const std::vector<int32_t>& stops = job.request->options.stops;
    if (std::find(stops.begin(), stops.end(), *token) != stops.end()) return finish(job, index, Finish::stop, *token);
    choice.sampler.accept(*token);
    choice.next_token = *token;
    ++choice.n_token;
    job.request->push({.kind = Event::Kind::token, .choice = static_cast<int32_t>(index), .token = *token});
    if (choice.n_token >= job.max_tokens) finish(job, index, Finish::length);
}

void Worker::finish(Job& job, size_t index, Finish finish, int32_t token) {
    Choice& choice = job.choices[index];
    if (choice.is_done) return;
    choice.is_done = true;
    ++job.n_done;
    if (choice.sequence >= 0) {
        // The next turn of a conversation begins with this prompt and this answer.
        if (job.request->options.keep && finish != Finish::error && job.is_answering) prefixes_->publish(choice.sequence);
        drop_sequence(choice);
    }
    choice.saved = {};
    const bool is_last = job.is_done();
    if (is_last) {
        if (job.is_admitted && !job.is_spilled) n_promised_page_ -= job.n_page;
        mailbox_->count_left(job.is_admitted ? 0 : 1, job.n_queued);
        job.n_queued = 0;
    }
    job.request->change_stats([&](RequestStats& stats) {
        stats.generated_tokens += static_cast<size_t>(choice.n_token);
        if (is_last && job.is_answering) stats.generation_seconds = seconds_between(job.answered, Clock::now());
    });
    if (is_last) publish_stats(false);
    job.request->push({.kind = Event::Kind::finished, .choice = static_cast<int32_t>(index), .token = token, .finish = finish});
    if (is_last) job.request->finish_all();
}

void Worker::finish_all(Job& job, Finish its, const std::optional<Error>& error) {
    if (error && !job.is_done()) job.request->change_stats([&](RequestStats& stats) { stats.error = *error; });
    for (size_t i = 0; i < job.choices.size(); ++i) finish(job, i, its);
}

}  // namespace krait::engine
