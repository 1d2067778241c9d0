#pragma once
// Waiting for a job's end without asking again and again.
#include <optional>

#include "state/records.h"
#include "sys/clock.h"
#include "sys/watches.h"

namespace procrun::state {

/// Watches one job of `fork` until it is known how it ended, or that nobody will ever know. The
/// supervisor writes the end down before it goes; if it is killed, its own end and the command's
/// are noticed all the same. Uses inotify(7) and pidfds.
class RecordWatch {
 public:
  /// `records` is borrowed. Throws std::system_error (no more inotify instances: EMFILE).
  RecordWatch(const Records& records, Record record);

  /// Readable (POLLIN) when look() may have something new to say; for poll(2) and epoll(7).
  int fd() const noexcept { return watches_.fd(); }
  /// How it stands. Never blocks. Running: ask again when fd() is readable. Others are final.
  const JobState& look();
  /// Blocks until it has ended or `deadline` has passed.
  const JobState& wait_until(const sys::Deadline& deadline);
  /// With all that is known of it by now.
  const Record& record() const noexcept { return record_; }

 private:
  void drain();
  void watch_processes();

  const Records& records_;
  Record record_;
  JobState state_;
  sys::Fd inotify_;
  std::optional<sys::Fd> supervisor_;
  std::optional<sys::Fd> command_;
  sys::Watches watches_;
};

}  // namespace procrun::state
