#include "engine/supervisor.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "engine/notify.h"
#include "engine/own_run.h"
#include "job/tree.h"
#include "pool/codec.h"
#include "sys/error.h"
#include "sys/memory.h"
#include "sys/watches.h"

namespace procrun::engine {
namespace {

/// So long the records of jobs without a name are kept after their end.
constexpr auto kRemembered = std::chrono::hours{24 * 7};

/// Where the command's own errors go, for there is nobody else to tell.
void complain(const char* what, const std::exception& error) {
  std::fprintf(stderr, "procrun: fork: %s: %s\n", what, error.what());
}

/// Orders come as signals; what else is listened to stands behind one descriptor.
class BackgroundContext final : public job::Context {
 public:
  BackgroundContext(const BackgroundPlan& plan, Supervisor& supervisor, const event::Bus& bus)
      : supervisor_{supervisor}, signals_{{.stops = true, .text = {}}, bus, nullptr} {
    inbox_ = {signals_.inbox()[0], others_.fd()};
    if (plan.caller) others_.add(plan.caller.get(), Caller, Tell::Once);
    if (plan.notify) others_.add(plan.notify.get(), Notify, Tell::Always);
  }

  /// First to the sinks: it may tidy up when the command runs. A sink that fails before is told to
  /// our caller; later there is none, and the command is no worse for it.
  void emit(const event::Event& event) override {
    try {
      signals_.emit(event);
    } catch (const std::exception& error) {
      if (!supervisor_.has_started()) throw;
      complain("the command runs on, but not all is recorded", error);
    }
    supervisor_.take(event);
  }
  bool listens() const override { return true; }
  bool wants_details() const override { return true; }
  std::span<const int> inbox() const override { return inbox_; }
  job::Spill& spill() override { return signals_.spill(); }
  job::Pipes& pipes() override { return signals_.pipes(); }

  void hear(std::size_t which) override {
    if (which == 0) return signals_.hear(0);
    for (const std::uint64_t id : others_.ready()) {
      if (id == Caller) caller_is_gone_ = true;
      if (id == Notify) supervisor_.hear_notifications();
    }
  }

  std::optional<job::Order> next_order() override {
    using Kind = job::Order::Kind;
    auto order = signals_.next_order();
    if (!order && std::exchange(caller_is_gone_, false) && !stopping_) {
      order = job::Order{.kind = Kind::Stop};
    }
    if (order && order->kind == Kind::Stop) {
      stopping_ = true;
      if (order->signal == SIGTERM) order->signal = 0;  // the plan says what comes first
    }
    return order;
  }

 private:
  using Tell = sys::Watches::Tell;
  enum Id : std::uint64_t { Caller, Notify };

  Supervisor& supervisor_;
  SignalContext signals_;
  sys::Watches others_;
  std::array<int, 2> inbox_{};
  bool caller_is_gone_ = false;
  bool stopping_ = false;
};

}  // namespace

Supervisor::Supervisor(BackgroundPlan& plan, sys::Fd news) : plan_{plan}, news_{std::move(news)} {
  sys::set_nonblocking(news_.get(), O_DIRECT);
}

void Supervisor::run() {
  job::become_subreaper();
  plan_.record.supervisor = sys::identify(::getpid());
  const auto sinks = std::move(plan_.sinks);  // to end with the run: the plan never does here
  event::Bus bus;
  for (const auto& sink : sinks) bus.add(*sink);
  try {
    BackgroundContext context{plan_, *this, bus};
    const auto outcome = run_own(plan_.job, plan_.policy, plan_.name, context);
    if (outcome.kind == job::Outcome::Kind::CouldNotStart) {
      tell({.kind = News::Kind::Failed, .code = outcome.code, .text = outcome.why});
    }
  } catch (const std::exception& error) {
    if (started_) complain("supervise the command", error);
    tell({.kind = News::Kind::Failed, .code = 125, .text = error.what()});
  }
  if (plan_.pidfile) plan_.pidfile->leave();
}

void Supervisor::take(const event::Event& event) {
  if (event.type == event::Type::Exec) started(event.pid);
  if (event.type == event::Type::Exit) ended(event.status);
}

/// What cannot be written down is not let go: an exception ends the command.
void Supervisor::started(pid_t pid) {
  state::Record& record = plan_.record;
  record.command = sys::identify(pid);
  record.started = sys::rfc3339_now();
  if (plan_.pidfile) plan_.pidfile->publish(pid);
  plan_.records.keep(record);
  if (!record.name.empty()) plan_.records.give_name(record);
  started_ = true;
  tell({.kind = News::Kind::Started, .pid = pid});
  if (!plan_.tells) news_.reset();
  try {
    let_go_of_inherited();
    plan_.records.forget(kRemembered);
    sys::forget_program_pages();
  } catch (const std::exception& error) {
    complain("tidy up", error);
  }
}

/// The command has what we were given; we would only keep others waiting with it.
void Supervisor::let_go_of_inherited() {
  if (::chdir("/") == -1) sys::fail("leave the directory");
  const sys::Fd null = sys::open("/dev/null", O_RDWR);
  for (int number = 0; number < 3; ++number) {
    const bool inherited = plan_.stdio[static_cast<std::size_t>(number)] == -1;
    if (inherited && ::dup2(null.get(), number) == -1) sys::fail("let go of a descriptor");
  }
}

/// Without a record of it nobody knows how the command ended, but others of its tree are well.
void Supervisor::ended(int status) {
  plan_.record.status = ExitStatus{status};
  plan_.record.ended = sys::rfc3339_now();
  if (plan_.pidfile) plan_.pidfile->unpublish();
  try {
    plan_.records.keep(plan_.record);
  } catch (const std::exception& error) {
    complain("write down how the command ended", error);
  }
  tell({.kind = News::Kind::Ended, .pid = plan_.record.command.pid, .code = status});
}

void Supervisor::hear_notifications() {
  std::vector<uid_t> from{::geteuid()};
  if (plan_.policy.place && plan_.policy.place->user) from.push_back(plan_.policy.place->user->uid);
  while (const auto message = read_notification(plan_.notify, from)) {
    const Notification said = parse_notification(*message);
    if (said.ready || said.extend) {
      tell({.kind = News::Kind::Notified, .text = message_of(said)});
    }
  }
}

void Supervisor::tell(const News& news) {
  if (!news_) return;
  pool::Writer writer;
  writer.put(news.kind);
  writer.put(news.pid);
  writer.put(news.code);
  writer.put(std::string_view{news.text}.substr(0, 2048));
  const std::string& bytes = writer.bytes();
  // A packet is written whole or not at all. Who started us may be gone (EPIPE), or asleep.
  if (::write(news_.get(), bytes.data(), bytes.size()) == -1 && errno == EPIPE) news_.reset();
}

}  // namespace procrun::engine
