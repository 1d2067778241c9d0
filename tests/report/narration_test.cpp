#include "report/narration.h"

#include <unistd.h>

#include <catch2/catch.hpp>

#include "support.h"
#include "sys/fd.h"

namespace sys = procrun::sys;
using namespace std::chrono_literals;
using procrun::event::Event;
using procrun::event::Type;
using procrun::report::Narration;
using procrun::test::SameOpenFds;
using Story = Narration::Story;

namespace {

/// What is told of the events.
std::string told(Story story, const std::vector<Event>& events, bool colour = false) {
  const sys::Fd file = sys::open_temporary();
  sys::Outlet out{file.get(), "standard error"};
  Narration narration{out, story, "test", colour};
  for (const Event& event : events) narration.take(event);
  out.flush();
  ::lseek(file.get(), 0, SEEK_SET);
  return procrun::test::read_all(file.get());
}

}  // namespace

TEST_CASE("a single command's story is told with the tutorial's words", "[narration]") {
  const SameOpenFds guard;
  CHECK(told(Story::Single,
             {{.type = Type::JobStart, .seq = 1, .pid = 4878},
              {.type = Type::Exec, .seq = 1, .pid = 4879, .ppid = 4878, .text = "make -j4 test"},
              {.type = Type::JobEnd,
               .seq = 1,
               .pid = 4879,
               .status = 1,
               .duration = 3214ms,
               .text = "exited with code 2"}}) ==
        "Parent process id 4878\n"
        "start child process\n"
        "This is child process 4879 from parent process 4878, and name is  test which is used for "
        "make -j4 test\n"
        "Process end: 4879 exited with code 2 after 3.214s\n");
}

TEST_CASE("a pool's story is told with the tutorial's words", "[narration]") {
  const SameOpenFds guard;
  CHECK(told(Story::Pool,
             {{.type = Type::RunStart, .pid = 19138},
              {.type = Type::JobStart, .seq = 3, .pid = 19139},
              {.type = Type::Exec, .seq = 3, .pid = 19141, .ppid = 19139, .text = "gzip c.txt"},
              {.type = Type::JobEnd,
               .seq = 3,
               .pid = 19141,
               .duration = 102ms,
               .text = "exited with code 0"},
              {.type = Type::RunEnd,
               .text = "5 jobs, 4 ok, 1 failed (job 2: gzip b.txt: code 1)"}}) ==
        "Current process is 19138\n"
        "child process id is 19141 from parent process 19139: job 3, gzip c.txt\n"
        "this is process 3: 19141 exited with code 0 after 0.102s\n"
        "pool process done: 5 jobs, 4 ok, 1 failed (job 2: gzip b.txt: code 1)\n");
}

TEST_CASE("a job that is skipped is told with what it needs", "[narration]") {
  CHECK(told(Story::Pool,
             {{.type = Type::Skipped, .seq = 4, .text = "needs 'build', which failed"}}) ==
        "job 4 is skipped: it needs 'build', which failed\n");
}

TEST_CASE("a child that was stopped is told as still running", "[narration]") {
  for (const Story story : {Story::Single, Story::Pool}) {
    CHECK(told(story, {{.type = Type::Stopped, .pid = 7}}) ==
          "child process 7 was stopped: it still counts as running\n");
  }
}

TEST_CASE("a timeout is told with the time", "[narration]") {
  for (const Story story : {Story::Single, Story::Pool}) {
    CHECK(told(story, {{.type = Type::Timeout, .pid = 7, .duration = 1500ms}}) ==
          "time is up for 7 after 1.500s\n");
  }
}

TEST_CASE("T51: a further attempt is told with its number and of how many", "[narration]") {
  CHECK(told(Story::Single,
             {{.type = Type::Retry, .pid = 7, .status = 2, .duration = 1s, .text = "4"}}) ==
        "attempt 2 of 4 follows in 1.000s\n");
}

TEST_CASE("what is no part of the story is not told", "[narration]") {
  for (const Story story : {Story::Single, Story::Pool}) {
    CHECK(told(story, {{.type = Type::Signal, .pid = 7, .status = 15},
                       {.type = Type::Leak, .pid = 7, .text = "sleep 60"},
                       {.type = Type::Reap, .pid = 7, .text = "sleep 60"},
                       {.type = Type::JobFailed, .seq = 1, .text = "no"}}) == "");
  }
  CHECK(told(Story::Single, {{.type = Type::RunStart, .pid = 1}, {.type = Type::RunEnd}}) == "");
}

TEST_CASE("failures are red where colour is on, and nothing else is", "[narration]") {
  const Event failed{.type = Type::JobEnd, .pid = 7, .status = 1, .duration = 1s, .text = "x"};
  Event well = failed;
  well.status = 0;
  CHECK(told(Story::Single, {failed}, true) == "\033[31mProcess end: 7 x after 1.000s\033[0m\n");
  CHECK(told(Story::Single, {well}, true) == "Process end: 7 x after 1.000s\n");
}

TEST_CASE("where only trouble is wanted a narration still wants the whole story", "[narration]") {
  const sys::Fd file = sys::open_temporary();
  sys::Outlet out{file.get(), "standard error"};
  CHECK(Narration{out, Story::Single, "test", false}.interest() == procrun::event::Interest::Story);
}
