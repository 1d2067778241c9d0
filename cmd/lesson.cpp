#include "cmd/lesson.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <stdexcept>

#include "cmd/shared.h"
#include "process/fork.h"
#include "sys/error.h"

namespace procrun::cmd {

void Speed::sleep(double seconds) const {
  const double real = seconds > 0 ? seconds / factor : 0;
  timespec left{};
  left.tv_sec = static_cast<time_t>(real);
  left.tv_nsec = static_cast<long>((real - std::floor(real)) * 1e9);
  while (::nanosleep(&left, &left) == -1 && errno == EINTR) {
  }
}

sys::Duration Speed::of(sys::Duration time) const {
  const double real = static_cast<double>(time.count()) / factor;
  const auto most = sys::Duration::max();
  if (real >= static_cast<double>(most.count())) return most;
  return sys::Duration{static_cast<sys::Duration::rep>(real)};
}

void add_speed(Options& options, Speed& speed) {
  options.value("--speed", "X", "every sleep X times shorter (1)", [&](const std::string& text) {
    char* end = nullptr;
    speed.factor = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0' || !std::isfinite(speed.factor) || speed.factor < 1e-3) {
      throw std::invalid_argument("'" + text + "' is not a number above 0 (2, 0.5, 100)");
    }
  });
}

void add_explain(Options& options, bool& explains) {
  options.flag("--explain", "say in plain sentences what just happened, and why", explains);
}

std::string explanation(std::initializer_list<std::string_view> sentences) {
  std::string text;
  for (const auto sentence : sentences) {
    if (!text.empty()) text += '\n';
    text += "# ";
    text += sentence;
  }
  return text;
}

void explain(bool wanted, std::initializer_list<std::string_view> sentences) {
  if (wanted) print_line(explanation(sentences));
}

int play_without_inherited(const std::function<int()>& lesson) {
  siginfo_t any{};
  if (::waitid(P_ALL, 0, &any, WEXITED | WNOHANG | WNOWAIT) == -1) return lesson();  // ECHILD
  const pid_t us = ::getpid();
  const pid_t pid = procrun::fork();
  if (pid != 0) return procrun::waitpid(pid).status.shell_code();
  die_with(us);
  return lesson();
}

void die_with(pid_t parent) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) == -1) sys::fail("prctl PR_SET_PDEATHSIG");
  if (::getppid() != parent) leave(1);  // it was faster
}

}  // namespace procrun::cmd
