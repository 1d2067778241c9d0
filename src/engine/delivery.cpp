#include "engine/delivery.h"

#include <utility>

#include "job/own_policy.h"

namespace procrun::engine {
namespace {

/// Output that waits in memory for its reader: beyond this no job is started.
constexpr std::size_t kBacklog = 1024 * 1024;
/// The same with what waits in files.
constexpr std::uint64_t kWaitingInFiles = std::uint64_t{1} << 30;
/// A job that takes longer shows what it writes as it comes, when it is its turn.
constexpr auto kSlow = std::chrono::milliseconds{100};

}  // namespace

Delivery::Delivery(Options options, sys::Outlet& out, sys::Outlet& err)
    : options_{std::move(options)},
      out_{out},
      err_{err},
      printer_{out, err, options_.keep_order},
      receipts_{out, err} {}

void Delivery::lines(JobInHand& one, const HandedOn& lines, const job::SpillFile& spill,
                     bool wanted) {
  if (options_.results) {
    save(one, lines.output, spill);
  } else if (wanted) {
    job::pass_on(lines.output, spill, out_, err_);
  }
  receipts_.owe(one.job.seq, lines.receipt);
}

void Delivery::whole(JobInHand& one, job::Captured output, const job::SpillFile& spill,
                     bool wanted) {
  const bool is_saved = options_.results && spill.fd != -1;
  if (is_saved) save(one, output, spill);  // and that is all that becomes of it
  printer_.print(one.job.seq, wanted && !is_saved ? std::move(output) : job::Captured{}, spill);
}

void Delivery::save(JobInHand& one, const job::Captured& output, const job::SpillFile& spill) {
  using Mode = Results::Mode;
  const auto mode = std::exchange(one.has_results, true) ? Mode::Behind : Mode::Over;
  options_.results->save(one.waiting, output, spill, mode);
}

bool Delivery::flush(Local& local) {
  const bool all = sys::flush_both(out_, err_);
  receipts_.give(local);
  return all;
}

bool Delivery::has_room() const noexcept {
  return out_.backlog() + err_.backlog() < kBacklog &&
         out_.in_files() + err_.in_files() < kWaitingInFiles;
}

/// Where its worker may write itself then, all before it has to be out: one writer at a time.
JobInHand* Delivery::waits_for_turn(InHand& jobs) {
  const bool may_come = options_.by_line || (out_.empty() && err_.empty());
  if (!options_.takes_turns || !may_come) return nullptr;
  JobInHand* const next = jobs.find(printer_.turn());
  if (next == nullptr || next->has_turn) return nullptr;
  // What a failed attempt writes is not to be seen, but by line.
  const bool may_fail = next->job.own && next->job.own->retries.value_or(0) != 0;
  return may_fail && !options_.by_line ? nullptr : next;
}

sys::Deadline Delivery::turn_due(InHand& jobs) {
  const JobInHand* const next = waits_for_turn(jobs);
  if (next == nullptr) return std::nullopt;
  if (next->wants_turn) return next->since;
  return options_.by_line ? sys::Deadline{} : next->since + kSlow;
}

void Delivery::give_turn(InHand& jobs, Local& local) {
  const auto due = turn_due(jobs);
  if (!due || sys::Clock::now() < *due) return;
  local.order(printer_.turn(), {.kind = job::Order::Kind::Turn});
  waits_for_turn(jobs)->has_turn = true;
}

}  // namespace procrun::engine
