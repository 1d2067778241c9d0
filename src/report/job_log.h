#pragma once
// The job log of GNU parallel, byte for byte: a line for each job that has ended.
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "event/event.h"
#include "report/record_file.h"

namespace procrun::report {

/// Writes it. Jobs that were cancelled are not in it: they are still to be run.
class JobLog final : public event::Sink {
 public:
  /// `is_new`: the heading is still to be written.
  JobLog(RecordFile file, bool is_new);

  void take(const event::Event& event) override;
  event::Interest interest() const override { return event::Interest::Records; }

 private:
  RecordFile file_;
};

/// One line of a job log.
struct JobLogEntry {
  std::uint64_t seq = 0;
  bool ok = false;
  double seconds = 0;
  std::string command = {};
};

/// Calls `take` for each entry of the text of a job log. A last line without its end is left out:
/// it was torn. Throws std::runtime_error for what is no job log.
void read_job_log(std::string_view text, const std::function<void(JobLogEntry)>& take);

}  // namespace procrun::report
