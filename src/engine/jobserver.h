#pragma once
// GNU make's jobserver, from both sides: a pipe that holds a byte, a token, for each job that may
// run besides the first of each client, which has make's leave already.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/make_flags.h"
#include "sys/fd.h"

namespace procrun::engine {

/// A jobserver that is there already. Never blocks.
class JobserverClient {
 public:
  /// Opens what `address` names ("R,W" or "fifo:PATH") for us alone, so that O_NONBLOCK is not set
  /// for the others. Throws std::system_error or std::invalid_argument where it is out of reach:
  /// make closes the descriptors for whom it does not take for a make.
  explicit JobserverClient(std::string_view address);

  /// Readable when there may be a token.
  int fd() const noexcept { return in_.get(); }
  bool has_token() const noexcept;
  /// Takes a token, if there is one. It has to be given back as it is.
  std::optional<char> take() noexcept;
  void give(char token) noexcept;

 private:
  void open_fifo(const std::string& path);
  void open_pipe(std::string_view address);

  sys::Fd in_;
  sys::Fd out_;  // empty: `in_` is for both
};

/// A jobserver of our own, for the jobs below us and for ourselves.
class JobserverServer {
 public:
  /// A fifo in a directory of its own, with a token for each of `jobs` but the first.
  explicit JobserverServer(unsigned jobs);
  ~JobserverServer() { remove(); }
  JobserverServer(const JobserverServer&) = delete;
  JobserverServer& operator=(const JobserverServer&) = delete;

  /// Where our clients find it.
  JobserverAddress address() const;
  /// The descriptors of that address; they are not close-on-exec.
  std::vector<int> for_clients() const { return {read_.get(), write_.get()}; }
  std::string fifo() const { return directory_ + "/fifo"; }

  /// To be called while nobody has a token by right: makes up for those that ended without giving
  /// theirs back, and takes away what there is too much. Returns how many were missing.
  unsigned make_whole();
  /// Removes the fifo's name and directory; does nothing the second time. For those who have the
  /// fifo open it goes on.
  void remove() noexcept;

 private:
  unsigned jobs_;
  std::string directory_;
  sys::Fd fifo_;
  sys::Fd read_;
  sys::Fd write_;
};

}  // namespace procrun::engine
