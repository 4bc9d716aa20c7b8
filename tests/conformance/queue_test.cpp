// SPDX-License-Identifier: Apache-2.0
//
// Queues and events: order within a queue, waits between queues, counters that only grow, several threads.
#include <atomic>
#include <chrono>
#include <fstream>
#include <future>
#include <thread>

#include "tests/conformance/conformance_test.hpp"

namespace krait {
namespace {

class QueueLaws : public ConformanceTest {
  protected:
    Queue another_queue() {
        auto made = device->create_queue();
        EXPECT_TRUE(made) << made.error().message;
        return std::move(*made);
    }

    // Makes `queue` wait for the gate's 1, and says why it does not: a backend may refuse, or wait in the call itself. The
    // opener signals the gate then.
    std::string why_not_held(const Event& gate, Queue& opener) {
        auto held = std::async(std::launch::async, [&] { return queue.wait(gate, 1); });
        if (held.wait_for(std::chrono::seconds(1)) != std::future_status::ready) {
            EXPECT_TRUE(opener.signal(gate, 1));
            EXPECT_TRUE(held.get());
            return "the call itself waits";
        }
        const auto result = held.get();
        if (!result && result.error().code == ErrorCode::unsupported) return result.error().message;
        EXPECT_TRUE(result) << result.error().message;
        return "";
    }
};

TEST_P(QueueLaws, EventsStartAtZeroAndGrow) {
    const Event counter = event();
    EXPECT_EQ(counter.value(), 0u);
    EXPECT_TRUE(counter.wait(0, 0));
    ASSERT_TRUE(queue.signal(counter, 1));
    ASSERT_TRUE(queue.signal(counter, 5));
    EXPECT_TRUE(counter.wait(5));
    EXPECT_EQ(counter.value(), 5u);
    EXPECT_TRUE(counter.wait(3, 0)) << "a value that has been passed is reached";
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().queue_signal(queue.get(), counter.get(), 5, &err));
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().queue_signal(queue.get(), counter.get(), 2, &err));
    EXPECT_EQ(counter.value(), 5u);
    ASSERT_TRUE(queue.signal(counter, uint64_t{1} << 40));
    EXPECT_TRUE(counter.wait(uint64_t{1} << 40));
}

TEST_P(QueueLaws, WaitingEndsWhenTheTimeIsOver) {
    const Event counter = event();
    const auto start = std::chrono::steady_clock::now();
    EXPECT_REFUSED(KRAIT_STATUS_UNAVAILABLE, api().event_wait(counter.get(), 1, 20'000'000, &err));
    const auto waited = std::chrono::steady_clock::now() - start;
    EXPECT_GE(waited, std::chrono::milliseconds(15));
    EXPECT_LT(waited, std::chrono::seconds(10));
    EXPECT_REFUSED(KRAIT_STATUS_UNAVAILABLE, api().event_wait(counter.get(), 1, 0, &err));
}

TEST_P(QueueLaws, AnEventFollowsTheWorkBeforeIt) {
    const Buffer memory = buffer(1 << 16);
    const Event counter = event();
    const auto bytes = random_bytes(1 << 16);
    std::vector<std::byte> got(bytes.size());
    ASSERT_TRUE(queue.write(memory, 0, bytes));
    ASSERT_TRUE(queue.read(got, memory, 0));
    ASSERT_TRUE(queue.signal(counter, 1));
    ASSERT_TRUE(counter.wait(1));
    EXPECT_EQ(got, bytes);
    EXPECT_TRUE(queue.sync());
}

TEST_P(QueueLaws, AQueueWaitsForAnother) {
    const Buffer memory = buffer(64);
    const Event counter = event();
    Queue second = another_queue();
    ASSERT_TRUE(second.wait(counter, 0)) << "what has been reached holds nobody up";
    const auto bytes = random_bytes(64);
    std::vector<std::byte> got(64);
    // The waiting side submits from its own thread: a backend may hold it in the call.
    Result<void> waited;
    std::thread reader([&] {
        waited = second.wait(counter, 1);
        if (!waited) return;
        EXPECT_TRUE(second.read(got, memory, 0));
        EXPECT_TRUE(second.sync());
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    ASSERT_TRUE(queue.write(memory, 0, bytes));
    ASSERT_TRUE(queue.signal(counter, 1));
    reader.join();
    // A device without asynchronous work may refuse to be held up, with a reason: the host waits instead.
    if (!waited && waited.error().code == ErrorCode::unsupported) GTEST_SKIP() << "unsupported: " << waited.error().message;
    ASSERT_TRUE(waited) << waited.error().message;
    EXPECT_EQ(got, bytes);
}

TEST_P(QueueLaws, ValuesOfAnEventNeverFall) {
    const Event counter = event();
    std::atomic<bool> stop{false};
    std::thread watcher([&] {
        uint64_t last = 0;
        while (!stop) {
            const uint64_t now = counter.value();
            EXPECT_GE(now, last);
            last = now;
        }
    });
    for (uint64_t v = 1; v <= 200; ++v) EXPECT_TRUE(queue.signal(counter, v));
    EXPECT_TRUE(counter.wait(200));
    stop = true;
    watcher.join();
    EXPECT_EQ(counter.value(), 200u);
}

TEST_P(QueueLaws, ASignalThatComesTooLateIsAnErrorOfItsQueue) {
    const Event gate = event(), counter = event();
    Queue second = another_queue();
    if (const std::string why = why_not_held(gate, second); !why.empty()) GTEST_SKIP() << "unsupported: " << why;
    ASSERT_TRUE(queue.signal(counter, 1));
    ASSERT_TRUE(second.signal(counter, 2)) << "nobody has set it yet";
    ASSERT_TRUE(second.signal(gate, 1));
    EXPECT_TRUE(second.sync());
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().queue_sync(queue.get(), &err));
    EXPECT_EQ(counter.value(), 2u);
    EXPECT_TRUE(queue.sync()) << "an error is told once";
    ASSERT_TRUE(queue.signal(counter, 3));
    EXPECT_TRUE(counter.wait(3));
}

TEST_P(QueueLaws, ASmallerSignalMayOvertakeOneThatIsHeld) {
    const Event gate = event(), counter = event();
    Queue second = another_queue();
    if (const std::string why = why_not_held(gate, second); !why.empty()) GTEST_SKIP() << "unsupported: " << why;
    ASSERT_TRUE(queue.signal(counter, 2));
    ASSERT_TRUE(second.signal(counter, 1));
    EXPECT_TRUE(counter.wait(1));
    EXPECT_EQ(counter.value(), 1u);
    ASSERT_TRUE(second.signal(gate, 1));
    EXPECT_TRUE(queue.sync());
    EXPECT_EQ(counter.value(), 2u);
}

TEST_P(QueueLaws, WritesBehindAWaitDoNotBlock) {
    // More than any staging that a device may keep: it must not wait for room, since this thread opens the gate.
    constexpr size_t kSize = size_t{40} << 20;
    const Buffer memory = buffer(kSize);
    const Event gate = event();
    Queue second = another_queue();
    if (const std::string why = why_not_held(gate, second); !why.empty()) GTEST_SKIP() << "unsupported: " << why;
    std::vector<std::byte> bytes(kSize);
    auto writer = std::async(std::launch::async, [&] {
        for (int i = 1; i <= 3; ++i) {
            std::fill(bytes.begin(), bytes.end(), static_cast<std::byte>(i));
            EXPECT_TRUE(queue.write(memory, 0, bytes));
        }
    });
    EXPECT_EQ(writer.wait_for(std::chrono::seconds(60)), std::future_status::ready) << "a write waits for the gate";
    ASSERT_TRUE(second.signal(gate, 1));
    writer.wait();
    EXPECT_EQ(read(memory, kSize - 9, 9), std::vector<std::byte>(9, std::byte{3}));
}

// Memory of this process, in bytes.
uint64_t resident() {
    std::ifstream file("/proc/self/statm");
    uint64_t total = 0, pages = 0;
    file >> total >> pages;
    return pages * 4096;
}

TEST_P(QueueLaws, ALoopWithoutSyncDoesNotGrow) {
    const Buffer memory = buffer(8192);
    const Event counter = event();
    const auto bytes = random_bytes(4096);
    std::vector<std::byte> got(4096);
    uint64_t step = 0;
    const auto steps = [&](int n) {
        for (int i = 0; i < n; ++i) {
            ASSERT_TRUE(queue.write(memory, 0, bytes));
            ASSERT_TRUE(queue.copy(memory, 4096, memory, 0, 4096));
            ASSERT_TRUE(queue.read(got, memory, 4096));
            ASSERT_TRUE(queue.signal(counter, ++step));
            ASSERT_TRUE(counter.wait(step));
        }
    };
    steps(500);
    const uint64_t before = resident();
    steps(2500);
    const uint64_t after = resident();
    // A step keeps at least the staging of its read; the Vulkan validation layer keeps 3 KiB of its own.
    EXPECT_LT(after, before + 2500 * 5 * 1024) << "less than 5 KiB a step";
    EXPECT_EQ(got, bytes);
}

TEST_P(QueueLaws, TwoThreadsWithAQueueEach) {
    const auto work = [&](uint64_t seed) {
        Queue own = another_queue();
        for (uint64_t i = 0; i < 50; ++i) {
            const auto made = device->create_buffer(KRAIT_BUFFER_DEVICE, 1000 + i);
            ASSERT_TRUE(made);
            const auto bytes = random_bytes(1000 + i, seed * 1000 + i);
            std::vector<std::byte> got(bytes.size());
            ASSERT_TRUE(own.write(*made, 0, bytes));
            ASSERT_TRUE(own.read(got, *made, 0));
            ASSERT_TRUE(own.sync());
            ASSERT_EQ(got, bytes);
        }
    };
    std::thread first(work, 1), second(work, 2);
    first.join();
    second.join();
}

TEST_P(QueueLaws, SyncOfAnIdleQueueIsFine) {
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(queue.sync());
    Queue idle = another_queue();
    EXPECT_TRUE(idle.sync());
}

TEST_P(QueueLaws, ARefusedCallIsNoErrorOfTheWork) {
    const Buffer memory = buffer(16);
    std::byte bytes[32]{};
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().queue_write(queue.get(), memory.get(), 0, bytes, 32, &err));
    EXPECT_TRUE(queue.sync()) << "the call itself has told its error; sync tells that of submitted work";
}

TEST_P(QueueLaws, HandlesOfAnotherDeviceAreRefused) {
    const auto other = Device::open(GetParam());
    ASSERT_TRUE(other);
    const auto foreign = (*other)->create_buffer(KRAIT_BUFFER_DEVICE, 64);
    ASSERT_TRUE(foreign);
    const auto counter = (*other)->create_event();
    ASSERT_TRUE(counter);
    std::byte bytes[8]{};
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().queue_write(queue.get(), foreign->get(), 0, bytes, 8, &err));
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().queue_read(queue.get(), bytes, foreign->get(), 0, 8, &err));
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().queue_signal(queue.get(), counter->get(), 1, &err));
    EXPECT_REFUSED(KRAIT_STATUS_INVALID_ARGUMENT, api().queue_wait(queue.get(), counter->get(), 0, &err));
}

TEST_P(QueueLaws, DestroyingAQueueWaitsForItsWork) {
    const Buffer memory = buffer(1 << 18);
    const auto bytes = random_bytes(1 << 18);
    std::vector<std::byte> got(bytes.size());
    {
        Queue brief = another_queue();
        ASSERT_TRUE(brief.write(memory, 0, bytes));
        ASSERT_TRUE(brief.read(got, memory, 0));
    }
    EXPECT_EQ(got, bytes);
}

KRAIT_ON_EVERY_DEVICE(QueueLaws);

}  // namespace
}  // namespace krait
