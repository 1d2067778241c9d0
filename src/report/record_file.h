#pragma once
// A file that records are appended to, each by one write(2), so that none is torn by another and a
// kill at any instant loses at most the one being written.
#include <string>
#include <string_view>

#include "sys/fd.h"

namespace procrun::report {

class RecordFile {
 public:
  /// Owns `file`, which was opened with O_APPEND where there may be other writers. `name` says in
  /// errors what it is. With `sync` each record is on the disk before append() returns.
  RecordFile(sys::Fd file, std::string name, bool sync = false)
      : file_{std::move(file)}, name_{std::move(name)}, sync_{sync} {}

  /// Blocks as its file does. Throws std::system_error where the record could not be written whole.
  void append(std::string_view record);

 private:
  sys::Fd file_;
  std::string name_;
  bool sync_;
};

}  // namespace procrun::report
