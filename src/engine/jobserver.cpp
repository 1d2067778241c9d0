#include "engine/jobserver.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <stdexcept>

#include "sys/error.h"

namespace procrun::engine {
namespace {

constexpr std::string_view kFifo = "fifo:";
constexpr char kToken = '+';       // make's own
constexpr unsigned kRoom = 65536;  // in a pipe

/// Non-blocking on a description of our own.
sys::Fd open_anew(int fd, int mode) {
  struct stat status {};
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags == -1) sys::fail("descriptor " + std::to_string(fd));
  const int has = flags & O_ACCMODE;
  // One that is close-on-exec was not handed to us: the number is in use for something of ours.
  const bool given = (::fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0;
  if (!given || ::fstat(fd, &status) == -1 || !S_ISFIFO(status.st_mode) ||
      (has != mode && has != O_RDWR)) {
    throw std::invalid_argument("descriptor " + std::to_string(fd) + " is not its pipe");
  }
  return sys::open("/proc/self/fd/" + std::to_string(fd), mode | O_NONBLOCK);
}

/// make, the shell and ninja each have their own idea of a blank or a `$` in MAKEFLAGS.
bool is_plain(std::string_view path) {
  return std::all_of(path.begin(), path.end(), [](unsigned char letter) {
    return std::isalnum(letter) != 0 ||
           std::string_view{"/._-+@%,:"}.find(static_cast<char>(letter)) != std::string_view::npos;
  });
}

std::string make_directory() {
  const char* const set = std::getenv("TMPDIR");
  const bool usable = set != nullptr && *set == '/' && is_plain(set);
  std::string path = std::string{usable ? set : "/tmp"} + "/procrun-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) sys::fail("make a directory " + path);
  return path;
}

}  // namespace

JobserverClient::JobserverClient(std::string_view address) {
  if (address.starts_with(kFifo)) {
    open_fifo(std::string{address.substr(kFifo.size())});
  } else {
    open_pipe(address);
  }
}

/// For both directions, so that it never ends, though its server may.
void JobserverClient::open_fifo(const std::string& path) {
  in_ = sys::open(path, O_RDWR | O_NONBLOCK);
  struct stat status {};
  if (::fstat(in_.get(), &status) == -1 || !S_ISFIFO(status.st_mode)) {
    throw std::invalid_argument(path + " is not a fifo");
  }
}

void JobserverClient::open_pipe(std::string_view address) {
  int read = -1;
  int write = -1;
  const char* const end = address.data() + address.size();
  const auto [comma, error] = std::from_chars(address.data(), end, read);
  const bool two = error == std::errc{} && comma != end && *comma == ',';
  const auto rest = two ? std::from_chars(comma + 1, end, write) : std::from_chars_result{};
  if (!two || rest.ec != std::errc{} || rest.ptr != end) {
    throw std::invalid_argument("'" + std::string{address} + "' is neither R,W nor fifo:PATH");
  }
  if (read < 0 || write < 0) throw std::invalid_argument("make has turned it off for us");
  in_ = open_anew(read, O_RDONLY);
  out_ = open_anew(write, O_WRONLY);
}

bool JobserverClient::has_token() const noexcept {
  pollfd readable{.fd = in_.get(), .events = POLLIN, .revents = 0};
  return ::poll(&readable, 1, 0) == 1 && (readable.revents & POLLIN) != 0;
}

std::optional<char> JobserverClient::take() noexcept {
  char token = 0;
  if (::read(in_.get(), &token, 1) != 1) return std::nullopt;
  return token;
}

void JobserverClient::give(char token) noexcept {
  // There is room: it came out of this pipe.
  const int fd = out_ ? out_.get() : in_.get();
  while (::write(fd, &token, 1) == -1 && errno == EINTR) {
  }
}

JobserverServer::JobserverServer(unsigned jobs) : jobs_{jobs}, directory_{make_directory()} {
  try {
    if (::mkfifo(fifo().c_str(), 0600) == -1) sys::fail("make " + fifo());
    fifo_ = sys::open(fifo(), O_RDWR | O_NONBLOCK);
    // Blocking, as make expects them, and not close-on-exec. They open at once: there is fifo_.
    for (auto [fd, mode] : {std::pair{&read_, O_RDONLY}, std::pair{&write_, O_WRONLY}}) {
      *fd = sys::Fd{
          sys::retry(fifo(), [&, wanted = mode] { return ::open(fifo().c_str(), wanted); })};
    }
    // A page of a pipe is free again only when all of it has been read.
    if (jobs > kRoom / 2) ::fcntl(fifo_.get(), F_SETPIPE_SZ, static_cast<int>(2 * jobs));
    make_whole();
  } catch (...) {
    remove();
    throw;
  }
}

JobserverAddress JobserverServer::address() const {
  return {.jobs = jobs_, .read = read_.get(), .write = write_.get(), .fifo = fifo()};
}

unsigned JobserverServer::make_whole() {
  int present = 0;
  if (::ioctl(fifo_.get(), FIONREAD, &present) == -1) sys::fail("count the jobserver's tokens");
  const auto wanted = static_cast<int>(jobs_) - 1;
  for (char surplus = 0; present > wanted && ::read(fifo_.get(), &surplus, 1) == 1;) --present;
  if (present >= wanted) return 0;
  const std::string tokens(static_cast<std::size_t>(wanted - present), kToken);
  if (::write(fifo_.get(), tokens.data(), tokens.size()) != wanted - present) {
    sys::fail("fill the jobserver");
  }
  return static_cast<unsigned>(wanted - present);
}

void JobserverServer::remove() noexcept {
  if (directory_.empty()) return;
  ::unlink(fifo().c_str());
  ::rmdir(directory_.c_str());
  directory_.clear();
}

}  // namespace procrun::engine
