#pragma once
// The durable record of a run: which jobs began, and how those ended that have. Lines of JSON:
//   {"procrun_journal":1,"run":ID,"time":RFC3339}                              a run begins
//   {"start":SEQ,"key":KEY,"n":N,"time":RFC3339,"command":TEXT}                before the job's
//   exec
//   {"end":SEQ,"key":KEY,"n":N,"result":"ok|failed|timed out|cancelled","code":C,"signal":S,
//    "seconds":X,"attempts":A}                                                 after its end
// A job is known by KEY and N (its content, and which one with that content), not by SEQ.
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "event/event.h"
#include "report/record_file.h"

namespace procrun::report {

/// Writes it.
class Journal final : public event::Sink {
 public:
  /// `torn`: the file's last line has no end yet; it gets one, so that the next is not lost to it.
  Journal(RecordFile file, const std::string& run_id, bool torn);

  void take(const event::Event& event) override;
  event::Interest interest() const override { return event::Interest::Records; }

 private:
  RecordFile file_;
};

/// What a journal says of a job, the last word counts.
struct JournalEntry {
  enum class State : std::uint8_t { Begun, Ok, Failed, Cancelled };

  std::string key = {};
  std::uint64_t occurrence = 0;
  State state = State::Begun;
  double seconds = 0;  // where it has ended
};

/// Calls `take` for each entry in the text of a journal. Lines that were torn are left out. Throws
/// std::runtime_error for what is no journal.
void read_journal(std::string_view text, const std::function<void(const JournalEntry&)>& take);

}  // namespace procrun::report
