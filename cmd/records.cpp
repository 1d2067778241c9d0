#include "cmd/records.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "cmd/lock.h"
#include "report/job_log.h"
#include "report/journal.h"
#include "sys/error.h"
#include "sys/slurp.h"

namespace procrun::cmd {
namespace {

using engine::Again;
using engine::Fate;

/// So long the workers of a run that was killed may take to end their jobs.
constexpr auto kJournalWait = std::chrono::seconds{10};

Fate fate_of(report::JournalEntry::State state) {
  switch (state) {
    case report::JournalEntry::State::Begun:
      return Fate::InFlight;
    case report::JournalEntry::State::Ok:
      return Fate::Ok;
    case report::JournalEntry::State::Failed:
      return Fate::Failed;
    case report::JournalEntry::State::Cancelled:
      break;
  }
  return Fate::Unknown;
}

/// Of what a file says, which may be nonsense.
sys::Duration duration(double seconds) {
  constexpr double kMost = 1e9;
  const std::chrono::duration<double> sane{seconds > 0 ? std::min(seconds, kMost) : 0};
  return std::chrono::duration_cast<sys::Duration>(sane);
}

/// Only a file keeps what was written to it.
bool has_past(const sys::Fd& file) {
  struct stat status {};
  return ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode);
}

/// Errors say of which file they speak.
template <class Read>
void naming(const std::string& path, Read read) {
  try {
    read();
  } catch (const std::exception& error) {
    throw std::runtime_error(path + ": " + error.what());
  }
}

}  // namespace

void add_record_options(Options& options, RecordOptions& records) {
  options.group("Records, and going on where a run ended");
  options.value("--joblog", "FILE", "GNU parallel's job log (+FILE: behind what is there)",
                [&](const std::string& file) { records.job_log = file; });
  options.value("--journal", "FILE", "a durable record of each start and end; kept from run to run",
                [&](const std::string& file) { records.journal = file; });
  options.flag("--sync", "each record of the journal reaches the disk before the run goes on",
               records.sync);
  options.action("--resume", "leave out what the journal, or else the job log, says has ended",
                 [&] { records.again = Again::Unfinished; });
  options.action("--resume-failed", "the same, but run again what failed",
                 [&] { records.again = Again::NotOk; });
  options.action("--retry-failed",
                 "run again what failed, and nothing else; without COMMAND: as the job log has it",
                 [&] { records.again = Again::OnlyFailed; });
}

Records::Records(const RecordOptions& options, bool learns)
    : options_{options}, past_{options.again} {
  if (learns && options.journal.empty() && options.job_log.empty()) {
    throw UsageError{"--order longest learns from a --journal or a --joblog: give one"};
  }
  if (options.again != Again::All && options.journal.empty() && options.job_log.empty()) {
    throw UsageError{"--resume and its kin need a --journal or a --joblog to read"};
  }
  if (options.sync && options.journal.empty()) throw UsageError{"--sync needs a --journal"};
  using By = engine::Durations::By;
  if (learns) durations_.emplace(options.journal.empty() ? By::Command : By::Content);
  if (!options.journal.empty()) read_journal();
  if (!options.job_log.empty()) read_job_log();
}

void Records::read_journal() {
  journal_file_ = sys::open(options_.journal, O_RDWR | O_CREAT | O_APPEND, 0666);
  if (!lock_file(journal_file_, sys::Clock::now() + kJournalWait)) {
    throw std::runtime_error(options_.journal + ": another run is writing this journal");
  }
  if (!has_past(journal_file_)) return;
  const std::string text = sys::slurp(options_.journal);
  journal_is_torn_ = !text.empty() && text.back() != '\n';
  naming(options_.journal, [&] {
    report::read_journal(text, [&](const report::JournalEntry& entry) {
      past_.note(entry.key, entry.occurrence, fate_of(entry.state));
      if (durations_ && entry.state == report::JournalEntry::State::Ok) {
        durations_->note(entry.key, duration(entry.seconds));
      }
    });
  });
}

/// As GNU parallel has it, a job log is written anew where nothing is resumed.
void Records::read_job_log() {
  const bool appends = options_.job_log.starts_with('+');
  job_log_path_ = options_.job_log.substr(appends ? 1 : 0);
  job_log_file_ = sys::open(job_log_path_, O_RDWR | O_CREAT | O_APPEND, 0666);
  if (!has_past(job_log_file_)) return;
  const bool is_kept = appends || options_.again != Again::All;
  const bool learns = durations_ && !journal_file_;
  if (!is_kept && !learns) return;
  std::string text = sys::slurp(job_log_path_);
  text.resize(text.rfind('\n') + 1);  // what follows the last line's end was torn
  if (is_kept) job_log_size_ = text.size();
  const bool resumes = options_.again != Again::All && !journal_file_;
  if (!resumes && !learns) return;
  naming(job_log_path_, [&] {
    report::read_job_log(text, [&](const report::JobLogEntry& entry) {
      if (learns && entry.ok) durations_->note(entry.command, duration(entry.seconds));
      if (!resumes) return;
      past_.note(entry.seq, entry.command, entry.ok ? Fate::Ok : Fate::Failed);
      logged_.emplace_back(entry.seq, entry.command);
    });
  });
}

void Records::start(event::Bus& bus, const std::string& run_id) {
  // The journal first: what it cannot record is not to be told.
  if (journal_file_) {
    journal_ = std::make_unique<report::Journal>(
        report::RecordFile{std::move(journal_file_), "the journal " + options_.journal,
                           options_.sync},
        run_id, journal_is_torn_);
    bus.add(*journal_);
  }
  if (job_log_file_) {
    if (has_past(job_log_file_) &&
        ::ftruncate(job_log_file_.get(), static_cast<off_t>(job_log_size_)) == -1) {
      sys::fail("shorten the job log " + job_log_path_);
    }
    job_log_ = std::make_unique<report::JobLog>(
        report::RecordFile{std::move(job_log_file_), "the job log " + job_log_path_},
        job_log_size_ == 0);
    bus.add(*job_log_);
  }
}

std::vector<std::string> Records::logged_commands() const {
  std::uint64_t last = 0;
  for (const auto& [seq, command] : logged_) last = std::max(last, seq);
  std::vector<std::string> commands(last);
  for (const auto& [seq, command] : logged_) commands[seq - 1] = command;
  return commands;
}

}  // namespace procrun::cmd
