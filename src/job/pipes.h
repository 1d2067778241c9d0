#pragma once
// The pipes of a worker's commands, used again by one command after the other.
#include <vector>

#include "sys/fd.h"

namespace procrun::job {

/// A pipe whose writers have all gone is as good as new: a new end to write to is opened through
/// /proc, which costs less than half of what a new pipe does. Only then is it used again, so that
/// nobody who still holds an end can write among the output of another command. For one process,
/// and not to be carried over a fork(2) once it is used.
class Pipes {
 public:
  /// A pipe, empty, with nobody at its ends but us; both are close-on-exec, and the one to read
  /// from does not block. Throws std::system_error.
  sys::Pipe take();
  /// Takes the end to read from back. To be called only when read(2) there has returned 0: it is
  /// empty, and nobody can write to it.
  void give_back(sys::Fd read_end);

 private:
  sys::Fd end_to_write(const sys::Fd& read_end);

  std::vector<sys::Fd> free_;
  sys::Fd descriptors_;  // the directory /proc/self/fd
};

}  // namespace procrun::job
