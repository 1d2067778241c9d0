#include "engine/notify.h"

#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>

#include "input/split.h"
#include "sys/error.h"

namespace procrun::engine {
namespace {

constexpr std::string_view kExtend = "EXTEND_TIMEOUT_USEC=";

std::string random_name() {
  std::array<unsigned long long, 2> random{};
  if (::getrandom(random.data(), sizeof random, 0) != sizeof random) sys::fail("getrandom");
  char text[64];
  std::snprintf(text, sizeof text, "procrun/notify/%016llx%016llx", random[0], random[1]);
  return text;
}

/// The credentials that the kernel put to a message; -1: none.
uid_t sender_of(msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_CREDENTIALS) continue;
    ucred credentials{};
    std::memcpy(&credentials, CMSG_DATA(part), sizeof credentials);
    return credentials.uid;
  }
  return static_cast<uid_t>(-1);
}

}  // namespace

NotifySocket make_notify_socket() {
  NotifySocket made{
      sys::Fd{sys::retry(
          "make a socket",
          [] { return ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); })},
      random_name()};
  const int on = 1;
  if (::setsockopt(made.file.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == -1) {
    sys::fail("setsockopt SO_PASSCRED");
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, made.address.data(), made.address.size());
  const auto size = offsetof(sockaddr_un, sun_path) + 1 + made.address.size();
  if (::bind(made.file.get(), reinterpret_cast<sockaddr*>(&address),
             static_cast<socklen_t>(size)) == -1) {
    sys::fail("bind the socket @" + made.address);
  }
  made.address.insert(0, "@");
  return made;
}

std::optional<std::string> read_notification(const sys::Fd& socket,
                                             const std::vector<uid_t>& from) {
  for (;;) {
    char text[4096];
    iovec piece{.iov_base = text, .iov_len = sizeof text};
    // Room for the credentials alone: descriptors that do not fit are closed by the kernel.
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))];
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t size = ::recvmsg(socket.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (size == -1 && errno == EINTR) continue;
    if (size == -1 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::nullopt;
    if (size == -1) sys::fail("read a notification");
    const uid_t sender = sender_of(message);
    if (sender == 0 || std::find(from.begin(), from.end(), sender) != from.end()) {
      return std::string{text, static_cast<std::size_t>(size)};
    }
  }
}

std::string message_of(const Notification& said) {
  std::string message = said.ready ? "READY=1\n" : "";
  if (said.extend) {
    const auto usec = std::chrono::duration_cast<std::chrono::microseconds>(*said.extend).count();
    message += std::string{kExtend} + std::to_string(usec) + '\n';
  }
  return message;
}

Notification parse_notification(const std::string& message) {
  Notification said;
  for (const std::string& line : input::split(message, '\n')) {
    if (line == "READY=1") said.ready = true;
    if (!line.starts_with(kExtend)) continue;
    std::uint32_t most = 0;  // more than an hour is not waited for at a time
    const auto [end, error] =
        std::from_chars(line.data() + kExtend.size(), line.data() + line.size(), most);
    if (error == std::errc{} && end == line.data() + line.size()) {
      said.extend = std::chrono::microseconds{most};
    }
  }
  return said;
}

}  // namespace procrun::engine
