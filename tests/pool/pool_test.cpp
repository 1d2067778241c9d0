#include "pool/pool.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <numeric>
#include <set>
#include <stdexcept>

#include "process/fork.h"
#include "process/forked.h"
#include "process/process.h"
#include "support.h"
#include "sys/signals.h"

using namespace std::chrono_literals;
using procrun::CallError;
using procrun::Pool;
using procrun::Process;
using procrun::WorkerLost;
using procrun::test::ForkedChild;
using procrun::test::in_child;
using procrun::test::NoChildLeft;
using procrun::test::NoDescendantLeft;
using procrun::test::SameOpenFds;
using procrun::test::say;
namespace sys = procrun::sys;

namespace {

// What workers run.

int square(int x) { return x * x; }
void nothing() {}
pid_t my_pid() { return ::getpid(); }
std::string join_words(const std::vector<std::string>& words, char by) {
  std::string all;
  for (const auto& word : words) all += (all.empty() ? std::string{} : std::string{by}) + word;
  return all;
}
std::pair<std::string, int> with_size(std::string text) {
  const int size = static_cast<int>(text.size());
  return {std::move(text), size};
}
std::optional<std::string> maybe(std::optional<int> number) {
  if (!number) return std::nullopt;
  return std::to_string(*number);
}
std::vector<std::string> split(std::string text) {
  return {text.substr(0, text.size() / 2), text.substr(text.size() / 2)};
}
std::string twice(std::string text) { return text + text; }
void say_to(int fd, std::string text) { say(fd, text); }
int throw_text(std::string text) { throw std::runtime_error{text}; }
int throw_number(int number) { throw number; }
int square_but_not_three(int x) {
  if (x == 3) throw std::runtime_error{"three"};
  return x * x;
}
int die_of_signal(int signal) {
  ::raise(signal);
  return 0;
}
int leave_with(int code) { ::_exit(code); }
[[noreturn]] void sleep_for_ever() {
  for (;;) ::pause();
}
void ignore_term_and_sleep(int told) {
  ::signal(SIGTERM, SIG_IGN);
  say(told, "x");
  sleep_for_ever();
}
void tell_and_sleep(int told) {
  say(told, "x");
  sleep_for_ever();
}
/// Says that it is here and waits until it is let go.
int meet(int told, int go) {
  say(told, "x");
  char byte = 0;
  while (::read(go, &byte, 1) == -1 && errno == EINTR) {
  }
  return ::getpid();
}
pid_t fork_one_that_stays() {
  const pid_t pid = ::fork();
  if (pid == 0) sleep_for_ever();
  return pid;
}
int count_fds() {
  int count = 0;
  for (int fd = 0; fd < 1024; ++fd) count += ::fcntl(fd, F_GETFD) != -1 ? 1 : 0;
  return count;
}

/// Stops a child of ours and waits until it stands: it reads no more.
bool stand_still(pid_t pid) {
  ::kill(pid, SIGSTOP);
  siginfo_t stopped{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &stopped, WSTOPPED) == 0;
}

/// Waits for `count` bytes.
bool heard(const sys::Pipe& pipe, int count) {
  for (int i = 0; i < count; ++i) {
    char byte = 0;
    if (!procrun::test::readable(pipe.read.get(), procrun::test::in_seconds(10))) return false;
    if (::read(pipe.read.get(), &byte, 1) != 1) return false;
  }
  return true;
}

}  // namespace

// --- Calls and results ---

TEST_CASE("a function is called in a worker and its result comes back", "[pool]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  Pool pool{2};
  CHECK(pool.apply(square, 7) == 49);
  CHECK(pool.apply(my_pid) != ::getpid());
}

TEST_CASE("strings, vectors, pairs and optionals travel both ways", "[pool]") {
  const NoChildLeft guard;
  Pool pool{1};
  const std::string odd{"a\0b\n\xff", 5};
  CHECK(pool.apply(with_size, odd) == std::pair<std::string, int>{odd, 5});
  CHECK(pool.apply(join_words, std::vector<std::string>{"a", "", "b"}, '-') == "a--b");
  CHECK(pool.apply(maybe, std::optional<int>{5}) == "5");
  CHECK(pool.apply(maybe, std::optional<int>{}) == std::nullopt);
  CHECK(pool.apply(split, "abcd") == std::vector<std::string>{"ab", "cd"});
}

TEST_CASE("a function that returns nothing can be waited for", "[pool]") {
  const NoChildLeft guard;
  Pool pool{1};
  const sys::Fd file = sys::open_temporary();
  Pool late{1};  // born with the file open
  late.apply(say_to, file.get(), "called");
  pool.apply(nothing);
  ::lseek(file.get(), 0, SEEK_SET);
  CHECK(procrun::test::read_all(file.get()) == "called");
}

TEST_CASE("a lambda without captures is a function", "[pool]") {
  const NoChildLeft guard;
  Pool pool{1};
  CHECK(pool.apply(
            +[](int a, std::string b) { return b + std::to_string(a); }, 1, "x") == "x1");
}

TEST_CASE("results that are to be are there in the end, in whatever order they are asked for",
          "[pool]") {
  const NoChildLeft guard;
  Pool pool{3};
  std::vector<procrun::AsyncResult<int>> results;
  for (int i = 0; i < 20; ++i) results.push_back(pool.apply_async(square, i));
  for (int i = 19; i >= 0; --i) CHECK(results[static_cast<std::size_t>(i)].get() == i * i);
  CHECK(results[3].get() == 9);
  CHECK(results[3].successful());
}

TEST_CASE("asking whether a result is ready does not block", "[pool]") {
  const NoChildLeft guard;
  const sys::Pipe told = sys::make_pipe();
  const sys::Pipe go = sys::make_pipe();
  Pool pool{1};
  auto result = pool.apply_async(meet, told.write.get(), go.read.get());
  CHECK_FALSE(result.ready());
  CHECK_FALSE(result.wait(5ms));
  CHECK_THROWS_AS(result.successful(), std::logic_error);
  say(go.write.get(), "x");
  CHECK(result.wait(10s));
  CHECK(result.ready());
  CHECK(result.successful());
}

TEST_CASE("map gives the results in the order of the values, whatever the chunks", "[pool]") {
  const NoChildLeft guard;
  Pool pool{3};
  std::vector<int> values(100);
  std::iota(values.begin(), values.end(), 0);
  std::vector<int> squares;
  for (const int value : values) squares.push_back(value * value);
  for (const std::size_t chunk : {0, 1, 7, 100, 1000}) {
    CAPTURE(chunk);
    CHECK(pool.map(square, values, chunk) == squares);
  }
  CHECK(pool.map(square, std::vector<int>{}).empty());
  CHECK(pool.map(with_size, std::vector<std::string>{"a", "bc"}) ==
        std::vector<std::pair<std::string, int>>{{"a", 1}, {"bc", 2}});
}

TEST_CASE("map of a function that returns nothing waits until all is done", "[pool]") {
  const NoChildLeft guard;
  static int fd;
  const sys::Fd file = sys::open_temporary();
  fd = file.get();
  Pool pool{2};
  pool.map(
      +[](int) { say(fd, "x"); }, std::vector<int>(20));
  CHECK(::lseek(file.get(), 0, SEEK_CUR) == 20);
}

TEST_CASE("map throws what a function threw, and the pool goes on", "[pool]") {
  const NoChildLeft guard;
  Pool pool{2};
  CHECK_THROWS_WITH(pool.map(square_but_not_three, std::vector<int>{1, 2, 3, 4}, 1), "three");
  CHECK(pool.apply(square, 5) == 25);
}

TEST_CASE("all that runs at once runs at once", "[pool]") {
  const NoChildLeft guard;
  const sys::Pipe told = sys::make_pipe();
  const sys::Pipe go = sys::make_pipe();
  Pool pool{5};
  std::vector<procrun::AsyncResult<int>> results;
  for (int i = 0; i < 5; ++i) {
    results.push_back(pool.apply_async(meet, told.write.get(), go.read.get()));
  }
  CHECK(heard(told, 5));  // none of them ends before all have begun
  say(go.write.get(), "xxxxx");
  std::set<int> pids;
  for (auto& result : results) pids.insert(result.get());
  CHECK(pids.size() == 5);
}

TEST_CASE("ten thousand calls on two workers all come back", "[pool]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  Pool pool{2};
  std::vector<procrun::AsyncResult<int>> results;
  for (int i = 0; i < 10'000; ++i) results.push_back(pool.apply_async(square, i % 1000));
  pool.close();
  pool.join();
  int wrong = 0;
  for (int i = 0; i < 10'000; ++i) {
    if (results[static_cast<std::size_t>(i)].get() != (i % 1000) * (i % 1000)) ++wrong;
  }
  CHECK(wrong == 0);
}

TEST_CASE("an argument and a result may be larger than any pipe", "[pool]") {
  const NoChildLeft guard;
  Pool pool{2};
  const std::string large(10 << 20, 'x');
  CHECK(pool.apply(twice, large).size() == 2 * large.size());
  auto first = pool.apply_async(twice, large);
  auto second = pool.apply_async(twice, large);
  auto third = pool.apply_async(twice, large);
  CHECK(third.get() == large + large);
  CHECK(first.get() == second.get());
}

TEST_CASE("T1: what a worker's function prints is printed once", "[pool]") {
  const NoChildLeft guard;
  const auto end = in_child([](int report) {
    ::dup2(report, 1);
    std::printf("front ");
    {
      Pool pool{2};
      pool.apply(+[] { std::printf("worker "); });
      pool.apply(+[] { std::printf("again "); });
    }
    std::printf("end");
    return 0;
  });
  CHECK(end.report == "front worker again end");
}

// --- Errors ---

TEST_CASE("an exception travels as its text", "[pool]") {
  const NoChildLeft guard;
  Pool pool{1};
  CHECK_THROWS_WITH(pool.apply(throw_text, "no such luck"), "no such luck");
  CHECK_THROWS_AS(pool.apply(throw_text, ""), CallError);
  CHECK_THROWS_WITH(pool.apply(throw_number, 5), "unknown exception");
  CHECK(pool.apply(square, 2) == 4);
}

TEST_CASE("an exception is thrown again each time the result is asked for", "[pool]") {
  const NoChildLeft guard;
  Pool pool{1};
  auto result = pool.apply_async(throw_text, "again");
  CHECK_THROWS_AS(result.get(), CallError);
  CHECK_THROWS_AS(result.get(), CallError);
  CHECK_FALSE(result.successful());
}

TEST_CASE("a worker that throws lives on", "[pool]") {
  const NoChildLeft guard;
  Pool pool{1};
  const pid_t before = pool.apply(my_pid);
  CHECK_THROWS_AS(pool.apply(throw_text, "x"), CallError);
  CHECK(pool.apply(my_pid) == before);
}

TEST_CASE("a call whose worker is killed is lost, and the pool goes on", "[pool]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  Pool pool{1};
  auto lost = pool.apply_async(die_of_signal, SIGKILL);
  auto next = pool.apply_async(square, 3);
  CHECK_THROWS_WITH(lost.get(), Catch::Contains("killed by signal 9 (KILL)"));
  CHECK_THROWS_AS(lost.get(), WorkerLost);
  CHECK(next.get() == 9);
}

TEST_CASE("a call whose worker leaves is lost", "[pool]") {
  const NoChildLeft guard;
  Pool pool{2};
  CHECK_THROWS_WITH(pool.apply(leave_with, 7), Catch::Contains("exited with code 7"));
  CHECK_THROWS_AS(pool.apply(leave_with, 0), WorkerLost);
  CHECK(pool.apply(square, 3) == 9);
}

TEST_CASE("a lost call names the worker that had it", "[pool]") {
  const NoChildLeft guard;
  Pool pool{1};
  const auto workers = pool.workers();
  REQUIRE(workers.size() == 1);
  CHECK_THROWS_WITH(pool.apply(die_of_signal, SIGTERM),
                    Catch::Contains("worker " + std::to_string(workers[0])));
}

TEST_CASE("a worker that is killed from outside loses its call only", "[pool]") {
  const NoChildLeft guard;
  const sys::Pipe told = sys::make_pipe();
  const sys::Pipe go = sys::make_pipe();
  Pool pool{2};
  auto one = pool.apply_async(meet, told.write.get(), go.read.get());
  auto other = pool.apply_async(meet, told.write.get(), go.read.get());
  REQUIRE(heard(told, 2));
  const auto workers = pool.workers();
  REQUIRE(workers.size() == 2);
  ::kill(workers[0], SIGKILL);
  CHECK_THROWS_AS(one.get(), WorkerLost);
  say(go.write.get(), "x");
  CHECK(other.get() == workers[1]);
}

TEST_CASE("an idle worker that is killed is replaced", "[pool]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  Pool pool{1};
  for (int i = 0; i < 20; ++i) {
    const pid_t worker = pool.apply(my_pid);
    ::kill(worker, SIGKILL);
    REQUIRE(procrun::test::ends(worker));
    CHECK(pool.apply(square, i) == i * i);
  }
}

TEST_CASE("a pool outlives any number of lost workers", "[pool]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  const SameOpenFds fd_guard;
  Pool pool{3};
  std::vector<procrun::AsyncResult<int>> deadly;
  std::vector<procrun::AsyncResult<int>> harmless;
  for (int i = 0; i < 60; ++i) {
    if (i % 3 == 0) deadly.push_back(pool.apply_async(die_of_signal, SIGKILL));
    harmless.push_back(pool.apply_async(square, i));
  }
  pool.close();
  pool.join();
  for (auto& result : deadly) CHECK_THROWS_AS(result.get(), WorkerLost);
  for (std::size_t i = 0; i < harmless.size(); ++i) {
    CHECK(harmless[i].get() == static_cast<int>(i * i));
  }
}

TEST_CASE("a call that its worker died without reading is given to another", "[pool]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  Pool pool{1};
  const pid_t worker = pool.apply(my_pid);
  REQUIRE(stand_still(worker));
  auto small = pool.apply_async(my_pid);
  ::kill(worker, SIGKILL);
  const pid_t another = small.get();
  CHECK(another != worker);
  REQUIRE(stand_still(another));
  auto large = pool.apply_async(twice, std::string(10 << 20, 'x'));
  ::kill(another, SIGKILL);
  CHECK(large.get().size() == 20 << 20);
}

TEST_CASE("quick calls do not wait behind a slow one", "[pool]") {
  const NoChildLeft guard;
  const sys::Pipe told = sys::make_pipe();
  const sys::Pipe go = sys::make_pipe();
  Pool pool{2};
  std::vector<procrun::AsyncResult<int>> before;
  for (int i = 0; i < 200; ++i) before.push_back(pool.apply_async(square, i));
  auto slow = pool.apply_async(meet, told.write.get(), go.read.get());
  std::vector<procrun::AsyncResult<int>> behind;
  for (int i = 0; i < 200; ++i) behind.push_back(pool.apply_async(square, i));
  const auto deadline = sys::Clock::now() + 10s;
  int late = 0;
  for (auto& result : behind) {
    late += result.wait(std::max<sys::Duration>(deadline - sys::Clock::now(), 0s)) ? 0 : 1;
  }
  CHECK(late == 0);
  CHECK_FALSE(slow.ready());
  say(go.write.get(), "x");
  CHECK(slow.get() > 0);
}

TEST_CASE("a call that is taken back runs once all the same, whoever is quicker", "[pool]") {
  const NoChildLeft guard;
  const sys::Fd runs = sys::open_temporary();
  constexpr int kCalls = 3000;
  Pool pool{2};
  std::vector<procrun::AsyncResult<int>> results;
  for (int i = 0; i < kCalls; ++i) {
    // Just about as long as makes the front take back what waits behind it.
    const int micros = i % 40 == 7 ? 1900 + i % 50 * 10 : 0;
    results.push_back(pool.apply_async(
        +[](int number, int file, int sleep_for) {
          const char byte = 'x';
          if (::write(file, &byte, 1) != 1) ::_exit(1);
          if (sleep_for != 0) ::usleep(static_cast<useconds_t>(sleep_for));
          return number;
        },
        i, runs.get(), micros));
  }
  int wrong = 0;
  for (int i = 0; i < kCalls; ++i) {
    wrong += results[static_cast<std::size_t>(i)].get() == i ? 0 : 1;
  }
  CHECK(wrong == 0);
  CHECK(::lseek(runs.get(), 0, SEEK_END) == kCalls);
}

TEST_CASE("calls too large for a packet come back whole, between small ones", "[pool]") {
  const NoChildLeft guard;
  Pool pool{2};
  std::vector<procrun::AsyncResult<std::string>> results;
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < 600; ++i) {
    texts.emplace_back(i % 7 == 3 ? 3000 + i * 251 % 90000 : i % 50,
                       static_cast<char>('a' + i % 26));
    results.push_back(pool.apply_async(
        +[](std::string text) { return text; }, texts.back()));
  }
  int wrong = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) wrong += results[i].get() == texts[i] ? 0 : 1;
  CHECK(wrong == 0);
}

// --- Workers ---

TEST_CASE("the workers are there from the start and the same through the run", "[pool]") {
  const NoChildLeft guard;
  Pool pool{3};
  const auto workers = pool.workers();
  REQUIRE(workers.size() == 3);
  std::vector<procrun::AsyncResult<pid_t>> results;
  for (int i = 0; i < 200; ++i) results.push_back(pool.apply_async(my_pid));
  const std::set<pid_t> all(workers.begin(), workers.end());
  int strangers = 0;
  for (auto& result : results) strangers += all.contains(result.get()) ? 0 : 1;
  CHECK(strangers == 0);
  CHECK(pool.workers() == workers);
}

TEST_CASE("a pool of no workers has one", "[pool]") {
  const NoChildLeft guard;
  Pool pool{0};
  CHECK(pool.workers().size() == 1);
  CHECK(pool.apply(square, 2) == 4);
}

TEST_CASE("a pool has a worker for each usable processor unless it is told otherwise", "[pool]") {
  const NoChildLeft guard;
  const Pool pool;
  CHECK(pool.workers().size() == sys::usable_cpus());
}

TEST_CASE("T28: a worker holds no channel but its own", "[pool]") {
  const NoChildLeft guard;
  const auto end = in_child([](int) {
    ::syscall(SYS_close_range, 3U, ~0U, 0U);
    Pool pool{4};
    for (int i = 0; i < 20; ++i) {
      if (pool.apply(count_fds) > 5) return 1;  // three standard ones and its two ends
    }
    const auto workers = pool.workers();
    ::kill(workers[1], SIGKILL);
    (void)procrun::test::ends(workers[1]);
    for (int i = 0; i < 20; ++i) {
      if (pool.apply(count_fds) > 5) return 2;
    }
    return 0;
  });
  CHECK(end.exited(0));
}

TEST_CASE("workers are not started again and again when the machine refuses more", "[pool]") {
  const NoChildLeft guard;
  const auto end = in_child([](int) {
    ::syscall(SYS_close_range, 3U, ~0U, 0U);
    const rlimit files{12, 12};
    ::setrlimit(RLIMIT_NOFILE, &files);
    try {
      const Pool pool{20};
    } catch (const std::system_error& error) {
      // It says so at once; what had been started is gone.
      if (error.code().value() != EMFILE) return 1;
      return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD ? 0 : 2;
    }
    return 3;
  });
  CHECK(end.exited(0));
}

// --- The end ---

TEST_CASE("a closed pool takes no calls", "[pool]") {
  const NoChildLeft guard;
  Pool pool{1};
  auto before = pool.apply_async(square, 3);
  pool.close();
  CHECK_THROWS_AS(pool.apply_async(square, 4), std::logic_error);
  CHECK_THROWS_AS(pool.map(square, std::vector<int>{1}), std::logic_error);
  pool.join();
  CHECK(before.get() == 9);
}

TEST_CASE("a pool is joined after it was closed, not before", "[pool]") {
  const NoChildLeft guard;
  Pool pool{1};
  CHECK_THROWS_AS(pool.join(), std::logic_error);
  pool.close();
  pool.join();
  pool.join();
  CHECK(pool.workers().empty());
}

TEST_CASE("joining waits for the calls that are queued and for the workers' end", "[pool]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  Pool pool{2};
  std::vector<procrun::AsyncResult<int>> results;
  for (int i = 0; i < 50; ++i) results.push_back(pool.apply_async(square, i));
  pool.close();
  pool.join();
  for (auto& result : results) CHECK(result.ready());
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("a pool can be terminated while it is busy, and its calls are lost", "[pool]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  const sys::Pipe told = sys::make_pipe();
  Pool pool{2};
  auto one = pool.apply_async(tell_and_sleep, told.write.get());
  auto two = pool.apply_async(tell_and_sleep, told.write.get());
  auto waiting = pool.apply_async(square, 3);
  REQUIRE(heard(told, 2));
  pool.terminate();
  CHECK_THROWS_AS(one.get(), WorkerLost);
  CHECK_THROWS_AS(two.get(), WorkerLost);
  CHECK_THROWS_WITH(waiting.get(), "the pool was terminated before the call began");
  CHECK_THROWS_AS(pool.apply_async(square, 4), std::logic_error);
  pool.join();
  pool.terminate();
}

TEST_CASE("a worker that ignores TERM does not keep a pool from terminating", "[pool]") {
  const NoChildLeft guard;
  const sys::Pipe told = sys::make_pipe();
  Pool pool{1};
  auto result = pool.apply_async(ignore_term_and_sleep, told.write.get());
  REQUIRE(heard(told, 1));
  pool.terminate();
  CHECK_THROWS_WITH(result.get(), Catch::Contains("KILL"));
}

TEST_CASE("a stopped worker does not keep a pool from terminating", "[pool]") {
  const NoChildLeft guard;
  Pool pool{1};
  ::kill(pool.workers()[0], SIGSTOP);
  pool.terminate();
  CHECK(pool.workers().empty());
}

TEST_CASE("a pool that goes while it is busy leaves nothing", "[pool]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  const SameOpenFds fd_guard;
  const sys::Pipe told = sys::make_pipe();
  Pool pool{2};
  for (int i = 0; i < 10; ++i) pool.apply_async(tell_and_sleep, told.write.get());
  REQUIRE(heard(told, 2));
}

TEST_CASE("waiting for a pool is broken off by what its alarm throws, once", "[pool]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  const sys::Pipe told = sys::make_pipe();
  const sys::Pipe alarm = sys::make_pipe();
  const auto alarmed = [] { throw std::runtime_error("enough"); };
  Pool pool{1,
            {.in_worker = [&] { say(told.write.get(), "w"); },
             .alarm = alarm.read.get(),
             .alarmed = alarmed}};
  auto result = pool.apply_async(tell_and_sleep, told.write.get());
  REQUIRE(heard(told, 2));
  say(alarm.write.get(), "x");
  CHECK_THROWS_WITH(result.get(), "enough");
  // The alarm is still to be read, and nobody is told again.
  CHECK_FALSE(result.ready());
  pool.terminate();
  CHECK_THROWS_AS(result.get(), WorkerLost);
}

TEST_CASE("a pool that goes unused leaves nothing", "[pool]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  const Pool pool{3};
}

TEST_CASE("a result may be asked for after its pool has gone", "[pool]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  auto pool = std::make_unique<Pool>(1U);
  auto done = pool->apply_async(square, 3);
  done.wait();
  auto not_done = pool->apply_async(sleep_for_ever);
  pool.reset();
  CHECK(done.get() == 9);
  CHECK_THROWS_AS(not_done.get(), WorkerLost);
}

TEST_CASE("a pool that an exception ends leaves nothing", "[pool]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  const auto use = [] {
    Pool pool{2};
    (void)pool.apply_async(sleep_for_ever);
    throw std::runtime_error{"out"};
  };
  CHECK_THROWS_WITH(use(), "out");
}

TEST_CASE("a pool that was moved away from is no pool any more", "[pool]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  Pool first{1};
  Pool second{std::move(first)};
  CHECK(second.apply(square, 4) == 16);
}

// --- Other processes ---

TEST_CASE("a pool is used by the process that made it only", "[pool]") {
  const NoChildLeft guard;
  Pool pool{1};
  const auto end = in_child([&](int) {
    try {
      (void)pool.apply_async(square, 3);
      return 1;
    } catch (const std::logic_error&) {
    }
    try {
      pool.close();
      return 2;
    } catch (const std::logic_error&) {
      return 0;
    }
  });
  CHECK(end.exited(0));
  CHECK(pool.apply(square, 3) == 9);
}

TEST_CASE("a pool inside a worker's function is a pool of its own", "[pool]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  Pool pool{2};
  const auto inner = +[](int x) {
    Pool nested{2};
    return nested.apply(square, x) + nested.apply(square, x + 1);
  };
  CHECK(pool.map(inner, std::vector<int>{1, 2, 3}, 1) == std::vector<int>{5, 13, 25});
}

TEST_CASE("a forked copy of a pool leaves the workers alone when it goes", "[pool]") {
  const NoChildLeft guard;
  auto pool = std::make_unique<Pool>(2U);
  const auto workers = pool->workers();
  const auto end = in_child([&](int) {
    pool.reset();
    return 0;
  });
  CHECK(end.exited(0));
  CHECK(pool->apply(square, 3) == 9);
  CHECK(pool->workers() == workers);
}

TEST_CASE("a pool can be joined while another child of ours lives on", "[pool]") {
  const NoChildLeft guard;
  ForkedChild front{[](int) {
    Pool pool{2};
    Process other{[] {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      sleep_for_ever();
    }};
    other.start();  // a copy of us, with our ends of the workers' channels
    pool.apply(nothing);
    pool.close();
    pool.join();
    other.kill();
    return 0;
  }};
  CHECK(front.finish(std::chrono::seconds{5}).exited(0));
}

TEST_CASE("workers go when their front is killed", "[pool]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  const sys::Pipe told = sys::make_pipe();
  ForkedChild front{[&](int report) {
    Pool pool{3};
    for (const pid_t worker : pool.workers()) say(report, std::to_string(worker) + "\n");
    (void)pool.apply_async(tell_and_sleep, told.write.get());
    (void)pool.apply_async(tell_and_sleep, told.write.get());
    sleep_for_ever();
    return 0;
  }};
  const pid_t workers[] = {front.number(), front.number(), front.number()};
  REQUIRE(heard(told, 2));
  ::kill(front.pid(), SIGKILL);
  CHECK(front.finish().signaled(SIGKILL));
  for (const pid_t worker : workers) CHECK(procrun::test::reaped(worker));
}

TEST_CASE("T19: a process that a function leaves behind does not hang the pool", "[pool]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  ForkedChild front{[](int report) {
    Pool pool{1};
    say(report, std::to_string(pool.apply(fork_one_that_stays)) + "\n");
    if (pool.apply(square, 3) != 9) return 1;
    pool.close();
    pool.join();
    return 0;
  }};
  const pid_t left = front.number();
  CHECK(front.finish(std::chrono::seconds{10}).exited(0));
  ::kill(left, SIGKILL);
  CHECK(procrun::test::reaped(left));
}

TEST_CASE("T19: a worker that dies is noticed though a process of its holds its channel",
          "[pool]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  ForkedChild front{[](int report) {
    Pool pool{1};
    say(report, std::to_string(pool.apply(fork_one_that_stays)) + "\n");
    try {
      pool.apply(die_of_signal, SIGKILL);
    } catch (const WorkerLost&) {
      return pool.apply(square, 3) == 9 ? 0 : 1;
    }
    return 2;
  }};
  const pid_t left = front.number();
  CHECK(front.finish(std::chrono::seconds{10}).exited(0));
  ::kill(left, SIGKILL);
  CHECK(procrun::test::reaped(left));
}

TEST_CASE("using the library changes nothing in the process that uses it", "[pool]") {
  const NoChildLeft guard;
  const auto end = in_child([](int) {
    const auto same_signals = [] {
      const sys::SignalState state = sys::signal_state();
      int count = 0;
      for (int signal = 1; signal <= SIGRTMAX; ++signal) {
        count += ::sigismember(&state.mask, signal) + ::sigismember(&state.caught, signal) +
                 ::sigismember(&state.ignored, signal);
      }
      return count;
    };
    const int before = same_signals();
    {
      Pool pool{2};
      (void)pool.apply(square, 3);
    }
    int subreaper = 0;
    ::prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
    return same_signals() == before && subreaper == 0 ? 0 : 1;
  });
  CHECK(end.exited(0));
}
