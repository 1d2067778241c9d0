#pragma once
// The five verbs. Each takes the words that follow its name (and those global options that came
// before it), runs, and returns the exit code. They throw UsageError for a wrong command line and
// other exceptions where procrun itself fails.
#include <string>
#include <string_view>
#include <vector>

#include "cmd/shared.h"

namespace procrun::cmd {

int run_fork(const std::vector<std::string>& words, const Given& given);
int run_wait(const std::vector<std::string>& words, const Given& given);
int run_waitpid(const std::vector<std::string>& words, const Given& given);
int run_spawn(const std::vector<std::string>& words, const Given& given);
int run_pool(const std::vector<std::string>& words, const Given& given);

/// Whether the verb has an option of that long name.
bool fork_has(std::string_view option);
bool wait_has(std::string_view option);
bool waitpid_has(std::string_view option);
bool spawn_has(std::string_view option);
bool pool_has(std::string_view option);

}  // namespace procrun::cmd
