#include "engine/make_flags.h"

#include <catch2/catch.hpp>

using procrun::engine::make_flags_with;
using procrun::engine::parse_make_flags;

TEST_CASE("MAKEFLAGS without a jobserver names none", "[make_flags]") {
  for (const char* value : {"", " ", "k", "-j8", " -j8", "ks -- A=b", "j8"}) {
    CAPTURE(value);
    CHECK(parse_make_flags(value).jobserver.empty());
    CHECK_FALSE(parse_make_flags(value).dry_run);
  }
}

TEST_CASE("MAKEFLAGS names the jobserver in any form that make has had", "[make_flags]") {
  CHECK(parse_make_flags(" -j4 --jobserver-auth=3,4").jobserver == "3,4");
  CHECK(parse_make_flags("w -j --jobserver-fds=3,4").jobserver == "3,4");
  CHECK(parse_make_flags(" -j4 --jobserver-auth=fifo:/tmp/GMfifo7 -- A=b").jobserver ==
        "fifo:/tmp/GMfifo7");
  CHECK(parse_make_flags(" -j4 --jobserver-auth=-2,-2").jobserver == "-2,-2");
}

TEST_CASE("of several jobservers in MAKEFLAGS the last one counts", "[make_flags]") {
  const auto flags = parse_make_flags(" -j2 --jobserver-auth=3,4 -j8 --jobserver-auth=fifo:/f");
  CHECK(flags.jobserver == "fifo:/f");
  CHECK(flags.jobs == 8U);
}

TEST_CASE("a number of jobs is one with digits", "[make_flags]") {
  CHECK(parse_make_flags(" -j12").jobs == 12U);
  for (const char* value : {" -j", " -j0", " -j4x", " --jobs", "w", " -j99999999999"}) {
    CAPTURE(value);
    CHECK_FALSE(parse_make_flags(value).jobs);
  }
}

TEST_CASE("only the letters that stand first can say that nothing is to be done", "[make_flags]") {
  CHECK(parse_make_flags("n").dry_run);
  CHECK(parse_make_flags("kns -j4 --jobserver-auth=3,4").dry_run);
  for (const char* value : {" -j4", "k -n", "--no-print-directory", "N=n", " -- A=n", "k n"}) {
    CAPTURE(value);
    CHECK_FALSE(parse_make_flags(value).dry_run);
  }
}

TEST_CASE("a blank behind a backslash belongs to the word", "[make_flags]") {
  CHECK(parse_make_flags(R"( -- A=x\ --jobserver-auth=3,4)").jobserver.empty());
  CHECK(parse_make_flags("k \\").jobserver.empty());
}

TEST_CASE("a fifo's path may hold what make puts a backslash before", "[make_flags]") {
  // The first two are what make 4.4.1 writes where TMPDIR is such a directory.
  CHECK(parse_make_flags(R"( -j4 --jobserver-auth=fifo:/a\ b/GMfifo7 -- A=b)").jobserver ==
        "fifo:/a b/GMfifo7");
  CHECK(parse_make_flags(R"( -j4 --jobserver-auth=fifo:/a\\b/GMfifo7)").jobserver ==
        R"(fifo:/a\b/GMfifo7)");
  CHECK(parse_make_flags(R"( -j4 --jobserver-auth=fifo:/a\)").jobserver == R"(fifo:/a\)");
}

TEST_CASE("makes find our jobserver in both forms, the fifo last", "[make_flags]") {
  const auto value = make_flags_with("", {.jobs = 4, .read = 5, .write = 6, .fifo = "/d/fifo"});
  CHECK(value == " -j4 --jobserver-auth=5,6 -- --jobserver-auth=fifo:/d/fifo");
  CHECK(parse_make_flags(value).jobserver == "fifo:/d/fifo");
  CHECK(parse_make_flags(value).jobs == 4U);
}

TEST_CASE("what else MAKEFLAGS says is handed on", "[make_flags]") {
  const auto value =
      make_flags_with(R"(ks -j8 --jobserver-auth=3,4 --no-print-directory -- A=b\ c B=-j)",
                      {.jobs = 2, .read = 5, .write = 6, .fifo = "/f"});
  CHECK(value == R"(ks --no-print-directory -j2 --jobserver-auth=5,6 -- A=b\ c B=-j )"
                 "--jobserver-auth=fifo:/f");
}

TEST_CASE("our jobserver replaces one that we had handed on before", "[make_flags]") {
  const auto first = make_flags_with("k", {.jobs = 4, .read = 5, .write = 6, .fifo = "/one"});
  CHECK(make_flags_with(first, {.jobs = 2, .read = 7, .write = 8, .fifo = "/two"}) ==
        "k -j2 --jobserver-auth=7,8 -- --jobserver-auth=fifo:/two");
}
