#include "engine/workshop.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "engine/wire.h"
#include "job/own_policy.h"
#include "job/tree.h"

namespace procrun::engine {
namespace {

/// For lines, the way to the front is made so wide; and of what fits, each of two streams may take
/// so much: a write to it never blocks then, not even when the front is stopped, however little of
/// each page is used.
constexpr std::size_t kWay = 256 * 1024;
constexpr std::size_t kShare = 5;

/// Orders come over the worker's channel; the channel's end, or TERM, says that the front is gone.
class LinkContext final : public job::Context {
 public:
  LinkContext(pool::Link& link, Workshop& workshop)
      : link_{link}, workshop_{workshop}, inbox_{workshop.signals->fd(), link.fd()} {
    const bool by_line = workshop.policy.output.by_line;
    if (by_line && workshop.window == 0) workshop.window = link.make_room(kWay) / kShare;
  }

  void emit(const event::Event& event) override {
    pool::Writer writer;
    writer.put(Word::Event);
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
  job::Pipes& pipes() override { return workshop_.pipes; }
  std::size_t room(int stream) const override;
  void take(job::Lines&& lines) override;

 private:
  void take(const Receipt& receipt);

  pool::Link& link_;
  Workshop& workshop_;
  std::array<int, 2> inbox_;
  bool abandoned_ = false;
  std::array<std::uint64_t, 2> on_the_way_{};  // of each stream, without a receipt
  Receipt to_be_asked_for_{};
};

void LinkContext::hear(std::size_t which) {
  if (which == 1) return link_.receive();
  // SIGCHLD has done its work by waking us. TERM is sent when the front dies, but by others too.
  for (const auto& info : workshop_.signals->read()) {
    if (info.ssi_signo == SIGTERM && ::getppid() != workshop_.front) link_.note_front_gone();
  }
}

std::optional<job::Order> LinkContext::next_order() {
  while (const auto payload = link_.told()) {
    pool::Reader reader{*payload};
    if (reader.get<Word>() == Word::Order) return get_order(reader);
    take(reader.get<Receipt>());
  }
  if (!link_.front_gone() || abandoned_) return std::nullopt;
  abandoned_ = true;
  return job::Order{.kind = job::Order::Kind::Abandon};
}

/// None rather than very little: pieces would become ever smaller.
std::size_t LinkContext::room(int stream) const {
  const std::size_t taken = on_the_way_[static_cast<std::size_t>(stream - 1)];
  const std::size_t room = workshop_.window - std::min(workshop_.window, taken);
  return room < workshop_.window / 8 ? 0 : room;
}

/// A receipt is asked for when half of the room is used up.
void LinkContext::take(job::Lines&& lines) {
  HandedOn handed_on{.output = std::move(lines.output)};
  for (std::size_t i = 0; i < lines.sizes.size(); ++i) {
    on_the_way_[i] += lines.sizes[i];
    to_be_asked_for_[i] += lines.sizes[i];
    if (to_be_asked_for_[i] < workshop_.window / 2) continue;
    handed_on.receipt[i] = std::exchange(to_be_asked_for_[i], 0);
  }
  pool::Writer writer;
  writer.put(Word::Lines);
  put(writer, handed_on);
  link_.tell(writer.bytes());
  flush();
}

void LinkContext::take(const Receipt& receipt) {
  for (std::size_t i = 0; i < receipt.size(); ++i) on_the_way_[i] -= receipt[i];
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
  workshop.spill.begin_job();
  if (workshop.once) link.leave_after_this();
  LinkContext context{link, workshop};
  std::optional<job::Policy> own;
  if (job.own) own = job::with(workshop.policy, *job.own);
  const auto supervised = job::supervise(job, own ? *own : workshop.policy, context);
  if (supervised.outcome.left_behind) link.retire_after_this();
  // What stands in the spill file is read soon, or the jobs to come would find no room written
  // once.
  if (!supervised.output.spilled.empty()) link.send_at_once();
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
