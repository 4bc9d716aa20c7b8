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
#include "core/base/random.hpp"

namespace krait::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int64_t kWarmUpSteps = 8;  // of decoding: every program is made in the first, caches are as full as they get in a few

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::vector<int32_t> random_tokens(int64_t count, int64_t n_token, Random& random) {
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

    // n_seq prompts in one call.
    Result<void> prompt(int64_t n_tok, int32_t n_seq) {
        Series series{.is_prompt = true, .n_tok = n_tok, .n_seq = n_seq};
        count_work(series);
        const auto read = [&](api::Session& session, bool) { return read_prompts(session, series); };
        KRAIT_CHECK(time(series, plan_.repetitions + (plan_.warm_up ? 1 : 0), read));
        result_.series.push_back(std::move(series));
        return {};
    }

    Result<void> decode(int64_t n_step, int32_t n_seq) {
        Series series{.is_prompt = false, .n_tok = n_step, .n_seq = n_seq, .chain = 1, .depth = plan_.depth};
        if (n_seq == 1) series.chain = static_cast<int32_t>(std::min<int64_t>(plan_.chain, n_step));
        series.bytes = static_cast<double>(n_step) * result_.work.bytes(n_seq, n_seq, n_seq);
        series.operations = static_cast<double>(n_step) * result_.work.operations(n_seq, n_seq);
        const auto go_on = [&](api::Session& session, bool counts) -> Result<double> {
            const int64_t n = counts ? n_step : std::min(std::max<int64_t>(kWarmUpSteps, series.chain), n_step);
            for (int32_t sequence = 0; sequence < n_seq; ++sequence) KRAIT_CHECK(from_api(session.reset(sequence)));
            KRAIT_CHECK(deepen(session, series));
            const auto start = Clock::now();
            KRAIT_CHECK(series.chain > 1 ? chains(session, series, n, counts) : steps(session, series, n, counts));
            return since(start);
        };
        KRAIT_CHECK(time(series, plan_.repetitions, go_on));
        result_.series.push_back(std::move(series));
        return {};
    }

  private:
    // repeat(session, counts): the seconds of one repetition, or of the one that warms up, which does not count. n_told:
    // repetitions that tell progress.
    template <class Repeat>
    Result<void> time(Series& series, int n_told, const Repeat& repeat) {
        begin(series, n_told, "");
        krait_session_options options = KRAIT_SESSION_OPTIONS_INIT;
        options.max_sequences = series.n_seq;
        options.max_batch_tokens = plan_.chunk;
        options.max_chain = series.chain;
        options.max_sequence_tokens = series.context();
        KRAIT_CHECK(repeat_in(options, repeat, [&](double seconds) { series.seconds.push_back(seconds); }));
        if (!plan_.profile) return {};
        begin(series, 2 * n_told, "profile of ");
        KRAIT_TRY(api::Profile profile, from_api(api::Profile::create(result_.model, plan_.max_events)));
        options.profile = profile.get();
        for (const krait_profile_runs runs : {KRAIT_PROFILE_PLAIN, KRAIT_PROFILE_NODES}) {
            options.profile_runs = runs;
            profile.pause(plan_.warm_up);
            KRAIT_CHECK(repeat_in(
                options, repeat, [](double) {}, [&] { profile.pause(false); }));
        }
        series.profile = std::move(profile);
        return {};
    }

    // All repetitions in a session of their own.
    template <class Repeat, class Take>
    Result<void> repeat_in(const krait_session_options& options, const Repeat& repeat, const Take& take) {
        return repeat_in(options, repeat, take, [] {});
    }
    template <class Repeat, class Take, class Warm>
    Result<void> repeat_in(const krait_session_options& options, const Repeat& repeat, const Take& take, const Warm& is_warm) {
        KRAIT_TRY(api::Session session, from_api(api::Session::create(result_.model, options)));
        if (plan_.warm_up) KRAIT_CHECK(repeat(session, false));
        is_warm();
        for (int repetition = 0; repetition < plan_.repetitions; ++repetition) {
            KRAIT_TRY(const double seconds, repeat(session, true));
            take(seconds);
        }
        return {};
    }

    // The prompts of a series in one call, each into a new sequence; random tokens. Its seconds.
    Result<double> read_prompts(api::Session& session, const Series& series) {
        const auto tokens = random_tokens(series.tokens(), result_.model.n_token(), random_);
        std::vector<krait_batch_item> batch;
        for (int32_t i = 0; i < series.n_seq; ++i) {
            const auto first = static_cast<size_t>(i * series.n_tok), count = static_cast<size_t>(series.n_tok);
            batch.push_back(api::Session::item_of(std::span(tokens).subspan(first, count), i, KRAIT_WANT_LAST));
            KRAIT_CHECK(from_api(session.reset(i)));
        }
        KRAIT_CHECK(check_cancelled());
        const auto start = Clock::now();
        KRAIT_CHECK(from_api(session.decode(batch, [&](uint64_t done, uint64_t) {
            advance(static_cast<int64_t>(done) - std::exchange(reported_, static_cast<int64_t>(done)));
            return !plan_.is_cancelled();
        })));
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

    // Gives each sequence its tokens before the first step.
    Result<void> deepen(api::Session& session, const Series& series) {
        for (int32_t i = 0; i < series.n_seq && series.depth > 0; ++i) {
            const auto tokens = random_tokens(series.depth, result_.model.n_token(), random_);
            const krait_batch_item item = api::Session::item_of(tokens, i, KRAIT_WANT_NONE);
            KRAIT_CHECK(
                from_api(session.decode(std::span(&item, 1), [&](uint64_t, uint64_t) { return !plan_.is_cancelled(); })));
        }
        return {};
    }

    Result<void> steps(api::Session& session, const Series& series, int64_t n_step, bool counts) {
        const auto n_seq = static_cast<size_t>(series.n_seq);
        std::vector<krait_batch_item> batch(n_seq);
        for (int64_t step = 0; step < n_step; ++step) {
            const auto tokens = random_tokens(series.n_seq, result_.model.n_token(), random_);
            for (size_t i = 0; i < n_seq; ++i)
                batch[i] = api::Session::item_of(std::span(tokens).subspan(i, 1), static_cast<int32_t>(i), KRAIT_WANT_LAST);
            KRAIT_CHECK(check_cancelled());
            KRAIT_CHECK(from_api(session.decode(batch, [&](uint64_t, uint64_t) { return !plan_.is_cancelled(); })));
            if (counts) advance(series.n_seq);
        }
        return {};
    }

    // From one random token on, greedily.
    Result<void> chains(api::Session& session, const Series& series, int64_t n_step, bool counts) {
        int32_t token = random_tokens(1, result_.model.n_token(), random_)[0];
        for (int64_t done = 0; done < n_step;) {
            KRAIT_CHECK(check_cancelled());
            const int64_t wanted = std::min<int64_t>(n_step - done, series.chain);
            KRAIT_TRY(const auto found, from_api(session.chain(token, static_cast<size_t>(wanted))));
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

    Result<void> check_cancelled() const {
        if (plan_.is_cancelled()) return fail(ErrorCode::cancelled, "cancelled");
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

// All files of the model, one after the other. The options are those that the model is loaded with.
Result<double> read_files(const LoadModel& load, krait_model_options options) {
    options.no_weights = 1;
    KRAIT_TRY(const api::Model model, from_api(load(options)));
    double seconds = 0;
    for (const std::string_view name : model.file_names()) {
        KRAIT_TRY(const double one, read_once(std::string(name)));
        seconds += one;
    }
    return seconds;
}

// The model, and the figures of loading it.
Result<BenchResult> load_model(const LoadModel& load, const BenchPlan& plan) {
    krait_model_options options = KRAIT_MODEL_OPTIONS_INIT;
    options.user = const_cast<BenchPlan*>(&plan);
    options.progress = [](void* user, uint64_t done, uint64_t total) {
        const BenchPlan& given = *static_cast<const BenchPlan*>(user);
        if (given.progress && !given.is_cancelled()) given.progress("loading", done, total);
        return given.is_cancelled() ? 1 : 0;
    };
    LoadTimes times;
    if (!plan.path.empty()) {
        KRAIT_TRY(times.read_once, read_files(load, options));
    }
    const auto start = Clock::now();
    KRAIT_TRY(api::Model model, from_api(load(options)));
    times.load = since(start);
    KRAIT_TRY(api::Session session, from_api(api::Session::create(model)));
    const int32_t token = 0;
    KRAIT_CHECK(from_api(session.decode(std::span(&token, 1))));
    times.first_token = since(start);
    KRAIT_TRY(const ModelWork work, ModelWork::of(model));
    return BenchResult{.model = std::move(model), .work = work, .load = times};
}

}  // namespace

std::string Series::name() const {
    std::string name = fmt::format("{} {}", is_prompt ? "prompt" : "decode", n_tok);
    if (depth > 0) name += fmt::format(" at {}", depth);
    return chain > 1 ? fmt::format("{} by {}", name, chain) : name;
}

Result<BenchResult> run_bench(const LoadModel& load, const BenchPlan& plan) {
    KRAIT_TRY(BenchResult result, load_model(load, plan));
    Bench bench(plan, result);
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
