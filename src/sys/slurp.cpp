#include "sys/slurp.h"

#include <fcntl.h>
#include <unistd.h>

#include "sys/fd.h"

namespace procrun::sys {

std::string slurp(const std::string& path) {
  const Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  std::string text;
  char buffer[4096];
  ssize_t size = 0;
  while (file && (size = ::read(file.get(), buffer, sizeof buffer)) > 0) {
    text.append(buffer, static_cast<std::size_t>(size));
  }
  return text;
}

}  // namespace procrun::sys
