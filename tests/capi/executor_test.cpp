// SPDX-License-Identifier: Apache-2.0
//
// A host application with threads of its own: the model's loops run there, and nobody else's threads are started.
#include <gtest/gtest.h>
#include <krait/krait.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <krait/krait.hpp>
#include <mutex>
#include <set>
#include <thread>

namespace kr = krait::api;

namespace {

size_t threads_of_process() {
    const std::filesystem::directory_iterator tasks("/proc/self/task");
    return static_cast<size_t>(std::distance(begin(tasks), end(tasks)));
}

// As small as a pool can be: the caller and one thread take tasks of the loops that are open.
class TinyPool {
  public:
    TinyPool() : thread_([this] { serve(); }) {}
    ~TinyPool() {
        {
            const std::lock_guard lock(mutex_);
            stop_ = true;
        }
        changed_.notify_all();
        thread_.join();
    }

    void operator()(uint32_t n_tasks, kr::Task task) {
        Loop loop{task, n_tasks};
        std::unique_lock lock(mutex_);
        ++n_calls_;
        open_.push_back(&loop);
        changed_.notify_all();
        while (take_one(loop, lock)) {
        }
        changed_.wait(lock, [&] { return loop.done == loop.count; });
        std::erase(open_, &loop);
    }

    uint64_t n_calls() {
        const std::lock_guard lock(mutex_);
        return n_calls_;
    }
    std::set<std::thread::id> who() {
        const std::lock_guard lock(mutex_);
        return who_;
    }

  private:
    struct Loop {
        kr::Task task;
        uint32_t count, next = 0, done = 0;
    };

    bool take_one(Loop& loop, std::unique_lock<std::mutex>& lock) {
        if (loop.next == loop.count) return false;
        const uint32_t index = loop.next++;
        who_.insert(std::this_thread::get_id());
        lock.unlock();
        loop.task(index);
        lock.lock();
        if (++loop.done == loop.count) changed_.notify_all();
        return true;
    }

    void serve() {
        std::unique_lock lock(mutex_);
        for (;;) {
            Loop* found = nullptr;
            changed_.wait(lock, [&] {
                for (Loop* loop : open_)
                    if (loop->next < loop->count) found = loop;
                return stop_ || found;
            });
            if (stop_) return;
            take_one(*found, lock);
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Loop*> open_;
    std::set<std::thread::id> who_;
    uint64_t n_calls_ = 0;
    bool stop_ = false;
    std::thread thread_;
};

std::vector<float> logits_after(const kr::Model& model, std::string_view text) {
    auto session = kr::Session::create(model);
    EXPECT_TRUE(session) << session.failure().message;
    const auto read = session->decode(*model.tokenize(text));
    EXPECT_TRUE(read) << read.failure().message;
    const auto logits = *session->logits();
    return {logits.begin(), logits.end()};
}

TEST(Executor, LoopsRunOnTheHostsThreadsAlone) {
    const std::string text = "It was a fine day in the middle of June, and the whole house was still asleep.";
    const auto own = kr::Model::load({}, "cpu:threads=2");
    ASSERT_TRUE(own) << own.failure().message;
    const std::vector<float> expected = logits_after(*own, text);

    TinyPool pool;
    const krait_executor executor = kr::executor_of(pool, 2);
    const size_t before = threads_of_process();
    const auto model = kr::Model::load({}, "cpu", &executor);
    ASSERT_TRUE(model) << model.failure().message;
    EXPECT_EQ(logits_after(*model, text), expected) << "who runs a piece changes nothing";
    EXPECT_EQ(threads_of_process(), before);
    EXPECT_GT(pool.n_calls(), 10u);
    // On a busy machine one thread may do all the work of a run before the system lets the other begin.
    for (int i = 0; i < 200 && pool.who().size() < 2; ++i) logits_after(*model, text);
    EXPECT_EQ(pool.who().size(), 2u);
}

TEST(Executor, SessionsOnTwoThreadsShareIt) {
    TinyPool pool;
    const krait_executor executor = kr::executor_of(pool, 3);
    const auto model = kr::Model::load({}, "cpu", &executor);
    ASSERT_TRUE(model) << model.failure().message;
    const std::vector<float> expected = logits_after(*model, "She opened the letter and");
    std::vector<float> other;
    std::thread second([&] {
        for (int i = 0; i < 5; ++i) other = logits_after(*model, "She opened the letter and");
    });
    for (int i = 0; i < 5; ++i) EXPECT_EQ(logits_after(*model, "She opened the letter and"), expected);
    second.join();
    EXPECT_EQ(other, expected);
}

TEST(Executor, OtherDevicesDoWithoutIt) {
    TinyPool pool;
    const krait_executor executor = kr::executor_of(pool, 2);
    const auto model = kr::Model::load({}, "reference", &executor);
    ASSERT_TRUE(model) << model.failure().message;
    logits_after(*model, "She");
    EXPECT_EQ(pool.n_calls(), 0u);
}

TEST(Executor, MistakesAreSentences) {
    TinyPool pool;
    const auto refused = [](const krait_executor& executor, const std::string& device, std::string_view words) {
        const auto model = kr::Model::load({}, device, &executor);
        ASSERT_FALSE(model);
        EXPECT_EQ(model.failure().code, KRAIT_INVALID_ARGUMENT);
        EXPECT_NE(model.failure().message.find(words), std::string::npos) << model.failure().message;
    };
    refused(kr::executor_of(pool, 0), "cpu", "the executor has 0 threads");
    refused(kr::executor_of(pool, 1025), "auto", "1 to 1024");
    refused({sizeof(krait_executor), &pool, 2, nullptr}, "cpu", "no function 'parallel'");
    refused(kr::executor_of(pool, 2), "cpu:threads=2", "leave the option 'threads' out");
    refused(kr::executor_of(pool, 2), "cpu:affinity=0", "leave the option 'affinity' out");

    // The next device on this thread is not given what belonged to the last one.
    EXPECT_TRUE(kr::Model::load({}, "cpu:threads=2"));
    EXPECT_EQ(pool.n_calls(), 0u);
}

TEST(Executor, OptionsOfAnOlderHeaderAreUnderstood) {
    krait_model_options options = KRAIT_MODEL_OPTIONS_INIT;
    options.struct_size = offsetof(krait_model_options, executor);
    options.executor = reinterpret_cast<const krait_executor*>(&options);  // beyond the end of what that header knew
    krait_model* model = nullptr;
    krait_failure failure{};
    EXPECT_EQ(krait_model_load(nullptr, &options, &model, &failure), KRAIT_OK) << failure.message;
    krait_model_free(model);
}

TEST(Executor, ItsStructMayBeOlderButNotNewer) {
    TinyPool pool;
    krait_executor executor = kr::executor_of(pool, 2);
    krait_model_options options = KRAIT_MODEL_OPTIONS_INIT;
    options.device = "cpu";
    options.executor = &executor;
    EXPECT_TRUE(static_cast<bool>(kr::Model::load_with({}, options)));
    for (const size_t wrong : {size_t{0}, sizeof executor + 8}) {
        executor.struct_size = wrong;
        const auto refused = kr::Model::load_with({}, options);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.failure().message, "struct_size is " + std::to_string(wrong) +
                                                 "; start from the _INIT macro, which sets it to " +
                                                 std::to_string(sizeof executor));
    }
}

}  // namespace
