#include "support.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>

#include "event_check.h"

namespace procrun::test {
namespace {

using Clock = std::chrono::steady_clock;

int no_child_guards = 0;   // how many NoChildLeft are alive
int programs_started = 0;  // by Running, since the test process began

struct Entry {
  pid_t pid;
  pid_t ppid;
  char state;
};

/// A line of /proc/PID/stat; the name in it may itself hold blanks and parentheses.
std::optional<Entry> entry_of(const std::string& pid) {
  std::ifstream file{"/proc/" + pid + "/stat"};
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  std::istringstream rest{line.substr(line.rfind(')') + 1)};
  Entry entry{std::stoi(pid), 0, '?'};
  rest >> entry.state >> entry.ppid;
  return entry;
}

// Not /proc/PID/task/TID/children: the kernel may be built without it.
std::vector<Entry> all_processes() {
  std::vector<Entry> found;
  DIR* const dir = ::opendir("/proc");
  if (dir == nullptr) return found;
  while (const dirent* item = ::readdir(dir)) {
    const std::string name = item->d_name;
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (const auto entry = entry_of(name)) found.push_back(*entry);
  }
  ::closedir(dir);
  return found;
}

bool running(const Entry& entry) { return entry.state != 'Z' && entry.state != 'X'; }

std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> found;
  for (const auto& entry : all_processes()) {
    if (entry.ppid == pid && running(entry)) found.push_back(entry.pid);
  }
  return found;
}

std::string named(pid_t pid) {
  auto words = read_file("/proc/" + std::to_string(pid) + "/cmdline");
  std::replace(words.begin(), words.end(), '\0', ' ');
  return std::to_string(pid) + " " + words;
}

int open_pidfd(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

int ms_until(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<decltype(left)>(left, 0, 1'000'000));
}

/// Reaps what has ended; true if no child at all is left.
bool reap_ended() {
  for (;;) {
    const pid_t pid = ::waitpid(-1, nullptr, WNOHANG);
    if (pid == 0) return false;
    if (pid == -1 && errno != EINTR) return true;
  }
}

/// Children first; the orphans that this makes become our children, if we are their subreaper.
void kill_all_children() {
  while (!reap_ended()) {
    for (const pid_t pid : children_of(::getpid())) ::kill(pid, SIGKILL);
    ::waitpid(-1, nullptr, 0);
  }
}

/// Waits until one of the children ends; false at the deadline.
bool wait_for_one_of(const std::vector<pid_t>& children, Clock::time_point deadline) {
  std::vector<pollfd> watched;
  for (const pid_t pid : children) watched.push_back({open_pidfd(pid), POLLIN, 0});
  const int ready = ::poll(watched.data(), watched.size(), ms_until(deadline));
  for (const auto& item : watched) ::close(item.fd);
  return ready != 0;
}

std::map<int, std::string> open_fds() {
  std::map<int, std::string> found;
  DIR* const dir = ::opendir("/proc/self/fd");
  if (dir == nullptr) return found;
  while (const dirent* item = ::readdir(dir)) {
    const int fd = std::atoi(item->d_name);
    if (item->d_name[0] == '.' || fd == ::dirfd(dir)) continue;
    std::error_code error;  // the descriptor may point to nothing that has a name
    found[fd] =
        std::filesystem::read_symlink(std::string{"/proc/self/fd/"} + item->d_name, error).string();
  }
  ::closedir(dir);
  return found;
}

/// The fds in `these` that are not in `others`, with what they point to.
std::string missing_from(const std::map<int, std::string>& others,
                         const std::map<int, std::string>& these) {
  std::string text;
  for (const auto& [fd, target] : these) {
    if (!others.contains(fd)) text += std::to_string(fd) + " -> " + target + "; ";
  }
  return text;
}

}  // namespace

NoChildLeft::NoChildLeft() : owner_{::getpid()} { ++no_child_guards; }

NoChildLeft::~NoChildLeft() {
  if (::getpid() != owner_) return;
  --no_child_guards;
  siginfo_t left{};
  const bool none = ::waitid(P_ALL, 0, &left, WEXITED | WNOHANG | WNOWAIT) == -1 && errno == ECHILD;
  std::string children;
  for (const auto& entry : all_processes()) {
    if (entry.ppid == owner_) children += named(entry.pid) + "(" + entry.state + "); ";
  }
  INFO("children left: " << children);
  CHECK(none);
  if (!none) kill_all_children();
}

SameOpenFds::SameOpenFds() : owner_{::getpid()}, before_{open_fds()} {}

SameOpenFds::~SameOpenFds() {
  if (::getpid() != owner_) return;
  const auto now = open_fds();
  const std::string opened = missing_from(before_, now);
  const std::string closed = missing_from(now, before_);
  CHECK(opened == "");
  CHECK(closed == "");
}

NoDescendantLeft::NoDescendantLeft() : owner_{::getpid()}, programs_before_{programs_started} {
  ::prctl(PR_GET_CHILD_SUBREAPER, &was_subreaper_);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

NoDescendantLeft::~NoDescendantLeft() {
  if (::getpid() != owner_) return;
  const bool reaps = no_child_guards == 0 || programs_started != programs_before_;
  const auto deadline = Clock::now() + std::chrono::seconds{2};
  // Only our own children are waited for: what outlives its parent becomes one of them.
  auto children = children_of(owner_);
  while (!children.empty() && wait_for_one_of(children, deadline)) children = children_of(owner_);
  if (!children.empty()) {
    std::string left;
    for (const pid_t pid : descendants_of(owner_)) left += named(pid) + "; ";
    INFO("descendants left: " << left);
    CHECK(children.empty());
    kill_all_children();
  }
  if (reaps) reap_ended();
  ::prctl(PR_SET_CHILD_SUBREAPER, was_subreaper_);
}

TempDir::TempDir() : owner_{::getpid()} {
  const char* const parent = std::getenv("TMPDIR");
  std::string name = (parent != nullptr ? parent : "/tmp") + std::string{"/procrun-test-XXXXXX"};
  if (::mkdtemp(name.data()) == nullptr) FAIL("mkdtemp " << name << ": " << std::strerror(errno));
  path_ = name;
}

TempDir::~TempDir() {
  if (::getpid() != owner_) return;
  std::error_code error;
  std::filesystem::remove_all(path_, error);
  CHECK(error.message() == std::error_code{}.message());
}

std::string read_all(int fd) {
  std::string text;
  char block[65536];
  for (;;) {
    const ssize_t size = ::read(fd, block, sizeof block);
    if (size == -1 && errno == EINTR) continue;
    if (size == -1) FAIL("read from " << fd << ": " << std::strerror(errno));
    if (size == 0) return text;
    text.append(block, static_cast<std::size_t>(size));
  }
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  std::ofstream file{path, std::ios::binary};
  file << text;
  file.close();
  if (!file) FAIL("cannot write " << path);
}

std::vector<pid_t> descendants_of(pid_t pid) {
  const auto all = all_processes();
  std::vector<pid_t> found;
  std::vector<pid_t> parents{pid};
  for (std::size_t i = 0; i < parents.size(); ++i) {
    for (const auto& entry : all) {
      if (entry.ppid != parents[i]) continue;
      parents.push_back(entry.pid);
      if (running(entry)) found.push_back(entry.pid);
    }
  }
  return found;
}

bool Result::exited(int code) const {
  const bool yes = WIFEXITED(status) && WEXITSTATUS(status) == code;
  if (!yes) UNSCOPED_INFO(describe());
  return yes;
}

bool Result::signaled(int signal) const {
  const bool yes = WIFSIGNALED(status) && WTERMSIG(status) == signal;
  if (!yes) UNSCOPED_INFO(describe());
  return yes;
}

std::string Result::describe() const {
  std::ostringstream text;
  if (WIFEXITED(status)) {
    text << "it exited with " << WEXITSTATUS(status);
  } else {
    text << "it died of signal " << WTERMSIG(status);
  }
  text << "; stdout: " << out.substr(0, 2000) << "; stderr: " << err.substr(0, 8000);
  return text.str();
}

namespace {

std::vector<std::string> environment(const Options& options) {
  std::vector<std::string> all;
  const auto key = [](std::string_view word) { return word.substr(0, word.find('=')); };
  const auto replaced = [&](std::string_view word) {
    const auto same = [&](const std::string& other) { return key(other) == key(word); };
    return std::any_of(options.env.begin(), options.env.end(), same) ||
           std::any_of(options.unset.begin(), options.unset.end(), same);
  };
  for (char** word = environ; *word != nullptr; ++word) {
    if (!replaced(*word)) all.emplace_back(*word);
  }
  all.insert(all.end(), options.env.begin(), options.env.end());
  return all;
}

/// The file that a procrun writes its --events to; empty if there is none.
std::string events_file(const std::vector<std::string>& argv, const std::string& cwd) {
  const auto option = std::find(argv.begin(), argv.end(), "--events");
  if (argv[0] != kProcrun || option == argv.end() || option + 1 == argv.end()) return {};
  const std::string path = std::filesystem::path{cwd} / *(option + 1);
  return std::filesystem::is_regular_file(path) || !std::filesystem::exists(path) ? path : "";
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> all;
  for (const auto& word : words) all.push_back(const_cast<char*>(word.c_str()));
  all.push_back(nullptr);
  return all;
}

void close_fd(int& fd) {
  if (fd != -1) ::close(fd);
  fd = -1;
}

/// The two ends of a child's standard stream: ours, and the one that becomes its `number`.
struct Ends {
  int ours = -1;
  int theirs = -1;  // -1: stays closed
  bool borrowed = false;
};

/// At least 3, so that putting one in its place cannot overwrite another.
int above_stdio(int fd) {
  if (fd >= 3) return fd;
  const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
  ::close(fd);
  return copy;
}

Ends ends_of(int number, int given, bool closed) {
  Ends ends;
  if (closed) return ends;
  if (given != -1) {
    ends.theirs = ::fcntl(given, F_DUPFD_CLOEXEC, 3);
    if (ends.theirs == -1) FAIL("descriptor " << given << ": " << std::strerror(errno));
    return ends;
  }
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) == -1) FAIL("pipe2: " << std::strerror(errno));
  ends.ours = above_stdio(pipe[number == 0 ? 1 : 0]);
  ends.theirs = above_stdio(pipe[number == 0 ? 0 : 1]);
  ::fcntl(ends.ours, F_SETFL, O_NONBLOCK);
  return ends;
}

}  // namespace

Running::Running(const std::vector<std::string>& argv, Options options)
    : options_{std::move(options)},
      events_{events_file(argv, options_.cwd)},
      name_{argv.at(0)},
      end_{Clock::now() + options_.timeout} {
  const auto words = pointers(argv);
  const auto variables = environment(options_);
  const auto envp = pointers(variables);
  const Ends stdio[3] = {ends_of(0, options_.stdin_fd, options_.close_stdin),
                         ends_of(1, options_.stdout_fd, options_.close_stdout),
                         ends_of(2, options_.stderr_fd, options_.close_stderr)};
  Ends report = ends_of(1, -1, false);  // errno if the exec fails, else end-of-file
  ::fcntl(report.ours, F_SETFL, 0);
  const pid_t parent = ::getpid();
  ++programs_started;
  pid_ = ::fork();
  if (pid_ == 0) {
    // A test that ctest kills at its time limit shall not leave its program running.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    for (int fd = 0; fd < 3; ++fd) {
      if (stdio[fd].theirs == -1) {
        ::close(fd);
      } else {
        ::dup2(stdio[fd].theirs, fd);
      }
    }
    if (options_.cwd.empty() || ::chdir(options_.cwd.c_str()) == 0) {
      if (options_.in_child) options_.in_child();
      ::execvpe(words[0], words.data(), envp.data());
    }
    const int error = errno;
    (void)!::write(report.theirs, &error, sizeof error);
    ::_exit(127);
  }
  const int fork_error = errno;
  for (const auto& ends : stdio) {
    if (ends.theirs != -1) ::close(ends.theirs);
  }
  close_fd(report.theirs);
  in_ = stdio[0].ours;
  out_.fd = stdio[1].ours;
  err_.fd = stdio[2].ours;
  const std::string failure = pid_ == -1 ? std::string{} : read_all(report.ours);
  close_fd(report.ours);
  int error = fork_error;
  if (!failure.empty()) std::memcpy(&error, failure.data(), sizeof error);
  if (pid_ == -1 || !failure.empty()) {
    give_up("cannot start: " + std::string{std::strerror(error)});
  }
  pidfd_ = open_pidfd(pid_);
  if (pidfd_ == -1) give_up("pidfd_open: " + std::string{std::strerror(errno)});
}

Running::~Running() { kill_and_reap(); }

void Running::kill_and_reap() noexcept {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) == -1 && errno == EINTR) {
    }
  }
  pid_ = -1;
  for (int* fd : {&pidfd_, &in_, &out_.fd, &err_.fd}) close_fd(*fd);
}

void Running::give_up(const std::string& why) {
  kill_and_reap();
  FAIL(name_ << ": " << why << "\nstdout so far: " << out_.text.substr(0, 4000)
             << "\nstderr so far: " << err_.text.substr(0, 8000));
  std::abort();  // not reached: FAIL throws, which the compiler does not know
}

void Running::check_events() const {
  if (events_.empty()) return;
  INFO("records of --events that are not as the schema says");
  CHECK(faults_of_events(read_file(events_)) == "");
}

void Running::send(int signal) const {
  if (pid_ <= 0) FAIL(name_ << " was reaped already");
  ::kill(pid_, signal);
}

void Running::write(std::string_view text) {
  options_.input += text;
  feed();
}

void Running::close_input() {
  options_.keep_stdin_open = false;
  feed();
}

/// Gives it as much input as it takes now.
void Running::feed() {
  // A program that stopped reading is its own affair: no SIGPIPE for us. Blocking it for a moment
  // leaves the disposition alone, which the children inherit.
  sigset_t pipe_signal;
  sigset_t before;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  ::sigprocmask(SIG_BLOCK, &pipe_signal, &before);
  while (in_ != -1 && !options_.input.empty()) {
    const ssize_t size = ::write(in_, options_.input.data(), options_.input.size());
    if (size == -1 && errno == EAGAIN) break;
    if (size == -1 && errno == EPIPE) {
      const timespec now{};
      ::sigtimedwait(&pipe_signal, nullptr, &now);
    }
    if (size == -1) {
      options_.input.clear();
      close_fd(in_);
    } else {
      options_.input.erase(0, static_cast<std::size_t>(size));
    }
  }
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  if (options_.input.empty() && !options_.keep_stdin_open) close_fd(in_);
}

/// Reads once; closes at end-of-file.
void Running::take(Pipe& pipe) {
  char block[65536];
  const ssize_t size = ::read(pipe.fd, block, sizeof block);
  if (size > 0) pipe.text.append(block, static_cast<std::size_t>(size));
  if (size == 0) close_fd(pipe.fd);
}

/// Takes what is there without waiting for more.
void Running::drain(Pipe& pipe) {
  pollfd ready{pipe.fd, POLLIN, 0};
  while (pipe.fd != -1 && Clock::now() < end_ && ::poll(&ready, 1, 0) == 1) take(pipe);
  close_fd(pipe.fd);
}

bool Running::step(Deadline deadline, bool watch_exit) {
  feed();
  pollfd watched[4] = {{options_.input.empty() ? -1 : in_, POLLOUT, 0},
                       {out_.fd, POLLIN, 0},
                       {err_.fd, POLLIN, 0},
                       {watch_exit && !exited_ ? pidfd_ : -1, POLLIN, 0}};
  const int ready = ::poll(watched, 4, ms_until(deadline));
  if (ready == 0) return false;
  if (ready == -1) return errno == EINTR && Clock::now() < deadline;
  if (watched[1].revents != 0) take(out_);
  if (watched[2].revents != 0) take(err_);
  if (watched[3].revents != 0) exited_ = true;
  return true;
}

std::string Running::read_until(Stream stream, std::string_view text,
                                std::chrono::milliseconds deadline) {
  Pipe& pipe = stream == Stream::Out ? out_ : err_;
  const auto end = Clock::now() + deadline;
  for (;;) {
    const auto at = pipe.text.find(text, pipe.read);
    if (at != std::string::npos) {
      const auto from = std::exchange(pipe.read, at + text.size());
      return pipe.text.substr(from, pipe.read - from);
    }
    const std::string wanted = "waiting for '" + std::string{text} + "': ";
    if (pipe.fd == -1) give_up(wanted + "the stream ended");
    if (!step(end, false)) give_up(wanted + "the time is up");
  }
}

Result Running::finish() {
  options_.keep_stdin_open = false;
  const auto done = [&] {
    const bool closed = out_.fd == -1 && err_.fd == -1;
    return exited_ && (closed || options_.until_exit);
  };
  while (!done()) {
    if (step(end_, true)) continue;
    give_up(exited_ ? "it ended, but someone still holds its output open" : "timed out");
  }
  drain(out_);
  drain(err_);
  const pid_t reaped = ::waitpid(pid_, &result_.status, 0);
  const int error = errno;
  if (reaped == -1) pid_ = -1;  // no longer ours to kill
  if (reaped == -1) give_up("waitpid: " + std::string{std::strerror(error)});
  pid_ = -1;
  kill_and_reap();  // only closes by now
  check_events();
  result_.out = std::move(out_.text);
  result_.err = std::move(err_.text);
  return std::move(result_);
}

Result run(const std::vector<std::string>& argv, Options options) {
  return Running{argv, std::move(options)}.finish();
}

}  // namespace procrun::test
