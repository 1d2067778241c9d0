#pragma once
// Processes that belong together, whoever comes and goes: a process group, a session, a family.
#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "process/stranger.h"
#include "sys/proc.h"

namespace procrun {

/// Watches for the members of one such set. This process and those above it are left out: they wait
/// for us.
class Crowd {
 public:
  enum class Kind : std::uint8_t { Group, Session };

  /// A process group or a session, by its number. Throws std::runtime_error where /proc does not
  /// show our processes.
  Crowd(Kind kind, pid_t number);
  /// All that descend from `root`, without it. Who has once been seen among them stays one of them,
  /// with its own descendants, when its parent ends; whose parent ends before it was seen cannot be
  /// told from others any more, so looks have to come often.
  explicit Crowd(Stranger root);

  /// Those members that no earlier call has returned; zombies too. Looks until nobody new is found.
  std::vector<Stranger> arrivals();
  /// Whether there is any process in the group or session, ourselves included.
  bool exists() const;
  /// Whether looks have to come often; else it is enough to look whenever a member has ended, since
  /// only members bring new ones in.
  bool wants_looks() const noexcept { return root_.has_value(); }

 private:
  using Members = std::map<pid_t, std::uint64_t>;  // number and start time: reuse is seen

  bool has(const sys::ProcessStat& stat) const;
  Members members_among(const std::vector<sys::ProcessStat>& all) const;
  Members family_among(const std::vector<sys::ProcessStat>& all) const;
  bool look(std::vector<Stranger>& arrivals);

  Kind kind_ = Kind::Group;
  pid_t number_ = 0;
  std::optional<Stranger> root_;  // of a family
  Members known_;
};

}  // namespace procrun
