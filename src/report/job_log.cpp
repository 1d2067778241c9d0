#include "report/job_log.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <stdexcept>
#include <utility>

namespace procrun::report {
namespace {

using event::JobRecord;
using event::Type;

constexpr std::string_view kHeading =
    "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";
constexpr std::size_t kColumns = 9;

/// Seconds since the epoch, of the job's start: it has just ended.
double start_of(const event::Event& event) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now - event.duration).count();
}

/// Its newlines are NULs there, so that an entry is a line.
std::string exchange(std::string text, char from, char to) {
  std::replace(text.begin(), text.end(), from, to);
  return text;
}

std::array<std::string_view, kColumns> split(std::string_view line) {
  std::array<std::string_view, kColumns> columns;
  for (std::size_t i = 0; i + 1 < kColumns; ++i) {
    const auto tab = line.find('\t');
    if (tab == std::string_view::npos) throw std::runtime_error("it is not a job log");
    columns[i] = line.substr(0, tab);
    line.remove_prefix(tab + 1);
  }
  columns.back() = line;  // which may hold tabs
  return columns;
}

/// It stands behind blanks; 0 where it is none.
double number(std::string_view column) {
  column.remove_prefix(std::min(column.find_first_not_of(' '), column.size()));
  double value = 0;
  std::from_chars(column.data(), column.data() + column.size(), value);
  return value;
}

}  // namespace

JobLog::JobLog(RecordFile file, bool is_new) : file_{std::move(file)} {
  if (is_new) file_.append(kHeading);
}

void JobLog::take(const event::Event& event) {
  if (event.record == nullptr || event.type == Type::JobGiven) return;
  const JobRecord& record = *event.record;
  if (record.end == JobRecord::End::Cancelled) return;
  // As GNU parallel has it: a death by a signal has the code 0, a job out of time -1.
  const int code = record.end == JobRecord::End::TimedOut ? -1 : record.code;
  file_.append(fmt::format("{}\t:\t{:.3f}\t{:10.3f}\t{}\t{}\t{}\t{}\t{}\n", event.seq,
                           start_of(event), std::chrono::duration<double>(event.duration).count(),
                           record.stdin_bytes, record.stdout_bytes, code, record.signal,
                           exchange(record.command, '\n', '\0')));
}

void read_job_log(std::string_view text, const std::function<void(JobLogEntry)>& take) {
  if (!text.empty() &&
      !text.starts_with(kHeading.substr(0, std::min(kHeading.size(), text.size())))) {
    throw std::runtime_error("it is not a job log: its first line is not the heading");
  }
  text.remove_prefix(std::min(kHeading.size(), text.size()));
  for (;;) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return;
    const auto columns = split(text.substr(0, end));
    text.remove_prefix(end + 1);
    JobLogEntry entry{.ok = columns[6] == "0" && columns[7] == "0",
                      .seconds = number(columns[3]),
                      .command = exchange(std::string{columns[8]}, '\0', '\n')};
    std::from_chars(columns[0].data(), columns[0].data() + columns[0].size(), entry.seq);
    if (entry.seq == 0) throw std::runtime_error("it is not a job log: a line has no number");
    take(std::move(entry));
  }
}

}  // namespace procrun::report
