#pragma once
// --timeline: the picture of a run, when it is over.
#include <memory>
#include <string>

#include "cmd/options.h"
#include "cmd/shared.h"
#include "report/timeline.h"
#include "sys/fd.h"
#include "sys/outlet.h"

namespace procrun::cmd {

struct TimelineOptions {
  bool in_terminal = false;
  bool ascii = false;
  std::string file;  // empty: none
};

/// Declares --timeline and --ascii.
void add_timeline(Options& options, TimelineOptions& timeline);

/// Listens to a run and draws it when it is told to be over. The process that is told of its start
/// draws it, no copy of that one.
class Picture final : public event::Sink {
 public:
  /// Where the text goes: through the outlet of stderr, or at once to stdout, as a lesson's does.
  struct Screen {
    std::string title;  // what ran: "procrun spawn"
    bool colour = false;
    sys::Outlet* err = nullptr;  // borrowed; null: stdout
  };

  Picture(const TimelineOptions& options, sys::Fd file, Screen screen);
  /// Of a run that broke off the picture is drawn now.
  ~Picture() override;
  Picture(const Picture&) = delete;
  Picture& operator=(const Picture&) = delete;

  /// Throws std::system_error where the picture cannot be written.
  void take(const event::Event& event) override;
  event::Interest interest() const override { return timeline_.interest(); }

  /// To be called when the run is over, before this process may die of a signal: draws what is not
  /// drawn yet, and gives a slow reader of stderr a moment to read it.
  void finish();

 private:
  void draw();

  TimelineOptions options_;
  sys::Fd file_;
  Screen screen_;
  pid_t owner_ = 0;
  bool is_drawn_ = false;
  report::Timeline timeline_;
};

/// Opens the file of --timeline=FILE, which is written anew; none is asked for: no descriptor. May
/// block where it is a fifo, so it is to be called before signals are blocked, and before anything
/// runs. Throws UsageError where the options contradict each other, std::system_error.
sys::Fd open_timeline(const TimelineOptions& options);

/// What draws; null where nobody asked.
std::unique_ptr<Picture> make_picture(const TimelineOptions& options, sys::Fd file,
                                      Picture::Screen screen);

/// The same for a lesson, which tells its story on stdout. A lesson adds it to its bus, emits
/// RunStart (of the process that tells), the events that it sees, and RunEnd.
std::unique_ptr<Picture> make_lesson_picture(const TimelineOptions& options, const Shared& shared,
                                             const std::string& title);

}  // namespace procrun::cmd
