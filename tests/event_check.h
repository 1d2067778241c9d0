#pragma once
// The check of --events: whatever test runs procrun with it, its support code has this look at the
// records.
#include <string>
#include <string_view>

namespace procrun::test {

/// What is wrong with the whole lines of `text` as records of --events, by the schema that their
/// writer has: a line of words for each. Empty: nothing is.
std::string faults_of_events(std::string_view text);

}  // namespace procrun::test
