#pragma once
// What one command used, told at its end.
#include <string>
#include <vector>

#include "job/job.h"

namespace procrun::cmd {

/// POSIX `time -p`: three lines, seconds. Of the command and all that was adopted below it.
std::string time_report(const job::Outcome& outcome, sys::Duration wall);

/// One line of JSON with all that is known.
std::string json_report(const std::vector<std::string>& command, const job::Outcome& outcome,
                        sys::Duration wall);

}  // namespace procrun::cmd
