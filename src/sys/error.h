#pragma once
// The parent's only EINTR loop, and its only way from errno to an exception.
#include <cerrno>
#include <exception>
#include <string>
#include <string_view>

namespace procrun::sys {

/// Throws std::system_error for `error`; `what` names the attempt ("open /etc/passwd").
[[noreturn]] void fail(std::string_view what, int error);

/// The same for the errno of the call that just failed.
[[noreturn]] void fail(std::string_view what);

/// What it says, also where that is only the name of its class.
std::string words_of(const std::exception& error);

/// Repeats `call` while a signal interrupts it; any other -1 is thrown, `what` naming the attempt.
template <class Call>
auto retry(std::string_view what, Call call) {
  for (;;) {
    const auto result = call();
    if (result != -1) return result;
    if (errno != EINTR) fail(what);
  }
}

}  // namespace procrun::sys
