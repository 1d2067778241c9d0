#pragma once
// MAKEFLAGS: what GNU make tells those that it runs, and what we tell the makes that we run.
#include <optional>
#include <string>
#include <string_view>

namespace procrun::engine {

/// What a value of MAKEFLAGS says to a program that is no make.
struct MakeFlags {
  bool dry_run = false;                         // make -n: nothing is to be done
  std::optional<unsigned> jobs = std::nullopt;  // -jN
  /// Where the jobserver is: "R,W" (descriptors) or "fifo:PATH"; empty: there is none.
  std::string jobserver = {};
};

MakeFlags parse_make_flags(std::string_view value);

/// A jobserver as its clients are told of it.
struct JobserverAddress {
  unsigned jobs = 1;
  int read = -1;
  int write = -1;
  std::string fifo;
};

/// `value` with this jobserver in place of any that it names, and of its -j. The descriptors are
/// for make, which before 4.4 stops at anything else. The fifo comes last, since those who know no
/// other form (ninja) take the last; there it is a variable to make, which ignores it and hands it
/// on.
std::string make_flags_with(std::string_view value, const JobserverAddress& address);

}  // namespace procrun::engine
