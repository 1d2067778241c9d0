#include "report/events.h"

#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "sys/clock.h"

namespace procrun::report {
namespace {

using event::Event;
using event::JobRecord;
using event::Type;
using Json = nlohmann::ordered_json;

// --- How a process ended: from a raw wait status ---

Json code_of(std::optional<int> status) {
  return status && WIFEXITED(*status) ? Json(WEXITSTATUS(*status)) : Json{};
}

Json signal_of(std::optional<int> status) {
  return status && WIFSIGNALED(*status) ? Json(WTERMSIG(*status)) : Json{};
}

bool dumped_core(std::optional<int> status) {
  return status && WIFSIGNALED(*status) && WCOREDUMP(*status);
}

/// Of a process of which somebody else has to tell.
std::optional<int> known_end(const Event& event) {
  return event.status == event::kUnknownEnd ? std::nullopt : std::optional{event.status};
}

const char* name_of(JobRecord::End end) {
  switch (end) {
    case JobRecord::End::Ok:
      return "ok";
    case JobRecord::End::TimedOut:
      return "timed_out";
    case JobRecord::End::Cancelled:
      return "cancelled";
    case JobRecord::End::CouldNotStart:
      return "could_not_start";
    case JobRecord::End::Lost:
      return "lost";
    case JobRecord::End::None:
    case JobRecord::End::Failed:
      break;
  }
  return "failed";
}

/// Of a job that could not be started it is the shell's.
Json job_code(const JobRecord& record) {
  if (record.end == JobRecord::End::CouldNotStart) return record.code;
  return code_of(record.status);
}

// --- The members. A lambda each, so that name, meaning and value stand together ---

constexpr Field kSeq{"seq", Kind::Integer, "the job's number, from 1; 0: the run's own",
                     [](const Event& e, const Tally&) -> Json { return e.seq; }};
constexpr Field kAttempt{"attempt", Kind::Integer, "which attempt at the job, from 1; 0: of none",
                         [](const Event& e, const Tally&) -> Json { return e.attempt; }};
constexpr Field kPid{"pid", Kind::Integer, "the process",
                     [](const Event& e, const Tally&) -> Json { return e.pid; }};
constexpr Field kPpid{"ppid", Kind::Integer, "its parent",
                      [](const Event& e, const Tally&) -> Json { return e.ppid; }};
constexpr Field kSlot{"slot", Kind::Integer, "the place that the job has, from 1",
                      [](const Event& e, const Tally&) -> Json { return e.record->slot; }};
constexpr Field kName{"name", Kind::Text, "what the job is called before people",
                      [](const Event& e, const Tally&) -> Json { return e.record->name; }};
constexpr Field kArgv{"argv", Kind::Texts, "what is executed",
                      [](const Event& e, const Tally&) -> Json { return e.record->argv; }};
constexpr Field kCode{"code", Kind::IntegerOrNull, "what it exited with; null: it did not exit",
                      [](const Event& e, const Tally&) -> Json { return code_of(e.status); }};
constexpr Field kSignal{"signal", Kind::IntegerOrNull, "the signal that it died of, or null",
                        [](const Event& e, const Tally&) -> Json { return signal_of(e.status); }};
constexpr Field kCore{"core", Kind::Truth, "it left a core file",
                      [](const Event& e, const Tally&) -> Json { return dumped_core(e.status); }};
constexpr Field kDuration{"duration", Kind::Integer, "nanoseconds since the attempt began",
                          [](const Event& e, const Tally&) -> Json { return e.duration.count(); }};
constexpr Field kUtime{"utime", Kind::Integer, "its user time, nanoseconds",
                       [](const Event& e, const Tally&) -> Json { return e.user.count(); }};
constexpr Field kStime{"stime", Kind::Integer, "its system time, nanoseconds",
                       [](const Event& e, const Tally&) -> Json { return e.system.count(); }};
constexpr Field kMaxrss{"maxrss", Kind::Integer, "the most memory that it had, KiB",
                        [](const Event& e, const Tally&) -> Json { return e.max_rss; }};
constexpr Field kCommand{"command", Kind::Text, "its command line or name",
                         [](const Event& e, const Tally&) -> Json { return e.text; }};
constexpr Field kSent{"signal", Kind::Integer, "the signal's number",
                      [](const Event& e, const Tally&) -> Json { return e.status; }};
constexpr Field kText{"text", Kind::Text, "the same in words",
                      [](const Event& e, const Tally&) -> Json { return e.text; }};

// --- The types ---

constexpr std::array kOfRunStart{kPid};
constexpr std::array kOfInFlight{kSeq, kCommand};
constexpr std::array kOfJobStart{kSeq, kSlot, kName, kArgv};
constexpr std::array kOfJobReturned{kSeq};
constexpr std::array kOfExec{kSeq, kAttempt, kPid, kPpid};
constexpr std::array kOfFork{
    kSeq, kAttempt, kPid, kPpid,
    Field{"slot", Kind::Integer, "the place whose worker it is, from 1; 0: it is none",
          [](const Event& e, const Tally&) -> Json { return e.status; }}};
constexpr std::array kOfZombie{kSeq, kAttempt, kPid,
                               Field{"ppid", Kind::Integer, "the parent that has not reaped it",
                                     [](const Event& e, const Tally&) -> Json { return e.ppid; }},
                               kCommand};
constexpr std::array kOfOrphan{kSeq, kAttempt, kPid,
                               Field{"ppid", Kind::Integer, "its new parent",
                                     [](const Event& e, const Tally&) -> Json { return e.ppid; }},
                               Field{"adopter", Kind::Text, "the name of its new parent",
                                     [](const Event& e, const Tally&) -> Json { return e.text; }}};
constexpr std::array kOfExit{kSeq,  kAttempt,  kPid,   kCode,  kSignal,
                             kCore, kDuration, kUtime, kStime, kMaxrss};
constexpr std::array kOfReap{kSeq, kAttempt, kPid, kCode, kSignal, kCore, kCommand};
constexpr std::array kOfStop{
    kSeq, kAttempt, kPid,
    Field{"signal", Kind::IntegerOrNull,
          "the signal that stopped it; null: of one that is only watched, it is not told",
          [](const Event& e, const Tally&) -> Json {
            return e.status != 0 ? Json(WSTOPSIG(e.status)) : Json{};
          }}};
constexpr std::array kOfContinue{kSeq, kAttempt, kPid};
constexpr std::array kOfTimeout{kSeq, kAttempt, kPid, kDuration};
constexpr std::array kOfSignal{kSeq, kAttempt, kPid, kSent};
constexpr std::array kOfKill{kSeq, kAttempt, kPid, kCommand};
constexpr std::array kOfDropped{kSeq, kAttempt, kPid};
constexpr std::array kOfRetry{
    kSeq, kAttempt, kPid,
    Field{"attempts", Kind::Integer, "how many there may be",
          [](const Event& e, const Tally&) -> Json { return std::stoul(e.text); }},
    Field{"delay", Kind::Integer, "nanoseconds until the next one",
          [](const Event& e, const Tally&) -> Json { return e.duration.count(); }}};
constexpr std::array kOfLeak{
    kSeq,
    kAttempt,
    kPid,
    kPpid,
    kCommand,
    Field{"lives_on", Kind::Truth, "it is not ended",
          [](const Event& e, const Tally&) -> Json { return e.status != 0; }}};
constexpr std::array kOfWatch{
    kPid,
    Field{"ppid", Kind::IntegerOrNull,
          "its parent; null: not known, or outside of our pid namespace",
          [](const Event& e, const Tally&) -> Json { return e.ppid != 0 ? Json(e.ppid) : Json{}; }},
    Field{"name", Kind::Text, "its program's, by the kernel; empty: not known",
          [](const Event& e, const Tally&) -> Json { return e.text; }}};
constexpr std::array kOfEnded{
    kPid,
    Field{"code", Kind::IntegerOrNull,
          "what it exited with; null: it did not exit. Null like signal: it is not known",
          [](const Event& e, const Tally&) -> Json { return code_of(known_end(e)); }},
    Field{"signal", Kind::IntegerOrNull, "the signal that it died of, or null",
          [](const Event& e, const Tally&) -> Json { return signal_of(known_end(e)); }},
    Field{"core", Kind::TruthOrNull, "it left a core file; null: not known",
          [](const Event& e, const Tally&) -> Json {
            return known_end(e) ? Json(dumped_core(e.status)) : Json{};
          }},
    Field{"reaped", Kind::Truth, "false: it is a zombie still",
          [](const Event& e, const Tally&) -> Json { return e.reaped; }},
    kText};
constexpr std::array kOfUnwatch{kPid};
constexpr std::array kOfJobEnd{
    kSeq,
    kSlot,
    Field{"pid", Kind::Integer, "its last process; 0: there was none, or it was not seen",
          [](const Event& e, const Tally&) -> Json { return e.pid; }},
    Field{"result", Kind::Text,
          "ok, failed, timed_out, cancelled, could_not_start, or lost with its worker",
          [](const Event& e, const Tally&) -> Json { return name_of(e.record->end); }},
    Field{"code", Kind::IntegerOrNull,
          "what its last process exited with, or 125 to 127 of one that could not be started",
          [](const Event& e, const Tally&) -> Json { return job_code(*e.record); }},
    Field{"signal", Kind::IntegerOrNull, "the signal that its last process died of, or null",
          [](const Event& e, const Tally&) -> Json { return signal_of(e.record->status); }},
    Field{"core", Kind::Truth, "its last process left a core file",
          [](const Event& e, const Tally&) -> Json { return dumped_core(e.record->status); }},
    Field{"attempts", Kind::Integer, "how many there were",
          [](const Event& e, const Tally&) -> Json { return e.record->attempts; }},
    Field{"duration", Kind::Integer, "nanoseconds that its last attempt took",
          [](const Event& e, const Tally&) -> Json { return e.duration.count(); }},
    Field{"utime", Kind::Integer, "user time of its tree in all attempts, nanoseconds",
          [](const Event& e, const Tally&) -> Json { return e.record->user.count(); }},
    Field{"stime", Kind::Integer, "system time of its tree in all attempts, nanoseconds",
          [](const Event& e, const Tally&) -> Json { return e.record->system.count(); }},
    Field{"maxrss", Kind::Integer, "the most memory that one of its processes had, KiB",
          [](const Event& e, const Tally&) -> Json { return e.record->max_rss; }},
    kText};
constexpr std::array kOfSkipped{
    kSeq, Field{"why", Kind::Text, "which job it needs, and what became of that",
                [](const Event& e, const Tally&) -> Json { return e.text; }}};
constexpr std::array kOfTokensLost{
    Field{"count", Kind::Integer, "how many",
          [](const Event& e, const Tally&) -> Json { return e.status; }}};
constexpr std::array kOfRunEnd{
    Field{"jobs", Kind::Integer, "how many have ended",
          [](const Event&, const Tally& tally) -> Json { return tally.jobs; }},
    Field{"ok", Kind::Integer, "of these: successes",
          [](const Event&, const Tally& tally) -> Json { return tally.ok; }},
    Field{"failed", Kind::Integer, "neither a success nor cancelled",
          [](const Event&, const Tally& tally) -> Json { return tally.failed; }},
    Field{"cancelled", Kind::Integer, "ended because the run was",
          [](const Event&, const Tally& tally) -> Json { return tally.cancelled; }},
    Field{"skipped", Kind::Integer, "never begun, for a job that they need did not succeed",
          [](const Event&, const Tally& tally) -> Json { return tally.skipped; }},
    kText};

constexpr std::array kSchema{
    RecordType{Type::RunStart, "run_start", "the first record; pid: procrun", kOfRunStart},
    RecordType{Type::InFlight, "in_flight",
               "an earlier run was killed while this job ran: it is run again", kOfInFlight},
    RecordType{Type::JobGiven, "job_start",
               "the job goes to a worker, which runs it when it is free; once for each job_end or "
               "job_returned",
               kOfJobStart},
    RecordType{Type::JobReturned, "job_returned",
               "it comes back unstarted, and is given to another worker later", kOfJobReturned},
    RecordType{Type::Fork, "fork",
               "a process was made: a command's, which is still a copy of its parent, or a worker "
               "of no job (seq 0)",
               kOfFork},
    RecordType{Type::Exec, "exec", "its command runs; ppid: the worker", kOfExec},
    RecordType{Type::Exit, "exit", "its command has ended and is reaped", kOfExit},
    RecordType{Type::Zombie, "zombie", "a process has ended and its parent has not reaped it",
               kOfZombie},
    RecordType{Type::Orphan, "orphan",
               "the parent of a process is gone, and another has adopted it", kOfOrphan},
    RecordType{Type::Reap, "reap",
               "a process that was adopted, or a worker (seq 0), has ended and is reaped", kOfReap},
    RecordType{Type::Watched, "watch", "a process that is not ours is watched from now on",
               kOfWatch},
    RecordType{
        Type::Ended, "ended",
        "a process that is not ours has ended, and is watched no more; without a watch before "
        "it: it had ended when we came",
        kOfEnded},
    RecordType{
        Type::Unwatched, "unwatch",
        "it is watched no more, though it has not ended: it has come to what was waited for, "
        "or nobody waits any longer",
        kOfUnwatch},
    RecordType{Type::Stopped, "stop",
               "its command, or a process that is watched, was stopped; it still counts as running",
               kOfStop},
    RecordType{Type::Continued, "continue", "it goes on", kOfContinue},
    RecordType{Type::Timeout, "timeout", "its time is up", kOfTimeout},
    RecordType{Type::Signal, "signal",
               "we send a signal to the tree of pid, or to pid that is watched", kOfSignal},
    RecordType{Type::Killed, "kill", "a process of its tree had to be killed", kOfKill},
    RecordType{Type::Dropped, "dropped", "output beyond the limit was dropped", kOfDropped},
    RecordType{Type::Retry, "retry", "the attempt has failed and another follows", kOfRetry},
    RecordType{Type::Leak, "leak", "a process is still there though the command has ended",
               kOfLeak},
    RecordType{Type::JobEnd, "job_end", "the job has ended", kOfJobEnd},
    RecordType{Type::Skipped, "job_skipped", "the job is never begun", kOfSkipped},
    RecordType{Type::TokensLost, "tokens_lost", "our jobserver's clients have kept tokens",
               kOfTokensLost},
    RecordType{Type::RunEnd, "run_end",
               "the run is over; missing where procrun was killed or had to give up. Only a leak "
               "may follow",
               kOfRunEnd},
};

const RecordType* find(Type type) {
  if (type == Type::JobFailed) type = Type::JobEnd;  // one end, whatever the reason
  const auto* const found = std::find_if(kSchema.begin(), kSchema.end(),
                                         [&](const auto& one) { return one.type == type; });
  return found == kSchema.end() ? nullptr : found;
}

}  // namespace

void Tally::count(JobRecord::End end) {
  ++jobs;
  if (end == JobRecord::End::Ok) {
    ++ok;
  } else {
    ++(end == JobRecord::End::Cancelled ? cancelled : failed);
  }
}

std::span<const RecordType> event_schema() { return kSchema; }

void EventFile::take(const Event& event) {
  const RecordType* const type = find(event.type);
  if (type == nullptr || failed_) return;
  if (type->type == Type::JobEnd) tally_.count(event.record->end);
  if (type->type == Type::Skipped) ++tally_.skipped;
  failed_ = true;  // unless it returns
  file_.append(line(*type, event));
  failed_ = false;
}

std::string EventFile::line(const RecordType& type, const Event& event) const {
  Json record{{"v", kEventVersion},
              {"type", type.name},
              {"run", run_id_},
              {"time", sys::rfc3339(event.at)},
              {"ns", event.at.time_since_epoch().count()}};
  for (const Field& field : type.fields)
    record[std::string{field.name}] = field.value(event, tally_);
  return record.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace procrun::report
