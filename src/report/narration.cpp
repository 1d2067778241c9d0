#include "report/narration.h"

#include <fmt/core.h>

namespace procrun::report {
namespace {

using event::Event;
using event::Type;

double seconds(sys::Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

void Narration::take(const Event& event) {
  const std::string line = line_of(event);
  if (line.empty()) return;
  const bool failed =
      event.type == Type::JobFailed || (event.type == Type::JobEnd && event.status != 0);
  out_.write(colour_ && failed ? "\033[31m" + line + "\033[0m\n" : line + "\n");
}

std::string Narration::line_of(const Event& event) const {
  switch (event.type) {
    case Type::Stopped:
      return fmt::format("child process {} was stopped: it still counts as running", event.pid);
    case Type::Timeout:
      return fmt::format("time is up for {} after {:.3f}s", event.pid, seconds(event.duration));
    case Type::Retry:
      return fmt::format("attempt {} of {} follows in {:.3f}s", event.status, event.text,
                         seconds(event.duration));
    default:
      return story_ == Story::Single ? single(event) : pool(event);
  }
}

std::string Narration::single(const Event& event) const {
  switch (event.type) {
    case Type::JobStart:
      return fmt::format("Parent process id {}\nstart child process", event.pid);
    case Type::Exec:
      return fmt::format(
          "This is child process {} from parent process {}, and name is  {} which is used for {}",
          event.pid, event.ppid, name_, event.text);
    case Type::JobEnd:
      return fmt::format("Process end: {} {} after {:.3f}s", event.pid, event.text,
                         seconds(event.duration));
    default:
      return {};
  }
}

std::string Narration::pool(const Event& event) const {
  switch (event.type) {
    case Type::RunStart:
      return fmt::format("Current process is {}", event.pid);
    case Type::Exec:
      return fmt::format("child process id is {} from parent process {}: job {}, {}", event.pid,
                         event.ppid, event.seq, event.text);
    case Type::JobEnd:
      return fmt::format("this is process {}: {} {} after {:.3f}s", event.seq, event.pid,
                         event.text, seconds(event.duration));
    case Type::Skipped:
      return fmt::format("job {} is skipped: it {}", event.seq, event.text);
    case Type::RunEnd:
      return "pool process done: " + event.text;
    default:
      return {};
  }
}

}  // namespace procrun::report
