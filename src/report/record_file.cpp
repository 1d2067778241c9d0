#include "report/record_file.h"

#include <unistd.h>

#include "sys/error.h"

namespace procrun::report {

void RecordFile::append(std::string_view record) {
  while (!record.empty()) {  // a signal or a full disk may cut a write short
    const auto written = sys::retry(
        "write to " + name_, [&] { return ::write(file_.get(), record.data(), record.size()); });
    record.remove_prefix(static_cast<std::size_t>(written));
  }
  if (sync_ && ::fdatasync(file_.get()) == -1) sys::fail("flush " + name_ + " to the disk");
}

}  // namespace procrun::report
