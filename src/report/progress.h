#pragma once
// How far a run has come: as a bar on a terminal, or line by line in a log.
#include <optional>
#include <string>

#include "event/event.h"
#include "sys/outlet.h"

namespace procrun::report {

/// "12/40 done, 4 running, 1 failed, ETA 1m20s", as much of it as is known.
std::string progress_text(const event::Standing& standing, sys::Duration since_start);

/// The last line of a terminal, drawn anew at most ten times a second and only while something
/// changes; not while another process group has the terminal.
class ProgressBar final : public event::Sink {
 public:
  /// `out` leads to the terminal `fd`. Both are borrowed.
  ProgressBar(sys::Outlet& out, int fd);
  /// The terminal is left as it was, also where the run breaks off.
  ~ProgressBar() override;

  void take(const event::Event& event) override;
  event::Interest interest() const override { return event::Interest::Trouble; }
  void look(const event::Standing& standing, sys::Clock::time_point now) override;
  sys::Deadline deadline() const override { return next_; }

 private:
  void draw(sys::Clock::time_point now);

  sys::Outlet& out_;
  int fd_;
  sys::Clock::time_point began_ = sys::Clock::now();
  sys::Clock::time_point drawn_;
  event::Standing standing_;
  std::optional<event::Standing> told_;  // the last one that was to be shown
  bool was_shown_ = false;
  sys::Deadline next_;  // empty: there is nothing to draw
  bool over_ = false;
};

/// A line each period.
class ProgressLines final : public event::Sink {
 public:
  ProgressLines(sys::Outlet& out, sys::Duration period);

  void take(const event::Event& event) override;
  event::Interest interest() const override { return event::Interest::Trouble; }
  void look(const event::Standing& standing, sys::Clock::time_point now) override;
  sys::Deadline deadline() const override { return next_; }

 private:
  sys::Outlet& out_;
  sys::Duration period_;
  sys::Clock::time_point began_ = sys::Clock::now();
  sys::Deadline next_;
};

}  // namespace procrun::report
