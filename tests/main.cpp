#define CATCH_CONFIG_RUNNER
// Catch2's signal handlers would live on in forked children and report a TERM there as a failure.
#define CATCH_CONFIG_NO_POSIX_SIGNALS
#include <signal.h>

#include <catch2/catch.hpp>

int main(int argc, char** argv) {
  // A script that runs us in the background, or nohup, has some ignored, and so would have all that
  // tests start and send them to.
  for (const int signal : {SIGINT, SIGQUIT, SIGHUP, SIGTERM}) ::signal(signal, SIG_DFL);
  return Catch::Session().run(argc, argv);
}
