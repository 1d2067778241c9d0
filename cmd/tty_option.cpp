#include "cmd/tty_option.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "cmd/options.h"
#include "sys/tty.h"

namespace procrun::cmd {
namespace {

bool reads_stdin(const input::CommandLine& line, const InputOptions& inputs) {
  const auto is_stdin = [](const std::string& file) { return file == "-"; };
  if (!inputs.job_file.empty()) return is_stdin(inputs.job_file);
  if (line.sources.empty() && inputs.arg_files.empty()) return true;
  if (std::any_of(inputs.arg_files.begin(), inputs.arg_files.end(), is_stdin)) return true;
  return std::any_of(line.sources.begin(), line.sources.end(), [&](const auto& source) {
    return source.kind == input::SourceSpec::Kind::Files &&
           std::any_of(source.words.begin(), source.words.end(), is_stdin);
  });
}

/// One that blocks: the command reads from it.
sys::Fd open_again(int terminal) {
  sys::Fd fd{::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)};
  return fd ? std::move(fd) : sys::duplicate(terminal);
}

}  // namespace

void refuse_typed_items(const input::CommandLine& line, const InputOptions& inputs) {
  if (!reads_stdin(line, inputs) || ::isatty(STDIN_FILENO) != 1) return;
  throw UsageError{
      "--tty: items cannot be typed on the terminal that the jobs have: give ::: VALUE... or -a "
      "FILE"};
}

JobTerminal::JobTerminal(bool wanted) {
  if (!wanted) return;
  auto terminal = sys::Terminal::controlling();
  if (!terminal) throw std::runtime_error("--tty: there is no controlling terminal");
  foreground_.emplace(std::move(*terminal));
  in_ = open_again(foreground_->fd());
}

void JobTerminal::give_by(job::Policy& policy) const {
  if (!foreground_) return;
  policy.in = in_.get();
  policy.terminal = foreground_->fd();
}

}  // namespace procrun::cmd
