#pragma once
// How long jobs took when they last ended well, so that the longest can be started first: started
// last, it would run on alone at the end.
#include <optional>
#include <string>
#include <unordered_map>

#include "sys/clock.h"

namespace procrun::engine {

/// What an earlier run's journal (by the jobs' content) or job log (by their commands) tells.
class Durations {
 public:
  enum class By { Content, Command };

  explicit Durations(By by) : by_{by} {}

  /// `name` is the key of an identity, or a command as it could be pasted. The last word counts.
  void note(std::string name, sys::Duration took);

  /// The caller has to know the command.
  bool by_command() const noexcept { return by_ == By::Command; }
  /// Empty: nobody knows.
  std::optional<sys::Duration> of(const std::string& name) const;

 private:
  By by_;
  std::unordered_map<std::string, sys::Duration> took_;
};

}  // namespace procrun::engine
