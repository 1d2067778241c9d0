// fork --zombie --count N --max-children M, and fork --memory.
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>

#include "life.h"
#include "process/forked.h"

namespace procrun::test {
namespace {

const std::string kRefused = "fork: BlockingIOError: [Errno 11] Resource temporarily unavailable";

/// Programs where any user can execute them, and which user he is to be.
class ForUser {
 public:
  ForUser() {
    std::filesystem::permissions(dir_.path(), std::filesystem::perms{0755});
    std::filesystem::copy_file(kProcrun, dir_ / "procrun");
    std::filesystem::copy_file(child("lazy_init"), dir_ / "lazy_init");
  }
  std::string path() const { return dir_ / "procrun"; }
  std::string lazy_init() const { return dir_ / "lazy_init"; }
  /// For Options::in_child: a plain user, if we are root.
  static void become_plain() {
    if (::getuid() == 0 && ::setresuid(65534, 65534, 65534) == -1) ::_exit(99);
  }

 private:
  TempDir dir_;
};

std::vector<pid_t> pids_in(const Lines& lines, const std::string& pattern) {
  std::vector<pid_t> found;
  std::smatch match;
  for (const auto& line : lines) {
    if (std::regex_match(line, match, std::regex{pattern})) found.push_back(std::stoi(match[1]));
  }
  return found;
}

std::vector<pid_t> zombies_of(const Lines& lines) {
  return pids_in(lines, R"(Parent process ret=(\d+))");
}

pid_t parent_in(const Lines& lines) {
  return pid_in(lines, R"(watcher: (\d+) \(procrun\) has \d+ children: .*)");
}

/// The soft limit of processes that the kernel holds it to.
std::string limit_of(pid_t pid) {
  std::ifstream file{"/proc/" + number(pid) + "/limits"};
  for (std::string line; std::getline(file, line);) {
    std::smatch match;
    if (std::regex_match(line, match, std::regex{R"(Max processes +(\S+) .*)"})) return match[1];
  }
  return {};
}

/// Lets `played` come to its end: its zombies come to us, and we reap them.
Result adopt_and_finish(Played& played) {
  const pid_t parent = parent_in(played.lines);
  const auto zombies = zombies_of(played.lines);
  ::kill(parent, SIGKILL);
  played.read_until(" adopted by " + named(::getpid()) + "\n");
  for (const pid_t zombie : zombies) {
    check_zombie(zombie, ::getpid());
    reap(zombie);
  }
  Result result = played.finish();
  CHECK(played.lines.back().find(" reaped by " + named(::getpid()) + ": ") != std::string::npos);
  return result;
}

/// Three children, and a fourth that the kernel refused.
void check_capped(const Played& played) {
  CAPTURE(played.lines);
  const pid_t parent = parent_in(played.lines);
  const auto zombies = zombies_of(played.lines);
  CHECK(zombies.size() == 3);
  for (const pid_t zombie : zombies) check_zombie(zombie, parent);
  place_of(played.lines, kRefused);
}

const std::string kCapped = "has 3 children: 3 in state Z (zombie), 0 with memory (VmRSS); ";

}  // namespace

TEST_CASE("a parent that never waits collects zombies, as many as it forks", "[cli][life]") {
  const NoDescendantLeft guard;
  Played played{{"fork", "--count", "4", "--zombie=600"}};
  played.read_line_with("its RLIMIT_NPROC: ");
  CAPTURE(played.lines);
  const pid_t parent = parent_in(played.lines);
  const auto zombies = zombies_of(played.lines);
  REQUIRE(zombies.size() == 4);
  for (const pid_t zombie : zombies) check_zombie(zombie, parent);
  CHECK(played.lines.back() ==
        "watcher: " + named(parent) +
            " has 4 children: 4 in state Z (zombie), 0 with memory (VmRSS); its RLIMIT_NPROC: " +
            limit_of(parent));
  ::kill(parent, SIGKILL);
  played.read_until(" are adopted by " + named(::getpid()) + "\n");
  for (const pid_t zombie : zombies) reap(zombie);
  CHECK(played.finish().exited(0));
}

TEST_CASE("at --max-children the kernel refuses a fork, as root under a user that nobody has",
          "[cli][life]") {
  const NoDescendantLeft guard;
  if (::getuid() != 0) {
    WARN("skipped: this needs root");
    return;
  }
  Played played{{"fork", "--count", "9", "--zombie=600", "--max-children", "3"}};
  played.read_until(kCapped + "its RLIMIT_NPROC: 4\n");
  check_capped(played);
  const pid_t parent = parent_in(played.lines);
  CHECK(limit_of(parent) == "4");
  const auto user = static_cast<uid_t>(std::stoul(status_of(parent, "Uid")));
  CHECK(user != 0);
  place_of(played.lines, number(parent) +
                             " may have 4 processes (RLIMIT_NPROC), itself and 3: it " +
                             "has become user " + std::to_string(user) + ", whom nobody else has");
  // Nobody of that user can fork under that limit; the rest of the machine can.
  const auto refused = in_child([&](int) {
    const rlimit limit{4, 4};
    if (::setrlimit(RLIMIT_NPROC, &limit) == -1 || ::setresuid(user, user, user) == -1) return 90;
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(0);
    return pid == -1 && errno == EAGAIN ? 11 : 91;
  });
  CHECK(refused.exited(11));
  CHECK(in_child([](int) { return 0; }).exited(0));
  CHECK(adopt_and_finish(played).exited(0));
}

TEST_CASE("at --max-children the kernel refuses a fork to a plain user as well", "[cli][life]") {
  const Below below = any_setting();
  const Setting setting{below};
  const ForUser user;
  Played played{user.path(),
                {"fork", "--zombie=600", "--max-children", "3"},
                {.in_child = ForUser::become_plain}};
  played.read_line_with("its RLIMIT_NPROC: ");
  check_capped(played);
  CHECK(played.lines.back() == "watcher: " + named(parent_in(played.lines)) + " " + kCapped +
                                   "its RLIMIT_NPROC: " + limit_of(parent_in(played.lines)));
  if (below == Below::Test) {
    CHECK(adopt_and_finish(played).exited(0));
    return;
  }
  ::kill(parent_in(played.lines), SIGKILL);
  CHECK(played.finish().exited(0));
  const bool stay = played.lines.back().find("does not reap") != std::string::npos;
  for (const pid_t zombie : zombies_of(played.lines)) {
    CHECK(status_of(zombie, "State") == (stay ? "Z (zombie)" : ""));
  }
}

TEST_CASE("below an init that reaps nobody the kernel refuses a fork at --max-children, too",
          "[cli][life]") {
  const NoDescendantLeft guard;
  if (!no_namespace().empty()) {
    WARN("skipped: " << no_namespace());
    return;
  }
  const ForUser user;
  const Result result = run(
      in_namespace({user.lazy_init(), user.path(), "fork", "--zombie=1ms", "--max-children", "3"}),
      {.in_child = ForUser::become_plain});
  const Lines lines = lines_of(result.out);
  CAPTURE(lines, result.err);
  CHECK(result.exited(0));
  place_of(lines, kRefused);
  // As that init has read it in /proc.
  Lines left;
  for (const pid_t zombie : zombies_of(lines)) left.push_back("left " + number(zombie) + " 1 Z");
  CHECK(left.size() == 3);
  CHECK(Lines(lines.end() - 3, lines.end()) == left);
}

TEST_CASE("without a user namespace of its own a plain user's processes are counted",
          "[cli][life]") {
  const NoDescendantLeft guard;
  if (!no_namespace().empty()) {
    WARN("skipped: " << no_namespace());
    return;
  }
  const ForUser user;
  const std::string line = "echo 0 > /proc/sys/user/max_user_namespaces && exec " + user.path() +
                           " fork --zombie=600 --max-children 3";
  Played played{"/usr/bin/unshare",
                {"--user", "--map-root-user", "sh", "-c", line},
                {.in_child = ForUser::become_plain}};
  played.read_line_with(kCapped);
  check_capped(played);
  matched(
      played.lines,
      R"(\d+ may have \d+ processes \(RLIMIT_NPROC\): itself, \d+ that user 0 has besides, and 3)");
  CHECK(adopt_and_finish(played).exited(0));
}

TEST_CASE("where root can become nobody else, one fork too many shows that no limit holds",
          "[cli][life]") {
  const NoDescendantLeft guard;
  if (::getuid() != 0 || !no_namespace().empty()) {
    WARN("skipped: this needs root and user namespaces: " << no_namespace());
    return;
  }
  const std::string line = "echo 0 > /proc/sys/user/max_user_namespaces && exec " +
                           std::string{kProcrun} +
                           " fork --count 200 --zombie=1ms --max-children 3";
  Played played{"/usr/bin/unshare", {"--user", "--map-root-user", "sh", "-c", line}};
  played.read_until(" adopted by ");
  for (const pid_t zombie : zombies_of(played.lines)) reap(zombie);
  CHECK(played.finish().exited(0));
  CAPTURE(played.lines);
  // Not all 200: it stops at the first that it should not have got.
  CHECK(zombies_of(played.lines).size() == 4);
  matched(played.lines, "watcher: that is more than it may have: .*");
}

TEST_CASE("below an init that reaps nobody all zombies stay, and are told", "[cli][life]") {
  const NoDescendantLeft guard;
  if (!no_namespace().empty()) {
    WARN("skipped: " << no_namespace());
    return;
  }
  const Result result =
      run(in_namespace({child("lazy_init"), kProcrun, "fork", "--count", "3", "--zombie=1ms"}));
  const Lines lines = lines_of(result.out);
  CAPTURE(lines, result.err);
  CHECK(result.exited(0));
  matched(lines, R"(watcher: \d+, \d+ and \d+ are adopted by 1 \(lazy_init\))");
  matched(lines, R"(watcher: 1 \(lazy_init\) does not reap what it adopts: 3 of 3 not reaped .*)");
  Lines left;
  for (const pid_t zombie : zombies_of(lines)) left.push_back("left " + number(zombie) + " 1 Z");
  CHECK(Lines(lines.end() - 3, lines.end()) == left);
}

TEST_CASE("the memory lesson: the same addresses, and what the child writes stays the child's",
          "[cli][life]") {
  const NoDescendantLeft guard;
  const Result result = run_procrun({"fork", "--memory"});
  reap_all();
  const Lines lines = lines_of(result.out);
  CAPTURE(lines);
  CHECK(result.exited(0));
  const auto three = [](const std::string& who, const std::string& when) {
    const std::string at = R"((0x[0-9a-f]+) = (\d+))";
    return who + " " + when + ": data " + at + ", heap " + at + ", stack " + at;
  };
  const std::string child = group_of(lines, R"(Parent process ret=(\d+))");
  const auto before = matched(lines, three(R"(\d+)", "has"));
  const Lines places{before[1], before[3], before[5]};
  const auto check = [&](const std::string& who, const std::string& when, const Lines& values) {
    const auto seen = matched(lines, three(who, when));
    CHECK(Lines{seen[1], seen[3], seen[5]} == places);
    CHECK(Lines{seen[2], seen[4], seen[6]} == values);
  };
  CHECK(Lines{before[2], before[4], before[6]} == Lines{"1", "2", "3"});
  check(child, "finds", {"1", "2", "3"});
  check(child, "has written", {"11", "12", "13"});
  check(R"(\d+)", "has still", {"1", "2", "3"});
  // The parent looks after the child has written.
  CHECK(lines.back().find(" has still: ") != std::string::npos);
  CHECK(places[0] != places[1]);
  CHECK(places[1] != places[2]);
}

}  // namespace procrun::test
