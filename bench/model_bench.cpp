// SPDX-License-Identifier: Apache-2.0
#include "bench/model_bench.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <system_error>

#include "bench/machine.hpp"
#include "models/sampler/random.hpp"
#include "models/session/session.hpp"

namespace krait::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int64_t kWarmUpSteps = 8;  // of decoding: every program is made in the first, caches are as full as they get in a few

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::vector<int32_t> random_tokens(int64_t count, int32_t n_token, Random& random) {
    std::vector<int32_t> tokens(static_cast<size_t>(count));
    for (int32_t& token : tokens) token = static_cast<int32_t>(random.next() % static_cast<uint64_t>(n_token));
    return tokens;
}

// Reads the file from end to end; the second pass counts, because the first may come from a disk.
Result<double> read_once(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return fail(ErrorCode::io, "{} cannot be read: {}", path, std::generic_category().message(errno));
    std::vector<char> buffer(size_t{1} << 20);
    double seconds = 0;
    Result<void> done;
    for (int pass = 0; pass < 2 && done; ++pass) {
        const auto start = Clock::now();
        ssize_t n = 0;
        off_t at = 0;
        while ((n = ::pread(file, buffer.data(), buffer.size(), at)) > 0) at += n;
        if (n < 0) done = fail(ErrorCode::io, "{} cannot be read: {}", path, std::generic_category().message(errno));
        seconds = since(start);
    }
    ::close(file);
    if (!done) return tl::unexpected<Error>(std::move(done).error());
    return seconds;
}

class Bench {
  public:
    Bench(const BenchPlan& plan, BenchResult& result) : plan_(plan), result_(result), random_(plan.seed) {}

    Result<void> load(const std::function<Result<GgufFile>()>& open) {
        if (!plan_.path.empty()) {
            KRAIT_TRY(result_.load.read_once, read_once(plan_.path));
        }
        const auto start = Clock::now();
        KRAIT_TRY(GgufFile file, open());
        const auto progress = [&](uint64_t done, uint64_t total) {
            if (plan_.progress && !plan_.is_cancelled()) plan_.progress("loading", done, total);
            return !plan_.is_cancelled();
        };
        KRAIT_TRY(result_.model,
                  Model::load(std::move(file), {.device = plan_.device, .placement = plan_.placement, .progress = progress}));
        result_.load.load = since(start);
        KRAIT_TRY(Session session, Session::create(result_.model));
        const int32_t token = 0;
        KRAIT_CHECK(session.decode({{.sequence = 0, .tokens = {&token, 1}}}));
        result_.load.first_token = since(start);
        KRAIT_TRY(result_.work, ModelWork::of(*result_.model));
        return {};
    }

    // n_seq prompts in one call.
    Result<void> prompt(int64_t n_tok, int32_t n_seq) {
        Series series{.is_prompt = true, .n_tok = n_tok, .n_seq = n_seq};
        count_work(series);
        const SessionOptions options{.max_sequences = n_seq, .max_batch_tokens = plan_.chunk};
        const auto read = [&](Session& session, bool) { return read_prompts(session, series); };
        KRAIT_CHECK(time(series, options, plan_.repetitions + (plan_.warm_up ? 1 : 0), read));
        result_.series.push_back(std::move(series));
        return {};
    }

    Result<void> decode(int64_t n_step, int32_t n_seq) {
        Series series{.is_prompt = false, .n_tok = n_step, .n_seq = n_seq, .chain = 1};
        if (n_seq == 1) series.chain = static_cast<int32_t>(std::min<int64_t>(plan_.chain, n_step));
        series.bytes = static_cast<double>(n_step) * result_.work.bytes(n_seq, n_seq, n_seq);
        series.operations = static_cast<double>(n_step) * result_.work.operations(n_seq, n_seq);
        const SessionOptions options{.max_sequences = n_seq, .max_batch_tokens = plan_.chunk, .max_chain = series.chain};
        const auto go_on = [&](Session& session, bool counts) -> Result<double> {
            const int64_t n = counts ? n_step : std::min(std::max<int64_t>(kWarmUpSteps, series.chain), n_step);
            for (int32_t sequence = 0; sequence < n_seq; ++sequence) KRAIT_CHECK(session.reset(sequence));
            const auto start = Clock::now();
            KRAIT_CHECK(series.chain > 1 ? chains(session, n, counts) : steps(session, n, counts));
            return since(start);
        };
        KRAIT_CHECK(time(series, options, plan_.repetitions, go_on));
        result_.series.push_back(std::move(series));
        return {};
    }

  private:
    // repeat(session, counts): the seconds of one repetition, or of the one that warms up, which does not count. n_told:
    // repetitions that tell progress.
    template <class Repeat>
    Result<void> time(Series& series, const SessionOptions& options, int n_told, const Repeat& repeat) {
        begin(series, n_told, "");
        KRAIT_CHECK(repeat_in(options, repeat, [&](double seconds) { series.seconds.push_back(seconds); }));
        if (!plan_.profile) return {};
        begin(series, 2 * n_told, "profile of ");
        series.profile.emplace(result_.model->placement().labels());
        for (const auto runs : {ProfileRecorder::Runs::plain, ProfileRecorder::Runs::by_node}) {
            ProfileRecorder recorder(*series.profile, runs, plan_.trace);
            SessionOptions observed = options;
            observed.run_observer = &recorder;
            recorder.pause(plan_.warm_up);
            KRAIT_CHECK(repeat_in(
                observed, repeat, [](double) {}, [&] { recorder.pause(false); }));
        }
        return {};
    }

    // All repetitions in a session of their own.
    template <class Repeat, class Take>
    Result<void> repeat_in(const SessionOptions& options, const Repeat& repeat, const Take& take) {
        return repeat_in(options, repeat, take, [] {});
    }
    template <class Repeat, class Take, class Warm>
    Result<void> repeat_in(const SessionOptions& options, const Repeat& repeat, const Take& take, const Warm& is_warm) {
        KRAIT_TRY(Session session, Session::create(result_.model, options));
        if (plan_.warm_up) KRAIT_CHECK(repeat(session, false));
        is_warm();
        for (int repetition = 0; repetition < plan_.repetitions; ++repetition) {
            KRAIT_TRY(const double seconds, repeat(session, true));
            take(seconds);
        }
        return {};
    }

    // The prompts of a series in one call, each into a new sequence; random tokens. Its seconds.
    Result<double> read_prompts(Session& session, const Series& series) {
        const auto tokens = random_tokens(series.tokens(), result_.model->n_token(), random_);
        std::vector<SequenceInput> batch;
        for (int32_t i = 0; i < series.n_seq; ++i) {
            const auto first = static_cast<size_t>(i * series.n_tok), count = static_cast<size_t>(series.n_tok);
            batch.push_back({.sequence = i, .tokens = std::span(tokens).subspan(first, count)});
            KRAIT_CHECK(session.reset(i));
        }
        const auto start = Clock::now();
        KRAIT_CHECK(session.decode(batch, {.cancel = plan_.cancel, .progress = [&](int64_t done, int64_t) {
                                               advance(done - std::exchange(reported_, done));
                                           }}));
        reported_ = 0;
        return since(start);
    }

    // Prompts stand one behind the other in runs of `chunk` rows; a run in which none ends leaves the head alone.
    void count_work(Series& series) const {
        const ModelWork& work = result_.work;
        series.operations = work.operations(series.tokens(), series.n_seq);
        for (int64_t first = 0; first < series.tokens(); first += plan_.chunk) {
            const int64_t end = std::min<int64_t>(first + plan_.chunk, series.tokens());
            const int64_t n_seq = (end - 1) / series.n_tok - first / series.n_tok + 1;
            series.bytes += work.bytes(end - first, n_seq, end / series.n_tok - first / series.n_tok);
        }
    }

    Result<void> steps(Session& session, int64_t n_step, bool counts) {
        const auto n_seq = static_cast<size_t>(session.max_sequences());
        std::vector<SequenceInput> batch(n_seq);
        for (int64_t step = 0; step < n_step; ++step) {
            const auto tokens = random_tokens(session.max_sequences(), result_.model->n_token(), random_);
            for (size_t i = 0; i < n_seq; ++i)
                batch[i] = {.sequence = static_cast<int32_t>(i), .tokens = std::span(tokens).subspan(i, 1)};
            KRAIT_CHECK(session.decode(batch, {.cancel = plan_.cancel}));
            if (counts) advance(session.max_sequences());
        }
        return {};
    }

    // From one random token on, greedily.
    Result<void> chains(Session& session, int64_t n_step, bool counts) {
        int32_t token = random_tokens(1, result_.model->n_token(), random_)[0];
        for (int64_t done = 0; done < n_step;) {
            if (plan_.is_cancelled()) return fail(ErrorCode::cancelled, "cancelled");
            const auto wanted = static_cast<int32_t>(std::min<int64_t>(n_step - done, session.max_chain()));
            KRAIT_TRY(const auto found, session.chain({.sequence = 0, .token = token, .n_tok = wanted}));
            token = found.back().token;
            // A logit that is not finite ends a chain: then another token would be no better.
            if (!std::isfinite(found.back().logit))
                return fail(ErrorCode::internal, "the logit of token {} is {}: the model's numbers broke down", token,
                            found.back().logit);
            done += wanted;
            if (counts) advance(wanted);
        }
        return {};
    }

    void begin(const Series& series, int repetitions, std::string_view prefix) {
        label_ = std::string(prefix) + (series.n_seq > 1 ? fmt::format("{} x {}", series.name(), series.n_seq) : series.name());
        done_ = 0;
        total_ = series.tokens() * repetitions;
    }
    void advance(int64_t tokens) {
        done_ += tokens;
        if (plan_.progress) plan_.progress(label_, static_cast<uint64_t>(done_), static_cast<uint64_t>(total_));
    }

    const BenchPlan& plan_;
    BenchResult& result_;
    Random random_;
    std::string label_;
    int64_t done_ = 0, total_ = 0, reported_ = 0;
};

}  // namespace

std::string Series::name() const {
    const std::string name = fmt::format("{} {}", is_prompt ? "prompt" : "decode", n_tok);
    return chain > 1 ? fmt::format("{} by {}", name, chain) : name;
}

Result<BenchResult> run_bench(const std::function<Result<GgufFile>()>& open, const BenchPlan& plan) {
    BenchResult result;
    Bench bench(plan, result);
    KRAIT_CHECK(bench.load(open));
    const auto n_positive = [](const std::vector<int64_t>& counts) {
        return static_cast<size_t>(std::count_if(counts.begin(), counts.end(), [](int64_t n) { return n > 0; }));
    };
    const size_t n_test = n_positive(plan.prompts) * plan.sequences.size() + n_positive(plan.decodes) * plan.batches.size();
    // The session counts the tokens of its own call; told is how far the whole plan was carried out.
    const auto checked = [&](Result<void> test) {
        if (!test && test.error().code == ErrorCode::cancelled)
            test.error().message = fmt::format("cancelled after {} of {} tests", result.series.size(), n_test);
        return test;
    };
    for (const int64_t n_tok : plan.prompts)
        for (const int32_t n_seq : plan.sequences)
            if (n_tok > 0) KRAIT_CHECK(checked(bench.prompt(n_tok, n_seq)));
    for (const int64_t n_step : plan.decodes)
        for (const int32_t n_seq : plan.batches)
            if (n_step > 0) KRAIT_CHECK(checked(bench.decode(n_step, n_seq)));
    result.peak_memory = peak_memory_bytes();
    return result;
}

}  // namespace krait::bench
