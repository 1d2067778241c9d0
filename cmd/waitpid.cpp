// waitpid: as a lesson, waits for one chosen child; as a tool, for any given processes.
#include <algorithm>

#include "cmd/verbs.h"
#include "cmd/waitpid_lesson.h"
#include "cmd/watching.h"

namespace procrun::cmd {
namespace {

struct WaitpidOptions {
  Shared shared;
  WaitpidLesson lesson;
  WatchOptions watch;
};

void add_options(Options& options, WaitpidOptions& waitpid) {
  add_waitpid_lesson(options, waitpid.lesson);
  add_watch_options(options, waitpid.watch);
  add_shared(options, waitpid.shared);
  options.example("procrun waitpid -t 30s 4711 4712");
}

/// Unlike a COMMAND, whose options are its own, PIDs may stand before options, as with util-linux.
Words parse_all(Options& options, std::vector<std::string> words) {
  Words all;
  for (;;) {
    Words rest = options.parse(words);
    const auto next = std::find_if(
        rest.command.begin(), rest.command.end(),
        [&](const std::string& word) { return !rest.dashes && word.size() > 1 && word[0] == '-'; });
    all.command.insert(all.command.end(), rest.command.begin(), next);
    all.dashes = all.dashes || rest.dashes;
    words.assign(next, rest.command.end());
    if (words.empty()) return all;
  }
}

/// Whether there is somebody to wait for; else it is the lesson.
bool is_tool(const Options& options, const Words& rest, const WaitpidOptions& waitpid) {
  if (!waitpid.watch.has_targets()) return has_command(options, rest, "PID");
  const std::string lesson = options.given_for(Options::For::Lesson);
  if (lesson.empty()) return true;
  throw UsageError{lesson + " is the lesson's, which has nobody to wait for"};
}

}  // namespace

bool waitpid_has(std::string_view option) { return declares(add_options, option); }

int run_waitpid(const std::vector<std::string>& words, const Given&) {
  WaitpidOptions waitpid;
  Options options{"waitpid [OPTIONS] [PID|PID:INODE|PID@STARTTIME|NAME]...",
                  "Waits until the given processes have ended, children or not, and tells how.\n"
                  "NAME is that of a job of fork.\n"
                  "Without PID: a parent that waits for one chosen child."};
  add_options(options, waitpid);
  const Words rest = parse_all(options, words);
  if (helped(options)) return 0;
  apply(waitpid.shared);
  if (!is_tool(options, rest, waitpid)) {
    return play_without_inherited([&] {
      const WatchOptions& watch = waitpid.watch;
      Chronicle chronicle{watch.events, watch.timeline, waitpid.shared, "waitpid"};
      return run_waitpid_lesson(waitpid.lesson, chronicle);
    });
  }
  waitpid.watch.nohang = waitpid.lesson.nohang;
  return watch(rest.command, waitpid.watch, waitpid.shared);
}

}  // namespace procrun::cmd
