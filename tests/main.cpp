#define CATCH_CONFIG_RUNNER
// Catch2's signal handlers would live on in forked children and report a TERM there as a failure.
#define CATCH_CONFIG_NO_POSIX_SIGNALS
#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>

int main(int argc, char** argv) {
  // ctest's list leads here; the sanitized program has the same tests.
  if (const char* named = std::getenv("PROCRUN_TESTS_INSTEAD")) {
    const std::string instead = named;
    ::unsetenv("PROCRUN_TESTS_INSTEAD");
    ::execv(instead.c_str(), argv);
    std::perror(instead.c_str());
    return 125;
  }
  // A script that runs us in the background, or nohup, has some ignored, and so would have all that
  // tests start and send them to.
  for (const int signal : {SIGINT, SIGQUIT, SIGHUP, SIGTERM}) ::signal(signal, SIG_DFL);
  return Catch::Session().run(argc, argv);
}
