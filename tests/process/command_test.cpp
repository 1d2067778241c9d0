#include "process/command.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <sstream>
#include <stdexcept>

#include "process/forked.h"
#include "support.h"
#include "sys/fd.h"

namespace sys = procrun::sys;
using procrun::Child;
using procrun::Command;
using procrun::ExitStatus;
using procrun::SpawnError;
using procrun::SpawnStep;
using procrun::test::ForkedChild;
using procrun::test::in_child;
using procrun::test::NoChildLeft;
using procrun::test::NoDescendantLeft;
using procrun::test::SameOpenFds;
using procrun::test::TempDir;
using procrun::test::write_file;

namespace {

const std::string kPrograms = PROGRAMS_DIR;

/// Sets a variable while it lives; without a value, unsets it.
class Variable {
 public:
  Variable(const char* name, std::optional<std::string> value) : name_{name} {
    if (const char* const before = std::getenv(name)) before_ = before;
    set(value);
  }
  ~Variable() { set(before_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  void set(const std::optional<std::string>& value) {
    if (value) {
      ::setenv(name_, value->c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }
  const char* name_;
  std::optional<std::string> before_;
};

struct Output {
  ExitStatus status;
  std::string out;
  std::string err;
};

/// Runs it with stdout and stderr in files, which need no reader.
Output run(Command command) {
  const sys::Fd out = sys::open_temporary();
  const sys::Fd err = sys::open_temporary();
  command.out = out.get();
  command.err = err.get();
  const ExitStatus status = command.spawn().wait();
  ::lseek(out.get(), 0, SEEK_SET);
  ::lseek(err.get(), 0, SEEK_SET);
  return {status, procrun::test::read_all(out.get()), procrun::test::read_all(err.get())};
}

std::string out_of(std::vector<std::string> argv) { return run({.argv = std::move(argv)}).out; }

/// What it throws; fails if it starts.
SpawnError failure_of(const Command& command) {
  try {
    command.spawn().wait();
  } catch (const SpawnError& error) {
    return error;
  }
  throw std::runtime_error{"it was started"};
}

void make_script(const std::string& path, const std::string& text, unsigned mode = 0755) {
  write_file(path, text);
  ::chmod(path.c_str(), mode);
}

/// The value of a line like "SigBlk:\t0000000000000000" in /proc/PID/status.
unsigned long long mask_in(const std::string& status, const std::string& name) {
  const auto at = status.find(name + ":");
  return at == std::string::npos ? ~0ULL
                                 : std::stoull(status.substr(at + name.size() + 1), nullptr, 16);
}

unsigned long long bit(int signal) { return 1ULL << (signal - 1); }

const Command kShowSignals{.argv = {"grep", "^Sig", "/proc/self/status"}};

}  // namespace

// --- How it ends ---

TEST_CASE("a program's end is told apart", "[command]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  CHECK(Command{.argv = {"sh", "-c", "exit 3"}}.spawn().wait().code() == 3);
  CHECK(Command{.argv = {"sh", "-c", "kill -9 $$"}}.spawn().wait().term_signal() == SIGKILL);
  CHECK(Command{.argv = {"true"}}.spawn().wait().success());
}

TEST_CASE("T11: a program's status is one of 256, as the kernel has it", "[command]") {
  const NoChildLeft guard;
  CHECK(Command{.argv = {kPrograms + "/say", "256"}}.spawn().wait().code() == 0);
  CHECK(Command{.argv = {kPrograms + "/say", "255"}}.spawn().wait().code() == 255);
}

TEST_CASE("a command that is started without a pidfd is left to its caller to reap", "[command]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  const pid_t pid = Command{.argv = {"sh", "-c", "exit 5"}}.start();
  const auto status = procrun::test::reaped(pid);
  REQUIRE(status);
  CHECK(WEXITSTATUS(*status) == 5);
}

TEST_CASE("a command without a program is misuse", "[command]") {
  CHECK_THROWS_AS(Command{}.spawn(), std::logic_error);
}

// --- Which program ---

TEST_CASE("a program that is not there is 127", "[command]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  for (const char* const name : {"no-such-program", "/no/such/program", "./no-such", ""}) {
    CAPTURE(name);
    const SpawnError error = failure_of({.argv = {name}});
    CHECK(error.exit_code() == 127);
    CHECK(error.step() == SpawnStep::Exec);
    CHECK(error.error() == ENOENT);
  }
}

TEST_CASE("a path through something that is no directory is 127", "[command]") {
  const NoChildLeft guard;
  CHECK(failure_of({.argv = {"/etc/passwd/x"}}).exit_code() == 127);
}

TEST_CASE("a program that may not be executed is 126", "[command]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  const TempDir dir;
  make_script(dir / "script", "#!/bin/sh\n", 0644);
  CHECK(failure_of({.argv = {dir / "script"}}).exit_code() == 126);
  CHECK(failure_of({.argv = {dir.path().string()}}).exit_code() == 126);
}

TEST_CASE("a failure names the program and the reason", "[command]") {
  const NoChildLeft guard;
  CHECK_THAT(failure_of({.argv = {"no-such-program", "x"}}).what(),
             Catch::Equals("cannot execute no-such-program: No such file or directory"));
}

TEST_CASE("a program is looked up along PATH", "[command]") {
  const NoChildLeft guard;
  const TempDir dir;
  std::filesystem::create_directories(dir / "one");
  std::filesystem::create_directories(dir / "two");
  make_script(dir / "two/tool", "#!/bin/sh\necho two\n");
  const Variable path{"PATH", dir / "none" + ":" + dir / "one" + ":" + dir / "two"};
  CHECK(out_of({"tool"}) == "two\n");
  make_script(dir / "one/tool", "#!/bin/sh\necho one\n");
  CHECK(out_of({"tool"}) == "one\n");
}

TEST_CASE("a program is looked up along the PATH that it is given", "[command]") {
  const NoChildLeft guard;
  const TempDir dir;
  std::filesystem::create_directories(dir / "ours");
  std::filesystem::create_directories(dir / "its");
  make_script(dir / "ours/tool", "#!/bin/sh\necho ours\n");
  make_script(dir / "its/tool", "#!/bin/sh\necho its\n");
  const Variable path{"PATH", dir / "ours"};
  CHECK(run({.argv = {"tool"}, .env = {{"A=1", "PATH=" + dir / "its"}}}).out == "its\n");
  CHECK(failure_of({.argv = {"tool"}, .env = {{"PATHS=" + dir / "its"}}}).exit_code() == 127);
}

TEST_CASE("what cannot be executed in PATH does not hide what can further on", "[command]") {
  const NoChildLeft guard;
  const TempDir dir;
  std::filesystem::create_directories(dir / "one/tool");
  std::filesystem::create_directories(dir / "two");
  make_script(dir / "two/tool", "#!/bin/sh\necho two\n");
  const Variable path{"PATH", dir / "one" + ":" + dir / "two"};
  CHECK(out_of({"tool"}) == "two\n");
}

TEST_CASE("not executable in PATH says more than not there", "[command]") {
  const NoChildLeft guard;
  const TempDir dir;
  make_script(dir / "tool", "#!/bin/sh\n", 0644);
  const Variable path{"PATH", "/no/such:" + dir.path().string() + ":/etc/passwd:/none"};
  CHECK(failure_of({.argv = {"tool"}}).exit_code() == 126);
}

TEST_CASE("an empty entry of PATH is the directory where the program starts", "[command]") {
  const NoChildLeft guard;
  const TempDir dir;
  make_script(dir / "tool", "#!/bin/sh\necho here\n");
  for (const char* const value : {"", ":/none", "/none:", "/none::/none"}) {
    CAPTURE(value);
    const Variable path{"PATH", value};
    CHECK(run({.argv = {"tool"}, .directory = dir.path().string()}).out == "here\n");
  }
}

TEST_CASE("without PATH the system's programs are found", "[command]") {
  const NoChildLeft guard;
  const Variable path{"PATH", std::nullopt};
  CHECK(out_of({"echo", "found"}) == "found\n");
}

TEST_CASE("a name with a slash is not looked up", "[command]") {
  const NoChildLeft guard;
  const TempDir dir;
  std::filesystem::create_directories(dir / "sub");
  make_script(dir / "sub/tool", "#!/bin/sh\necho wrong\n");
  const Variable path{"PATH", dir.path().string()};
  CHECK(failure_of({.argv = {"sub/tool"}}).exit_code() == 127);
}

TEST_CASE("T56: a relative program is found from the directory where it starts", "[command]") {
  const NoChildLeft guard;
  const TempDir dir;
  make_script(dir / "tool", "#!/bin/sh\npwd\n");
  CHECK(run({.argv = {"./tool"}, .directory = dir.path().string()}).out ==
        dir.path().string() + "\n");
}

TEST_CASE("a script without an interpreter line is run by the shell", "[command]") {
  const NoChildLeft guard;
  const TempDir dir;
  make_script(dir / "script", "echo \"$0 $# $2\"\n");
  CHECK(out_of({dir / "script", "a", "b c"}) == dir / "script" + " 2 b c\n");
  const Variable path{"PATH", dir.path().string()};
  CHECK(out_of({"script", "a", "b c"}) == dir / "script" + " 2 b c\n");
}

TEST_CASE("a script whose interpreter is missing is 127", "[command]") {
  const NoChildLeft guard;
  const TempDir dir;
  make_script(dir / "script", "#!/no/such/interpreter\n");
  CHECK(failure_of({.argv = {dir / "script"}}).exit_code() == 127);
}

TEST_CASE("arguments reach the program byte by byte", "[command]") {
  const NoChildLeft guard;
  const std::string odd = "a b\n'\"$(x) `y` \\ * \xff\xfe";
  CHECK(out_of({kPrograms + "/say", "0", odd}) == odd);
  CHECK(out_of({"printf", "<%s>", "", "[1,2]", "--"}) == "<><[1,2]><-->");
}

TEST_CASE("T43: an argument that the kernel does not take is 126, with the reason", "[command]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  const SpawnError error = failure_of({.argv = {"true", std::string(200'000, 'x')}});
  CHECK(error.error() == E2BIG);
  CHECK(error.exit_code() == 126);
  CHECK_THAT(error.what(), Catch::EndsWith("Argument list too long (an argument of 200000 bytes; "
                                           "one can have 131071)"));
  std::vector<std::string> argv(200, std::string(100'000, 'x'));
  argv[0] = "true";
  const SpawnError many = failure_of({.argv = std::move(argv)});
  CHECK(many.error() == E2BIG);
  CHECK_THAT(many.what(), Catch::Contains("getconf ARG_MAX"));
}

// --- With what ---

TEST_CASE("a program gets our environment unless it is given another", "[command]") {
  const NoChildLeft guard;
  const Variable variable{"PROCRUN_TEST_VARIABLE", "ours"};
  const std::vector<std::string> argv{"sh", "-c", "echo \"$PROCRUN_TEST_VARIABLE$OTHER\""};
  CHECK(out_of(argv) == "ours\n");
  CHECK(run({.argv = argv, .env = {{"OTHER=theirs"}}}).out == "theirs\n");
  CHECK(run({.argv = {"/usr/bin/env"}, .env = std::vector<std::string>{}}).out.empty());
  const std::vector<std::string> shared{"OTHER=shared"};
  CHECK(run({.argv = argv, .env = {{"OTHER=theirs"}}, .shared_env = &shared}).out == "shared\n");
  CHECK(run({.argv = {"/usr/bin/env"}, .shared_env = &shared, .extra_env = {"A=1\0B=\0", 7}}).out ==
        "OTHER=shared\nA=1\nB=\n");
  CHECK(run({.argv = argv, .extra_env = {"A=1\0", 4}}).out == "ours\n");
}

TEST_CASE("a program starts in the directory it is given", "[command]") {
  const NoChildLeft guard;
  const TempDir dir;
  const auto here = std::filesystem::current_path();
  CHECK(run({.argv = {"pwd"}, .directory = dir.path().string()}).out == dir.path().string() + "\n");
  CHECK(std::filesystem::current_path() == here);
}

TEST_CASE("a directory that is not there is an error of its own", "[command]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  const SpawnError error = failure_of({.argv = {"true"}, .directory = "/no/such/directory"});
  CHECK(error.step() == SpawnStep::Directory);
  CHECK(error.exit_code() == 125);
  CHECK_THAT(error.what(), Catch::Contains("/no/such/directory"));
}

TEST_CASE("a program's standard descriptors are those it is given", "[command]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  const sys::Fd in = sys::open_temporary();
  procrun::test::say(in.get(), "input");
  ::lseek(in.get(), 0, SEEK_SET);
  const Output output = run({.argv = {"sh", "-c", "cat; echo error >&2"}, .in = in.get()});
  CHECK(output.out == "input");
  CHECK(output.err == "error\n");
}

TEST_CASE("a program's stdout and stderr can be ours crosswise", "[command]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  const sys::Fd one = sys::open_temporary();
  const sys::Fd two = sys::open_temporary();
  const auto end = in_child([&](int) {
    ::dup2(one.get(), 1);
    ::dup2(two.get(), 2);
    return Command{.argv = {kPrograms + "/say", "0", "out", "err"}, .out = 2, .err = 1}
        .spawn()
        .wait()
        .code();
  });
  REQUIRE(end.exited(0));
  ::lseek(one.get(), 0, SEEK_SET);
  ::lseek(two.get(), 0, SEEK_SET);
  CHECK(procrun::test::read_all(one.get()) == "err");
  CHECK(procrun::test::read_all(two.get()) == "out");
}

TEST_CASE("a program's three standard descriptors can be any three of ours", "[command]") {
  const NoChildLeft guard;
  const auto end = in_child([](int report) {
    const sys::Fd in = sys::open_temporary();
    procrun::test::say(in.get(), "rotated");
    ::lseek(in.get(), 0, SEEK_SET);
    ::dup2(in.get(), 2);
    ::dup2(report, 0);
    ::dup2(report, 1);
    return Command{.argv = {"cat"}, .in = 2, .out = 0, .err = 1}.spawn().wait().code();
  });
  CHECK(end.exited(0));
  CHECK(end.report == "rotated");
}

TEST_CASE("stdout and stderr can be one descriptor", "[command]") {
  const NoChildLeft guard;
  const sys::Fd file = sys::open_temporary();
  Command command{.argv = {"sh", "-c", "echo a; echo b >&2; echo c"}};
  command.out = command.err = file.get();
  REQUIRE(command.spawn().wait().success());
  ::lseek(file.get(), 0, SEEK_SET);
  CHECK(procrun::test::read_all(file.get()) == "a\nb\nc\n");
}

TEST_CASE("a descriptor that is not open cannot be a standard descriptor", "[command]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  const SpawnError error = failure_of({.argv = {"true"}, .out = 9999});
  CHECK(error.step() == SpawnStep::Stdio);
  CHECK(error.exit_code() == 125);
}

TEST_CASE("T28: nothing of ours reaches the program but what was not ours to close", "[command]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  const auto end = in_child([](int report) {
    ::dup2(report, 1);
    ::syscall(SYS_close_range, 3U, ~0U, 0U);
    const sys::Pipe ours = sys::make_pipe();
    ::dup2(1, 50);  // passed on by our caller, say
    return Command{.argv = {kPrograms + "/fds"}}.spawn().wait().code();
  });
  CHECK(end.exited(0));
  CHECK(end.report == "0\n1\n2\n50\n");
}

TEST_CASE("T28: a program can be kept from all descriptors but the standard ones", "[command]") {
  const NoChildLeft guard;
  const auto end = in_child([](int report) {
    ::dup2(report, 1);
    ::dup2(1, 50);
    Command command{.argv = {kPrograms + "/fds"}};
    command.close_others = true;
    const int code = command.spawn().wait().code();
    return code == 0 && ::fcntl(50, F_GETFD) == 0 ? 0 : 1;
  });
  CHECK(end.exited(0));
  CHECK(end.report == "0\n1\n2\n");
}

TEST_CASE("a program can have our process group, its own, or a session of its own", "[command]") {
  const NoChildLeft guard;
  using Group = Command::Group;
  Command command{.argv = {"sleep", "60"}};
  SECTION("ours") {
    const Child child = command.spawn();
    CHECK(::getpgid(child.pid()) == ::getpgrp());
  }
  SECTION("its own") {
    command.group = Group::Own;
    const Child child = command.spawn();
    CHECK(::getpgid(child.pid()) == child.pid());
    CHECK(::getsid(child.pid()) == ::getsid(0));
  }
  SECTION("a session") {
    command.group = Group::Session;
    const Child child = command.spawn();
    CHECK(::getsid(child.pid()) == child.pid());
    CHECK(::getpgid(child.pid()) == child.pid());
  }
}

TEST_CASE("T10: a program with a parent-death signal does not outlive us", "[command]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  ForkedChild parent{[](int report) {
    Command command{.argv = {"sleep", "60"}};
    command.parent_death_signal = SIGUSR1;
    const pid_t pid = command.start();
    procrun::test::say(report, std::to_string(pid) + "\n");
    for (;;) ::pause();
    return 0;
  }};
  const pid_t program = parent.number();
  ::kill(parent.pid(), SIGKILL);
  CHECK(parent.finish().signaled(SIGKILL));
  const auto status = procrun::test::reaped(program);
  REQUIRE(status);
  CHECK(ExitStatus{*status}.term_signal() == SIGUSR1);
}

// --- Signals ---

TEST_CASE("T23: a program gets the signal mask that we have", "[command]") {
  const NoChildLeft guard;
  const auto end = in_child([](int report) {
    ::dup2(report, 1);
    sigset_t mask;
    ::sigemptyset(&mask);
    ::sigaddset(&mask, SIGUSR1);
    ::sigprocmask(SIG_SETMASK, &mask, nullptr);
    return kShowSignals.spawn().wait().code();
  });
  REQUIRE(end.exited(0));
  CHECK(mask_in(end.report, "SigBlk") == bit(SIGUSR1));
}

TEST_CASE("T21: a signal that we ignore stays ignored in the program", "[command]") {
  const NoChildLeft guard;
  const auto end = in_child([](int report) {
    ::dup2(report, 1);
    for (int signal = 1; signal < SIGRTMIN; ++signal) ::signal(signal, SIG_DFL);
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGINT, SIG_IGN);
    return kShowSignals.spawn().wait().code();
  });
  REQUIRE(end.exited(0));
  CHECK(mask_in(end.report, "SigIgn") == (bit(SIGPIPE) | bit(SIGINT)));
}

TEST_CASE("a program can be given the signal state of our own start", "[command]") {
  const NoChildLeft guard;
  const auto end = in_child([](int report) {
    ::dup2(report, 1);
    for (int signal = 1; signal < SIGRTMIN; ++signal) ::signal(signal, SIG_DFL);
    ::signal(SIGHUP, SIG_IGN);
    Command command = kShowSignals;
    command.signals = sys::signal_state();
    const sys::SignalsBlocked blocked;  // what the program as a whole does later
    return command.spawn().wait().code();
  });
  REQUIRE(end.exited(0));
  CHECK(mask_in(end.report, "SigBlk") == 0);
  CHECK(mask_in(end.report, "SigIgn") == bit(SIGHUP));
}

TEST_CASE("our own signal mask and handlers are as before a spawn", "[command]") {
  const NoChildLeft guard;
  const auto end = in_child([](int) {
    sigset_t mask;
    ::sigemptyset(&mask);
    ::sigaddset(&mask, SIGUSR1);
    ::sigprocmask(SIG_SETMASK, &mask, nullptr);
    ::signal(SIGUSR2, [](int) {});
    (void)Command{.argv = {"true"}}.spawn().wait();
    const sys::SignalState now = sys::signal_state();
    const bool mask_same =
        ::sigismember(&now.mask, SIGUSR1) == 1 && ::sigismember(&now.mask, SIGTERM) == 0;
    return mask_same && ::sigismember(&now.caught, SIGUSR2) == 1 ? 0 : 1;
  });
  CHECK(end.exited(0));
}

TEST_CASE("our own signal mask is as before a spawn that failed", "[command]") {
  const NoChildLeft guard;
  sigset_t before;
  sigset_t after;
  ::sigprocmask(SIG_SETMASK, nullptr, &before);
  (void)failure_of({.argv = {"no-such-program"}});
  ::sigprocmask(SIG_SETMASK, nullptr, &after);
  for (int signal = 1; signal <= SIGRTMAX; ++signal) {
    CHECK(::sigismember(&before, signal) == ::sigismember(&after, signal));
  }
}

namespace {

pid_t handler_owner;
std::atomic<int>* runs_elsewhere;

}  // namespace

TEST_CASE("a handler of ours never runs in the child", "[command]") {
  const NoChildLeft guard;
  const auto end = in_child([](int) {
    void* const memory = ::mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    runs_elsewhere = new (memory) std::atomic<int>{0};
    handler_owner = ::getpid();
    ::setpgid(0, 0);
    struct sigaction action {};
    action.sa_flags = SA_RESTART;
    action.sa_handler = [](int) {
      if (::getpid() != handler_owner) ++*runs_elsewhere;
    };
    ::sigaction(SIGUSR1, &action, nullptr);
    const pid_t bomber = ::fork();  // signals the whole group, the newborn child as well
    if (bomber == 0) {
      ::signal(SIGUSR1, SIG_IGN);
      while (::getppid() == handler_owner) ::kill(0, SIGUSR1);
      ::_exit(0);
    }
    for (int i = 0; i < 100; ++i) (void)Command{.argv = {"true"}}.spawn().wait();
    ::kill(bomber, SIGKILL);
    ::waitpid(bomber, nullptr, 0);
    return *runs_elsewhere == 0 ? 0 : 1;
  });
  CHECK(end.exited(0));
}

// --- When the machine is short ---

TEST_CASE("T57: a program that is still being written is tried again", "[command]") {
  const NoChildLeft guard;
  const TempDir dir;
  std::filesystem::copy_file(kPrograms + "/say", dir / "tool");
  ForkedChild writer{[&](int report) {
    const sys::Fd file = sys::open(dir / "tool", O_WRONLY);
    procrun::test::say(report, "open\n");
    ::poll(nullptr, 0, 20);  // a spawn that comes later than this tests less, but does not fail
    return 0;
  }};
  REQUIRE(writer.line() == "open");
  CHECK(out_of({dir / "tool", "0", "ran"}) == "ran");
  CHECK(writer.finish().exited(0));
}

TEST_CASE("T57: a program that goes on being written is a named error", "[command]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  const TempDir dir;
  std::filesystem::copy_file(kPrograms + "/say", dir / "tool");
  const sys::Fd file = sys::open(dir / "tool", O_WRONLY);
  const SpawnError error = failure_of({.argv = {dir / "tool"}});
  CHECK(error.error() == ETXTBSY);
  CHECK(error.exit_code() == 126);
}

TEST_CASE("T57: a machine that refuses processes is a named error", "[command]") {
  const NoChildLeft guard;
  const auto end = in_child([](int report) {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_NPROC, &none);
    if (::geteuid() == 0 && ::setresuid(54321, 54321, 54321) != 0) return 98;
    try {
      (void)Command{.argv = {"true"}}.spawn();
    } catch (const SpawnError& error) {
      procrun::test::say(report, error.what());
      return error.step() == SpawnStep::Start && error.error() == EAGAIN ? error.exit_code() : 1;
    }
    return 0;
  });
  CHECK(end.exited(125));
  CHECK_THAT(end.report, Catch::StartsWith("cannot start a process for true: "));
}

TEST_CASE("a process without free descriptors cannot spawn, and loses nothing", "[command]") {
  const NoChildLeft guard;
  const auto end = in_child([](int report) {
    ::syscall(SYS_close_range, 10U, ~0U, 0U);
    const int copy = ::dup(report);  // the highest in use
    const auto limit = static_cast<rlim_t>(copy) + 1;
    const rlimit files{limit, limit};
    ::setrlimit(RLIMIT_NOFILE, &files);
    while (::dup(report) != -1) {
    }
    try {
      (void)Command{.argv = {"true"}}.spawn();
      return 1;
    } catch (const SpawnError& error) {
      if (error.error() != EMFILE || error.exit_code() != 125) return 2;
    }
    if (::waitpid(-1, nullptr, WNOHANG) != -1 || errno != ECHILD) return 3;
    ::close(copy);
    return Command{.argv = {"true"}}.spawn().wait().success() ? 0 : 4;
  });
  CHECK(end.exited(0));
}

TEST_CASE("a spawn that fails leaves no child and no descriptor", "[command]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  for (int i = 0; i < 50; ++i) {
    CHECK_THROWS_AS((Command{.argv = {"no-such-program"}}.spawn()), SpawnError);
    CHECK_THROWS_AS((Command{.argv = {"no-such-program"}}.start()), SpawnError);
    CHECK_THROWS_AS((Command{.argv = {"true"}, .directory = "/no/such"}.spawn()), SpawnError);
    CHECK_THROWS_AS((Command{.argv = {"true"}, .in = 9999}.spawn()), SpawnError);
  }
}
