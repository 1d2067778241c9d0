#include "engine/workshop.h"

#include <signal.h>
#include <unistd.h>

#include "engine/wire.h"
#include "job/tree.h"

namespace procrun::engine {
namespace {

/// Orders come over the worker's channel; the channel's end, or TERM, says that the front is gone.
class LinkContext final : public job::Context {
 public:
  LinkContext(pool::Link& link, Workshop& workshop)
      : link_{link}, workshop_{workshop}, inbox_{workshop.signals->fd(), link.fd()} {}

  void emit(const event::Event& event) override {
    pool::Writer writer;
    put(writer, event);
    link_.tell(writer.bytes());
  }
  bool listens() const override { return workshop_.listens; }
  bool wants_details() const override { return workshop_.details; }
  bool accounts() const override { return workshop_.accounts; }
  std::span<const int> inbox() const override {
    return {inbox_.data(), link_.front_gone() ? 1U : 2U};  // at its end it is always readable
  }
  void hear(std::size_t which) override;
  std::optional<job::Order> next_order() override;
  sys::Deadline flush_by() const override { return link_.flush_by(); }
  void flush() override { link_.flush(); }
  job::Spill& spill() override { return workshop_.spill; }

 private:
  pool::Link& link_;
  Workshop& workshop_;
  std::array<int, 2> inbox_;
  bool abandoned_ = false;
};

void LinkContext::hear(std::size_t which) {
  if (which == 1) return link_.receive();
  // SIGCHLD has done its work by waking us. TERM is sent when the front dies, but by others too.
  for (const auto& info : workshop_.signals->read()) {
    if (info.ssi_signo == SIGTERM && ::getppid() != workshop_.front) link_.note_front_gone();
  }
}

std::optional<job::Order> LinkContext::next_order() {
  if (const auto payload = link_.told()) {
    pool::Reader reader{*payload};
    return get_order(reader);
  }
  if (!link_.front_gone() || abandoned_) return std::nullopt;
  abandoned_ = true;
  return job::Order{.kind = job::Order::Kind::Abandon};
}

/// The job's token goes back before its end is told: by then another job may have it.
struct TokenBack {
  const Workshop& workshop;
  ~TokenBack() {
    if (workshop.tokens != nullptr) workshop.tokens->give_back(workshop.slot);
  }
};

void run_job(pool::Link& link, pool::Reader& arguments, pool::Writer& result) {
  auto& workshop = *reinterpret_cast<Workshop*>(arguments.get<std::uintptr_t>());
  const TokenBack token_back{workshop};
  const job::Job job = get_job(arguments);
  if (workshop.once) link.leave_after_this();
  LinkContext context{link, workshop};
  const auto supervised = job::supervise(job, workshop.policy, context);
  if (supervised.outcome.left_behind) link.retire_after_this();
  put(result, supervised);
}

}  // namespace

void Workshop::open() {
  job::become_subreaper();
  front = ::getppid();  // it has just been checked to live
  sigset_t wanted;
  ::sigemptyset(&wanted);
  ::sigaddset(&wanted, SIGCHLD);
  ::sigaddset(&wanted, SIGTERM);
  signals.emplace(wanted);
}

/// It may have got a token for a job that never reached it.
void Workshop::abandon() noexcept {
  if (tokens != nullptr) tokens->abandon(slot);
}

pool::Writer make_job_call(const Workshop& workshop, const job::Job& job) {
  pool::Writer writer = pool::call_to(&run_job);
  writer.put(reinterpret_cast<std::uintptr_t>(&workshop));
  put(writer, job);
  return writer;
}

}  // namespace procrun::engine
