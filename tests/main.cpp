#define CATCH_CONFIG_RUNNER
// Catch2's signal handlers would live on in forked children and report a TERM there as a failure.
#define CATCH_CONFIG_NO_POSIX_SIGNALS
#include <catch2/catch.hpp>

int main(int argc, char** argv) { return Catch::Session().run(argc, argv); }
