// Limits and place, as the command itself finds them.
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "spawn/spawn.h"

namespace procrun::test {
namespace {

Words with(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

/// What `command` prints under these options.
std::string under(const Words& options, const Words& command, Options how = {}) {
  const Result result = run_procrun(spawn(with({"-q"}, options), command), std::move(how));
  CHECK(result.exited(0));
  CHECK(result.err == "");
  return result.out;
}

bool refuses(const Words& options, const std::string& why) {
  return refused(run_procrun(spawn(options, doing({"out:ran"}))), why);
}

/// The line of /proc/self/limits or status that begins with `label`, without
/// it, blanks as one.
std::string line_of(const std::string& text, const std::string& label) {
  for (const auto& line : lines_of(text)) {
    if (!line.starts_with(label)) continue;
    std::string rest = std::regex_replace(line.substr(label.size()), std::regex{"[ \t]+"}, " ");
    return rest.substr(rest.find_first_not_of(' '));
  }
  return "no line " + label;
}

std::string limit_under(const std::string& limit, const std::string& label) {
  return line_of(under({"--limit", limit}, {"cat", "/proc/self/limits"}), label);
}

std::string status_under(const Words& options, const std::string& label) {
  return line_of(under(options, {"cat", "/proc/self/status"}), label);
}

bool is_root() { return ::geteuid() == 0; }

}  // namespace

TEST_CASE("spawn --limit sets each limit by prlimit's name", "[spawn]") {
  const NoDescendantLeft guard;
  const std::string all =
      under({"--limit", "as=4G,core=0,cpu=30s,data=1G,fsize=10M,locks=100,memlock=0,msgqueue=0",
             "--limit",
             "nice=0,nofile=64:128,rss=2G,rtprio=0,rttime=5000,sigpending=50,stack="
             "1M:2M"},
            {"cat", "/proc/self/limits"});
  const auto is = [&](const std::string& label, const std::string& values) {
    CAPTURE(label);
    CHECK(line_of(all, label).starts_with(values + " "));
  };
  is("Max address space", "4294967296 4294967296");
  is("Max core file size", "0 0");
  is("Max cpu time", "30 30");
  is("Max data size", "1073741824 1073741824");
  is("Max file size", "10485760 10485760");
  is("Max file locks", "100 100");
  is("Max locked memory", "0 0");
  is("Max msgqueue size", "0 0");
  is("Max nice priority", "0 0");
  is("Max open files", "64 128");
  is("Max resident set", "2147483648 2147483648");
  is("Max realtime priority", "0 0");
  is("Max realtime timeout", "5000 5000");
  is("Max pending signals", "50 50");
  is("Max stack size", "1048576 2097152");
}

TEST_CASE("spawn --limit with one side leaves the other as it is", "[spawn]") {
  const NoDescendantLeft guard;
  rlimit ours{};
  ::getrlimit(RLIMIT_NOFILE, &ours);
  const std::string hard = std::to_string(ours.rlim_max);
  CHECK(limit_under("nofile=50:", "Max open files").starts_with("50 " + hard + " "));
  CHECK(limit_under("nofile=" + std::to_string(ours.rlim_cur) + ":", "Max open files")
            .starts_with(std::to_string(ours.rlim_cur) + " " + hard + " "));
  CHECK(limit_under("stack=1M:unlimited", "Max stack size").starts_with("1048576 unlimited "));
}

TEST_CASE("spawn --limit works: no file grows beyond it, no time is used beyond it", "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  CHECK(run_procrun(spawn({"-q", "--limit", "fsize=1K", "-o", dir / "f"}, doing({"flood:5000"})))
            .signaled(SIGXFSZ));
  CHECK(std::filesystem::file_size(dir / "f") == 1024);
  CHECK(run_procrun(spawn({"-q", "--limit", "cpu=1s:5s"}, doing({"burn:4000"}))).signaled(SIGXCPU));
}

TEST_CASE("spawn --limit that cannot be is refused with the reason", "[spawn]") {
  const NoDescendantLeft guard;
  CHECK(refuses({"--limit", "nofile=20:10"}, "nofile: the soft limit is above the hard one"));
  CHECK(refuses({"--limit", "files=20"}, "there is no limit 'files' (as, core, cpu, data"));
  for (const char* text : {"", "nofile", "nofile=", "nofile=x", "nofile=-1", "nofile=1:2:3",
                           "nofile=10,", "=5", "as=2X", "cpu=soon"}) {
    CAPTURE(text);
    CHECK(refuses({"--limit", text}, "--limit: "));
  }
  CHECK(refuses({"--limit", "nofile=:"}, "is not NAME=SOFT:HARD"));
  if (!is_root()) return;
  CHECK(refuses({"--limit", "nproc=10"}, "nproc: the kernel ignores it for root"));
  CHECK(refuses({"--limit", "nproc=10", "--user", "0:0"}, "nproc: the kernel ignores it for root"));
}

TEST_CASE("spawn --limit above the hard limit is refused to a plain user", "[spawn]") {
  const NoDescendantLeft guard;
  const PlainUser user;
  const Options low{.in_child = [] {
    const rlimit files{100, 200};
    ::setrlimit(RLIMIT_NOFILE, &files);
  }};
  const auto with_limit = [&](const std::string& limit) {
    return user.run(spawn({"-q", "--limit", limit}, {"cat", "/proc/self/limits"}), low);
  };
  CHECK(refused(with_limit("nofile=201"), "the hard limit is 200, and only root may raise it"));
  CHECK(refused(with_limit("nofile=100:unlimited"), "only root may raise it"));
  CHECK(line_of(with_limit("nofile=200").out, "Max open files").starts_with("200 200 "));
  CHECK(line_of(with_limit("nofile=150:").out, "Max open files").starts_with("150 200 "));
}

TEST_CASE("spawn --limit above the hard limit is refused to a root that may not raise it either",
          "[spawn]") {
  const NoDescendantLeft guard;
  if (!is_root()) {
    WARN("skipped: only root can be such a root");
    return;
  }
  const Options low{.in_child = [] {
    const rlimit limit{100, 200};
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }};
  const Words poor{"setpriv", "--bounding-set=-sys_resource"};
  const Words words = program(spawn({"-q", "--limit", "nofile=201"}, doing({"out:ran"})));
  CHECK(refused(run(with(poor, words), plain(low)), "here not even root may raise it"));
}

TEST_CASE("spawn --limit nproc holds for a plain user", "[spawn]") {
  const NoDescendantLeft guard;
  const PlainUser user;
  const Result result =
      user.run(spawn({"-q", "--limit", "nproc=77"}, {"cat", "/proc/self/limits"}));
  CHECK(line_of(result.out, "Max processes").starts_with("77 77 "));
}

TEST_CASE("spawn --limit nproc holds for the plain user that root runs the command as", "[spawn]") {
  const NoDescendantLeft guard;
  if (!is_root()) {
    WARN("skipped: only root can become another user");
    return;
  }
  const Words order = GENERATE(Words{"--user", "54321:54322", "--limit", "nproc=77"},
                               Words{"--limit", "nproc=77", "--user", "54321:54322"});
  CHECK(line_of(under(order, {"cat", "/proc/self/limits"}), "Max processes").starts_with("77 77 "));
}

TEST_CASE("spawn --cpus binds the command, and refuses processors that are not there", "[spawn]") {
  const NoDescendantLeft guard;
  cpu_set_t ours;
  REQUIRE(::sched_getaffinity(0, sizeof ours, &ours) == 0);
  int first = 0;
  while (CPU_ISSET(static_cast<unsigned>(first), &ours) == 0) ++first;
  const std::string one = std::to_string(first);
  CHECK(status_under({"--cpus", one}, "Cpus_allowed_list:") == one);
  CHECK(under({"--cpus", one}, {"nproc"}) == "1\n");
  CHECK(status_under({"--cpus", one + "-" + one}, "Cpus_allowed_list:") == one);
  CHECK(refuses({"--cpus", "1000"}, "processor 1000 is not there"));
  CHECK(refuses({"--cpus", one + ",999"}, "processor 999 is not there"));
  for (const char* text : {"", "x", "0-", "-1", "1-0", "0,", "0-99999"}) {
    CAPTURE(text);
    CHECK(refuses({"--cpus", text}, "--cpus: "));
  }
}

TEST_CASE("spawn --nice is added to our own niceness", "[spawn]") {
  const NoDescendantLeft guard;
  const int ours = ::getpriority(PRIO_PROCESS, 0);
  const auto at_most = [](int nice) { return std::to_string(std::min(nice, 19)) + "\n"; };
  CHECK(under({"--nice", "0"}, {"nice"}) == at_most(ours));
  CHECK(under({"--nice", "3"}, {"nice"}) == at_most(ours + 3));
  CHECK(under({"--nice", "19"}, {"nice"}) == "19\n");
  if (is_root()) CHECK(under({"--nice", "-2"}, {"nice"}) == at_most(ours - 2));
  CHECK(refuses({"--nice", "much"}, "--nice: "));
  CHECK(refuses({"--nice", "50"}, "--nice: '50' is not a whole number from -39 to 39"));
}

TEST_CASE("spawn --nice below what is allowed is refused to a plain user", "[spawn]") {
  const NoDescendantLeft guard;
  const PlainUser user;
  const Result result =
      user.run(spawn({"-q", "--nice", "-3"}, user.doing({"out:ran"})), {.in_child = [] {
                 const rlimit none{0, 0};
                 ::setrlimit(RLIMIT_NICE, &none);
               }});
  CHECK(refused(result, "niceness"));
  CHECK(user.run(spawn({"-q", "--nice", "3"}, user.doing({}))).exited(0));
}

TEST_CASE("spawn --oom-score-adj is what the command finds", "[spawn]") {
  const NoDescendantLeft guard;
  CHECK(under({"--oom-score-adj", "700"}, {"cat", "/proc/self/oom_score_adj"}) == "700\n");
  CHECK(refuses({"--oom-score-adj", "1001"}, "--oom-score-adj: "));
  CHECK(refuses({"--oom-score-adj", "x"}, "--oom-score-adj: "));
  const PlainUser user;
  CHECK(refused(user.run(spawn({"-q", "--oom-score-adj", "-900"}, user.doing({"out:ran"}))),
                "OOM score"));
  CHECK(
      user.run(spawn({"-q", "--oom-score-adj", "800"}, {"cat", "/proc/self/oom_score_adj"})).out ==
      "800\n");
}

TEST_CASE("spawn --no-new-privs holds for the command", "[spawn]") {
  const NoDescendantLeft guard;
  const std::string ours = line_of(read_file("/proc/self/status"), "NoNewPrivs:");
  CHECK(status_under({"--no-new-privs"}, "NoNewPrivs:") == "1");
  CHECK(status_under({}, "NoNewPrivs:") == ours);
  const PlainUser user;
  if (!user.can_become_root()) return;
  CHECK(user.run(spawn({"-q"}, user.doing_as_root({"root"}))).exited(0));
  CHECK(user.run(spawn({"-q", "--no-new-privs"}, user.doing_as_root({"root"}))).exited(94));
}

TEST_CASE("spawn -C runs the command there, and looks ./tool up there", "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const auto real = std::filesystem::canonical(dir.path()).string();
  CHECK(under({"-C", real}, {"pwd", "-P"}) == real + "\n");
  std::filesystem::copy_file(child("spawn_do"), dir / "tool");
  CHECK(under({"-C", real}, {"./tool", "out:the tool"}) == "the tool\n");
  CHECK(under({"--chdir", real}, {"sh", "-c", "./tool out:1"}) == "1\n");
  CHECK(run_procrun(spawn({"-q", "-C", "/"}, {"./tool"}), {.cwd = real}).exited(127));
  const Result nowhere = run_procrun(spawn({"-q", "-C", real + "/no"}, {"pwd"}));
  CHECK(refused(nowhere, "cannot change directory to " + real + "/no: No such file or directory"));
}

TEST_CASE("spawn -C does not move the files that we are told to open", "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  run_procrun(spawn({"-q", "-C", "/", "-o", "out"}, {"pwd"}), {.cwd = dir.path().string()});
  CHECK(read_file(dir / "out") == "/\n");
}

TEST_CASE("spawn --env, --env-file, --unset and --clear-env make the environment", "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  write_file(dir / "env", "# a comment\n\nA=from the file\nB=x=y\nC=\n");
  const Options how{.env = {"A=ours", "D=d", "LONG=l"}, .unset = {"B", "C"}};
  const auto env_of = [&](const Words& options) {
    return sorted(lines_of(under(options, {"/usr/bin/env"}, how)));
  };
  const auto has = [](const Lines& lines, const std::string& line) {
    return std::count(lines.begin(), lines.end(), line);
  };
  const Lines file = env_of({"--env-file", dir / "env"});
  CHECK(has(file, "A=from the file") == 1);
  CHECK(has(file, "A=ours") == 0);
  CHECK(has(file, "B=x=y") == 1);
  CHECK(has(file, "C=") == 1);
  CHECK(has(file, "D=d") == 1);
  const Lines given = env_of({"--env", "A=1", "--env", "E=", "--unset", "D"});
  CHECK(has(given, "A=1") == 1);
  CHECK(has(given, "E=") == 1);
  CHECK(has(given, "D=d") == 0);
  CHECK(has(given, "LONG=l") == 1);
  CHECK(env_of({"--clear-env"}) == Lines{});
  CHECK(env_of({"--clear-env", "--env", "A=1", "--env", "A=2"}) == Lines{"A=2"});
  for (const char* text : {"A", "=x", ""}) {
    CAPTURE(text);
    CHECK(refuses({"--env", text}, "is not NAME=VALUE"));
  }
  write_file(dir / "bad", "A=1\nno assignment\n");
  CHECK(refuses({"--env-file", dir / "bad"}, "is not NAME=VALUE"));
  CHECK(refuses({"--env-file", dir / "nowhere"}, "No such file or directory"));
  CHECK(refuses({"--env-file", dir.path().string()}, "Is a directory"));
  for (const char* text : {"", "A=1"}) {
    CAPTURE(text);
    CHECK(refuses({"--unset", text}, "is not the name of a variable"));
  }
}

TEST_CASE("spawn --umask is the command's", "[spawn]") {
  const NoDescendantLeft guard;
  CHECK(under({"--umask", "027"}, {"sh", "-c", "umask"}) == "0027\n");
  CHECK(under({"--umask", "0"}, {"sh", "-c", "umask"}) == "0000\n");
  for (const char* text : {"9", "1000", "x", "", "-1", "u=rwx"}) {
    CAPTURE(text);
    CHECK(refuses({"--umask", text}, "is not a umask (022)"));
  }
}

TEST_CASE("spawn --user runs the command as another user", "[spawn]") {
  const NoDescendantLeft guard;
  CHECK(refuses({"--user", "no-such-user-at-all"}, "there is no user 'no-such-user-at-all'"));
  CHECK(refuses({"--user", "0:no-such-group-at-all"}, "there is no group 'no-such-group-at-all'"));
  CHECK(refuses({"--user", "54321"}, "say 54321:GID"));
  // To the kernel this number means "leave it as it is": the command would run as who we are.
  CHECK(refuses({"--user", "4294967295:54322"}, "there is no user '4294967295'"));
  CHECK(refuses({"--user", "54321:4294967295"}, "there is no group '4294967295'"));
  if (!is_root()) {
    WARN("skipped the rest: only root can become another user");
    return;
  }
  CHECK(under({"--user", "54321:54322"}, {"sh", "-c", "id -u; id -g; id -G"}) ==
        "54321\n54322\n54322\n");
  CHECK(under({"--user", "root"}, {"id", "-u"}) == "0\n");
  CHECK(status_under({"--user", "54321:54322"}, "Uid:") == "54321 54321 54321 54321");
  CHECK(status_under({"--user", "54321:54322"}, "CapEff:") == "0000000000000000");
  // What the caller may not is no less true for the tree's end.
  const Mark mark;
  CHECK(run_procrun(spawn({"-q", "--user", "54321:54322", "-t", "200ms"},
                          {"sh", "-c", "sleep 60 & sleep 60"}),
                    {.env = {mark.env()}})
            .exited(124));
  CHECK(mark.gone());
}

TEST_CASE("spawn --user is refused to a plain user", "[spawn]") {
  const NoDescendantLeft guard;
  const PlainUser user;
  const Result result = user.run(spawn({"-q", "--user", "0:0"}, user.doing({"out:ran"})));
  CHECK(refused(result, "cannot change the user of"));
}

TEST_CASE("a command that became another user dies with procrun all the same", "[spawn]") {
  const NoDescendantLeft guard;
  if (!is_root()) {
    WARN("skipped: only root can become another user");
    return;
  }
  const Mark mark;
  auto running = start_procrun(
      spawn({"-q", "--user", "54321:54322"}, {"sh", "-c", "trap '' TERM; echo ready; sleep 60"}),
      {.env = {mark.env()}});
  running.read_until(Stream::Out, "ready\n");
  ::kill(worker_of(running.pid()), SIGKILL);
  CHECK(running.finish().exited(125));
  CHECK(mark.gone());
}

TEST_CASE("T28: descriptors of ours never reach the command, whatever we have open", "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  write_file(dir / "in", "");
  const std::string given = run(doing({"fds"})).out;  // what a child of the test has anyway
  const std::vector<Words> all{{},
                               {"--max-output", "1M"},
                               {"-r", "1"},
                               {"--merge", "--max-output", "1M"},
                               {"-t", "10s", "--json"},
                               {"--lock", dir / "lock"},
                               {"--stdin", dir / "in"},
                               {"--log-file", dir / "log"},
                               {"--fail-on-stderr"}};
  for (const Words& options : all) {
    CAPTURE(options);
    CHECK(run_procrun(spawn(with({"-q"}, options), doing({"fds"}))).out == given);
  }
  CHECK(run_procrun(spawn({"-q", "--quiet-ok"}, doing({"fds", "exit:1"}))).out == given);
  CHECK(under({"-o", dir / "out", "-e", dir / "err"}, doing({"fds"})) == "");
  CHECK(read_file(dir / "out") == given);
}

TEST_CASE("T28: descriptors that the caller passed on reach the command", "[spawn]") {
  const NoDescendantLeft guard;
  const Options how{.in_child = [] {
    ::dup2(1, 7);
    ::dup2(2, 12);
  }};
  const auto fds_under = [&](const Words& options) { return under(options, doing({"fds"}), how); };
  for (const Words& options : {Words{}, Words{"--max-output", "1M"}}) {
    CHECK(matches(fds_under(options), "0 1 2 (.* )?7 (.* )?12( .*)?\n"));
  }
  CHECK(fds_under({"--close-fds"}) == "0 1 2\n");
  CHECK(fds_under({"--close-fds", "--keep-fd", "12"}) == "0 1 2 12\n");
  CHECK(fds_under({"--close-fds", "--keep-fd", "12", "--keep-fd", "7", "--keep-fd", "1"}) ==
        "0 1 2 7 12\n");
  CHECK(refuses({"--keep-fd", "333"}, "descriptor 333 is not open"));
  CHECK(refuses({"--keep-fd", "x"}, "--keep-fd: "));
  // And one can write to it.
  CHECK(under({}, {"sh", "-c", "echo x >&7"}, how) == "x\n");
}

}  // namespace procrun::test
