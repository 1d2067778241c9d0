#pragma once
// The service's side of readiness: what it says over $NOTIFY_SOCKET (sd_notify(3)).
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "sys/clock.h"
#include "sys/fd.h"

namespace procrun::engine {

/// A socket that services can send to, and what NOTIFY_SOCKET has to say for it. It is an abstract
/// one: whoever is killed, nothing is left of it.
struct NotifySocket {
  sys::Fd file;
  std::string address;
};
NotifySocket make_notify_socket();

/// The next message, from a process of root or one of these users; descriptors that come with it
/// are closed, which is the answer to a barrier (sd_notify_barrier(3)). Empty where none is left.
/// Messages of others are passed over. Never blocks.
std::optional<std::string> read_notification(const sys::Fd& socket, const std::vector<uid_t>& from);

/// What a message says that matters for a start.
struct Notification {
  bool ready = false;
  std::optional<sys::Duration> extend = std::nullopt;  // so long from now it may still take
};
Notification parse_notification(const std::string& message);
/// The same as a message, without all that does not matter.
std::string message_of(const Notification& said);

}  // namespace procrun::engine
