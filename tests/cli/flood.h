#pragma once
// Much output of several jobs, a pipe for it, and what memory it takes, for the tests of what
// becomes of output.
#include <map>
#include <string>

#include "program.h"

namespace procrun::test {

/// What cli_flood writes to each of stdout and stderr.
inline std::string flood(const std::string& name, const std::string& size) {
  const Result result = run({child("cli_flood"), name, size});
  REQUIRE(result.exited(0));
  REQUIRE(result.out == result.err);
  return result.out;
}

inline std::map<std::string, std::string> eight_floods(const std::string& size) {
  std::map<std::string, std::string> expected;
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g", "h"})
    expected[name] = flood(name, size);
  return expected;
}

inline Words flood_words(const std::string& size, const Words& more = {}) {
  Words words{"pool", "-q", "-j4"};
  words.insert(words.end(), more.begin(), more.end());
  words.insert(words.end(), {child("cli_flood"), "{}", size, ":::"});
  words.insert(words.end(), {"a", "b", "c", "d", "e", "f", "g", "h"});
  return words;
}

/// A pipe whose read end is ours.
struct Pipe {
  Pipe() { REQUIRE(::pipe2(ends, O_CLOEXEC) == 0); }
  ~Pipe() {
    close(0);
    close(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close(int end) {
    if (ends[end] != -1) ::close(std::exchange(ends[end], -1));
  }
  int ends[2];
};

/// The memory of procrun and of its workers, each page counted once; KiB.
inline long pss_of(pid_t procrun) {
  long sum = 0;
  auto members = descendants_of(procrun);
  members.push_back(procrun);
  for (const pid_t member : members) {
    if (member != procrun && parent_of(member) != procrun) continue;  // a job
    std::ifstream file{"/proc/" + number(member) + "/smaps_rollup"};
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with("Pss:")) sum += std::stol(line.substr(4));
    }
  }
  return sum;
}

}  // namespace procrun::test
