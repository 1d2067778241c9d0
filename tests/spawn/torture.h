#pragma once
// The commands that are hard to own (programs/spawn_torture.c), and what has to come of them.
#include <array>

#include "spawn/spawn.h"

namespace procrun::test {

constexpr std::array kTortures{"deaf", "escape", "daemon", "bomb", "stop",
                               "ttou", "mute",   "other",  "quick"};

/// How the output comes to us.
constexpr std::array kWays{"inherit", "stream", "capture"};

struct Torture {
  std::string mode;
  bool leaves = false;  // by itself; the difficulty stays
  std::string way = "inherit";
  int timeout_ms = 250;  // 0: none
  int grace_ms = 100;

  Words words(const std::string& record) const {
    Words options{"-q", "-k", std::to_string(grace_ms) + "ms"};
    if (timeout_ms != 0) {
      options.insert(options.end(), {"-t", std::to_string(timeout_ms) + "ms"});
    }
    if (way == "stream") options.insert(options.end(), {"--prefix", "> "});
    if (way == "capture") options.emplace_back("--quiet-ok");
    return spawn(options, {child("spawn_torture"), mode, leaves ? "leave" : "stay", record});
  }
  bool ends_by_itself() const { return leaves || mode == "quick"; }
  int code() const {
    if (ends_by_itself()) return 5;
    return mode == "deaf" || mode == "bomb" ? 137 : 124;
  }
};

/// Each line that the command has recorded was passed on, in order; one more may have been.
inline void check_nothing_lost(const Torture& torture, const std::string& record,
                               const Result& result) {
  const std::string prefix = torture.way == "stream" ? "> " : "";
  std::string expected;
  const Lines recorded = lines_of(record);
  for (const auto& line : recorded) expected += prefix + line + "\n";
  CHECK(result.out.substr(0, expected.size()) == expected);
  CHECK(std::count(result.out.begin(), result.out.end(), '\n') <=
        static_cast<std::ptrdiff_t>(recorded.size()) + 1);
  if (recorded.size() > 1) CHECK(contains(result.err, prefix + "error\n"));
}

}  // namespace procrun::test
