#pragma once
// What the watcher of a lesson tells: how it sees a process, and what becomes of one whose parent
// has gone.
#include <optional>
#include <string>
#include <vector>

#include "cmd/stage.h"
#include "process/watcher.h"

namespace procrun::cmd {

/// "1 (systemd)"; "4877 (procrun, the watcher)" for this process.
std::string named(pid_t pid);

/// "4879 (procrun): state Z (zombie), parent 4878 (procrun), no VmRSS: its memory is gone".
std::string described(const Watcher& process);

/// "has ended: exited with code 0".
std::string ended_text(const ExitStatus& status);

/// Whose children they are now that their parent is gone; tells it. Empty where all have been
/// reaped before that could be seen.
std::optional<pid_t> tell_adoption(Stage& stage, const std::vector<Watcher>& orphans);

/// Waits a moment for `adopter` to reap them, who have ended or soon will, and tells whether he
/// does; reaps them where he is this process. Where he is not known, an orphan that is made for
/// the question shows who adopts here.
void tell_reaping(Stage& stage, const std::vector<Watcher>& dead, std::optional<pid_t> adopter);

}  // namespace procrun::cmd
