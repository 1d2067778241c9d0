#pragma once
// When a run ends before its jobs have: the rule alone.
#include <cstdint>
#include <optional>

namespace procrun::engine {

/// `--halt WHEN,WHAT=N`, as GNU parallel has it.
struct HaltRule {
  enum class When : std::uint8_t {
    Never,
    Soon,  // no more jobs are started
    Now,   // and those that run are ended
  };
  enum class What : std::uint8_t { Fail, Success, Done };

  When when = When::Never;
  What what = What::Fail;
  std::uint64_t count = 0;  // of such jobs; or, if that is not 0:
  double percent = 0;       // of all jobs, once all inputs are read

  /// Whether it holds when so many jobs have failed and succeeded, of `total`, if that is known.
  bool holds(std::uint64_t failed, std::uint64_t succeeded,
             const std::optional<std::uint64_t>& total) const {
    if (when == When::Never) return false;
    const std::uint64_t such = what == What::Fail      ? failed
                               : what == What::Success ? succeeded
                                                       : failed + succeeded;
    if (percent == 0) return such >= count;
    return total && such > 0 &&
           static_cast<double>(such) * 100 >= percent * static_cast<double>(*total);
  }
};

}  // namespace procrun::engine
