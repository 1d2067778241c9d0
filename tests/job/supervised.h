#pragma once
// supervise() in a forked child, since it reaps all children of its process; what it found comes
// back over a pipe.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "engine/wire.h"
#include "job/supervise.h"
#include "job/tree.h"
#include "process/forked.h"
#include "support.h"
#include "sys/proc.h"
#include "sys/signals.h"

namespace procrun::test {

/// What is to be supervised, and what the caller says meanwhile.
struct Scene {
  job::Job job = {};
  job::Policy policy = {};
  /// The next of them is given each time when the command writes a byte to descriptor 9.
  std::vector<job::Order> orders = {};
  /// Given before the command begins.
  std::vector<job::Order> first_orders = {};
  bool listens = true;
  /// All of them are given when it writes the first.
  bool at_once = false;
  /// After a pause the caller orders to go on; else it never does.
  bool resumes = true;
  /// Where output goes that does not fit in memory; -1: a file of its own.
  int spill_fd = -1;
};

/// What came of it.
struct Findings {
  job::Supervised result;
  std::vector<event::Event> events = {};
  std::string frames = {};  ///< from memory or file
  std::string error = {};   ///< what supervise() threw
  int children_left = 0;    ///< of its process, when it returned
  bool fds_same = false;
  int stood_still = 0;       ///< how often the context was told to
  bool was_stopped = false;  ///< whether the command was, then

  std::vector<event::Event> events_of(event::Type type) const {
    std::vector<event::Event> some;
    for (const auto& event : events) {
      if (event.type == type) some.push_back(event);
    }
    return some;
  }
  /// The signals that were sent to the tree.
  std::vector<int> signals() const {
    std::vector<int> all;
    for (const auto& event : events_of(event::Type::Signal)) all.push_back(event.status);
    return all;
  }
  std::string stream(int number) const {
    std::string text;
    for (const auto& [stream, bytes] : frame_list()) {
      if (stream == number) text += bytes;
    }
    return text;
  }
  std::vector<std::pair<int, std::string>> frame_list() const {
    std::vector<std::pair<int, std::string>> list;
    std::string_view rest = frames;
    while (rest.size() >= 8) {
      std::uint64_t header = 0;
      std::memcpy(&header, rest.data(), 8);
      const auto size = header & ~job::Captured::kStderr;
      list.emplace_back(header == size ? 1 : 2, rest.substr(8, size));
      rest.remove_prefix(8 + list.back().second.size());
    }
    return list;
  }
};

class FakeContext final : public job::Context {
 public:
  FakeContext(const Scene& scene, Findings& findings)
      : scene_{scene},
        findings_{findings},
        orders_{scene.orders.begin(), scene.orders.end()},
        due_{scene.first_orders.begin(), scene.first_orders.end()},
        signals_{child_signal()} {
    sys::Pipe pipe = sys::make_pipe();
    ::dup2(pipe.write.get(), 9);  // for the command; ours as well, so that it never ends
    bell_ = std::move(pipe.read);
    inbox_ = {signals_.fd(), bell_.get()};
    if (scene.spill_fd == -1) own_spill_ = sys::open_temporary();
    spill_ = procrun::job::Spill{{scene.spill_fd == -1 ? own_spill_.get() : scene.spill_fd}};
  }
  ~FakeContext() override { ::close(9); }

  void emit(const event::Event& event) override { findings_.events.push_back(event); }
  bool listens() const override { return scene_.listens; }
  std::span<const int> inbox() const override { return inbox_; }
  void hear(std::size_t which) override {
    if (which == 0) {
      signals_.read();
      return;
    }
    char byte = 0;
    (void)!::read(bell_.get(), &byte, 1);
    do {
      if (orders_.empty()) return;
      due_.push_back(orders_.front());
      orders_.pop_front();
    } while (scene_.at_once);
  }
  std::optional<job::Order> next_order() override {
    if (due_.empty()) return std::nullopt;
    const job::Order order = due_.front();
    due_.pop_front();
    return order;
  }
  /// The caller goes on as soon as the command stands.
  void stand_still() override {
    ++findings_.stood_still;
    const auto deadline = in_seconds(10);
    const auto exec = findings_.events_of(event::Type::Exec);
    while (!exec.empty() && std::chrono::steady_clock::now() < deadline) {
      const auto stat = sys::process_stat(exec.back().pid);
      findings_.was_stopped = stat && stat->state == 'T';
      if (findings_.was_stopped) break;
    }
    if (scene_.resumes) due_.push_back({.kind = job::Order::Kind::Resume});
  }
  job::Spill& spill() override { return spill_; }
  job::Pipes& pipes() override { return pipes_; }

 private:
  static sigset_t child_signal() {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGCHLD);
    return set;
  }

  const Scene& scene_;
  Findings& findings_;
  std::deque<job::Order> orders_;
  std::deque<job::Order> due_;
  sys::SignalFd signals_;
  sys::Fd bell_;
  std::array<int, 2> inbox_{};
  sys::Fd own_spill_;
  job::Spill spill_;
  job::Pipes pipes_;
};

inline int count_open_fds() {
  int count = 0;
  for (int fd = 0; fd < 1024; ++fd) count += ::fcntl(fd, F_GETFD) != -1 ? 1 : 0;
  return count;
}

/// What was captured, whether in memory or in the file.
inline std::string frames_of(const job::Captured& output, int spill_fd) {
  std::string all;
  for (const job::Stretch& stretch : output.spilled) {
    std::string text(stretch.length, '\0');
    const ssize_t size =
        ::pread(spill_fd, text.data(), text.size(), static_cast<off_t>(stretch.offset));
    all += text.substr(0, size > 0 ? static_cast<std::size_t>(size) : 0);
  }
  return all + output.frames;
}

inline void end_all_that_is_left() {
  while (::waitpid(-1, nullptr, WNOHANG) != -1) {
    for (const pid_t pid : descendants_of(::getpid())) ::kill(pid, SIGKILL);
    ::poll(nullptr, 0, 1);
  }
}

inline Findings find_out(Scene scene) {
  Findings findings;
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (!scene.policy.signals) scene.policy.signals = sys::signal_state();
  const sys::SignalsBlocked blocked;
  FakeContext context{scene, findings};
  const int fds = count_open_fds();
  try {
    findings.result = job::supervise(scene.job, scene.policy, context);
  } catch (const std::exception& error) {
    findings.error = error.what();
  }
  ::signal(SIGPIPE, SIG_IGN);  // a command that leaves its stdin unread makes one wait for us
  context.pipes() = {};        // those that are kept for the next command
  findings.fds_same = count_open_fds() == fds;
  findings.children_left = static_cast<int>(sys::descendants_of(::getpid()).size());
  findings.frames = frames_of(findings.result.output, context.spill().file().fd);
  end_all_that_is_left();
  return findings;
}

/// Supervises in a child and brings back the findings; the test fails if that hangs.
inline Findings supervised(const Scene& scene) {
  ForkedChild child{[&](int report) {
    const sys::Fd null = sys::open("/dev/null", O_WRONLY);
    ::dup2(null.get(), 1);  // what is not captured is no part of the test's report
    const Findings found = find_out(scene);
    pool::Writer writer;
    engine::put(writer, found.result);
    writer.put(found.events.size());
    for (const auto& event : found.events) engine::put(writer, event);
    writer.put(found.frames);
    writer.put(found.error);
    writer.put(found.children_left);
    writer.put(found.fds_same);
    writer.put(found.stood_still);
    writer.put(found.was_stopped);
    say(report, writer.bytes());
    return 0;
  }};
  const auto end = child.finish();
  REQUIRE(end.exited(0));
  pool::Reader reader{end.report};
  Findings findings;
  findings.result = engine::get_supervised(reader);
  const auto count = reader.get<std::size_t>();
  for (std::size_t i = 0; i < count; ++i) findings.events.push_back(engine::get_event(reader));
  findings.frames = reader.get<std::string>();
  findings.error = reader.get<std::string>();
  findings.children_left = reader.get<int>();
  findings.fds_same = reader.get<bool>();
  findings.stood_still = reader.get<int>();
  findings.was_stopped = reader.get<bool>();
  return findings;
}

}  // namespace procrun::test
