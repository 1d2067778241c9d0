#include "state/directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <stdexcept>

#include "sys/error.h"

namespace procrun::state {
namespace {

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

bool may_write(const std::string& path) { return ::access(path.c_str(), W_OK) == 0; }

std::string chosen_path() {
  if (auto set = variable("PROCRUN_STATE_DIR"); !set.empty()) return set;
  if (const auto xdg = variable("XDG_STATE_HOME"); !xdg.empty()) return xdg + "/procrun";
  if (const auto home = variable("HOME"); !home.empty()) {
    // Many a user of a container has none that exists, or one that is not his.
    std::string path = home + "/.local/state/procrun";
    if (may_write(path) || may_write(home)) return path;
  }
  return "/tmp/procrun-" + std::to_string(::getuid());
}

/// mkdir -p, each new one for us alone.
void make_directories(const std::string& path) {
  for (std::size_t slash = 0; slash != std::string::npos;) {
    slash = path.find('/', slash + 1);
    const std::string part = path.substr(0, slash);
    if (::mkdir(part.c_str(), 0700) == -1 && errno != EEXIST && errno != EROFS && errno != EACCES) {
      sys::fail("make the directory " + part);
    }
  }
}

void require_private(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) == -1) sys::fail("use the state directory " + path);
  if (!S_ISDIR(status.st_mode) || status.st_uid != ::geteuid() || (status.st_mode & 077) != 0) {
    throw std::runtime_error("the state directory " + path +
                             " is not a directory of ours that only we may use (mode 0700)");
  }
}

}  // namespace

std::string directory() {
  std::string path = chosen_path();
  make_directories(path);
  require_private(path);
  return path;
}

std::string absolute(const std::string& path) {
  if (path.starts_with('/')) return path;
  const std::unique_ptr<char, decltype(&::free)> here{::get_current_dir_name(), &::free};
  if (!here) sys::fail("find the working directory");
  return path.empty() ? here.get() : std::string{here.get()} + '/' + path;
}

Log new_log(const std::string& id) {
  const std::string path = directory() + "/" + id + ".log";
  return {sys::open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND, 0600), path};
}

}  // namespace procrun::state
