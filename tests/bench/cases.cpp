#include "bench/cases.h"

#include <fmt/core.h>

#include <algorithm>
#include <fstream>
#include <stdexcept>

namespace procrun::bench {
namespace {

using Words = std::vector<std::string>;
using std::chrono::milliseconds;

constexpr double kGB = 1e9;

Words operator+(Words left, const Words& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

std::string program(const std::string& name) { return fmt::format("{}/{}", BENCH_PROGRAMS, name); }

Words pool(const Words& options) { return Words{PROCRUN_BINARY, "pool"} + options; }

// A file of so many lines, all alike: each job of each contender gets the same argument.
std::string lines_of(const Setup& setup, long count, const std::string& item) {
  auto path = fmt::format("{}/{}-{}", setup.scratch, count, item);
  std::ofstream file{path};
  for (long i = 0; i < count; ++i) file << item << '\n';
  file.close();
  if (!file) throw std::runtime_error{fmt::format("write {}: it did not work", path)};
  return path;
}

// How many jobs: all, or a few when it has to be quick.
long many(const Setup& setup, long count, long few) { return setup.quick ? few : count; }

// N times a command with one argument, by everyone who can do that.
class Field {
 public:
  Field(const Setup& setup, long jobs, Words command, std::string item)
      : setup_{setup}, jobs_{jobs}, command_{std::move(command)}, item_{std::move(item)} {
    input_ = lines_of(setup_, jobs_, item_);
  }

  Contender floor(const std::string& name, const Words& options = {}) const {
    const Words counts{program(name), std::to_string(jobs_), "2"};
    return {.name = "floor", .argv = counts + options + command_ + Words{item_}, .jobs = jobs_};
  }
  Contender reader(const std::string& name, const Words& argv) const {
    return {.name = name, .argv = argv + command_, .jobs = jobs_, .input = input_};
  }
  Contender procrun(const std::string& name, const Words& options) const {
    return reader(name, pool(Words{"-j2"} + options));
  }
  Contender xargs() const { return reader("xargs", {"xargs", "-P2", "-n1"}); }
  Contender busybox() const { return reader("busybox xargs", {"busybox", "xargs", "-P2", "-n1"}); }
  // It takes milliseconds a job, so it gets fewer of them.
  Contender parallel(long jobs, const Words& options = {}) const {
    const Words argv = Words{"parallel", "--will-cite", "-j2"} + options + command_;
    return {
        .name = "GNU parallel", .argv = argv, .jobs = jobs, .input = lines_of(setup_, jobs, item_)};
  }

 private:
  const Setup& setup_;
  long jobs_;
  Words command_;
  std::string item_;
  std::string input_;
};

Case short_jobs(const Setup& setup) {
  const Field field{setup, many(setup, 6000, 1500), {program("nothing")}, "1"};
  auto narrated = field.procrun("procrun, narrated", {});
  narrated.errors = setup.scratch + "/narration";
  return {"short",
          "the shortest commands, 2 at a time, output grouped; child: exits at once, no libc",
          setup.rounds,
          {field.floor("floor_spawn"), field.procrun("procrun -q", {"-q"}), narrated, field.xargs(),
           field.busybox()},
          {rate_at_least(4, "procrun -q", 1.25, "floor"),
           rate_at_least(4, "procrun, narrated", 1.0, "floor"),
           rate_at_least(4, "procrun -q", 4, "xargs"),
           rate_at_least(4, "procrun -q", 1.4, "busybox xargs")}};
}

Case true_jobs(const Setup& setup) {
  const Field field{setup, many(setup, 2000, 500), {"/bin/true"}, "1"};
  return {
      "true",
      "/bin/true, 2 at a time, output grouped",
      setup.rounds,
      {field.floor("floor_spawn"), field.procrun("procrun -q", {"-q"}), field.xargs(),
       field.busybox(), field.parallel(many(setup, 200, 60))},
      {rate_at_least(4, "procrun -q", 0.97, "floor"), rate_at_least(4, "procrun -q", 1.3, "xargs"),
       rate_at_least(4, "procrun -q", 9, "GNU parallel")}};
}

Case long_run(const Setup& setup) {
  const long jobs = many(setup, 20000, 3000);
  const Field field{setup, jobs, {"/bin/true"}, "1"};
  auto watched = field.procrun("procrun -q", {"-q"});
  watched.watch = milliseconds{100};
  return {"long",
          fmt::format("{} x /bin/true, 2 at a time", jobs),
          std::max(1, setup.rounds / 2),
          {field.xargs(), watched},
          {rate_at_least(2, "procrun -q", 1.0, "xargs"), pss_flat(2, "procrun -q", 1.1)}};
}

Case two_jobs(const Setup& setup) {
  const Field field{setup, 2, {"/bin/true"}, "1"};
  return {"two",
          "two jobs of /bin/true, from start to end",
          setup.rounds * 43,
          {field.floor("floor_spawn"), field.procrun("procrun -q", {"-q"}), field.xargs(),
           field.busybox()},
          {time_at_most(4, "procrun -q", 1.6, "floor")}};
}

// Grouped output beside output that nobody captures.
Case line_jobs(const Setup& setup) {
  const Field field{setup, many(setup, 2000, 500), {"/bin/echo"}, "x"};
  auto floor = field.floor("floor_capture", {"65536"});
  auto uncaptured = field.floor("floor_spawn");
  uncaptured.name = "floor, no capture";
  return {"line",
          "one line a job, /bin/echo x, 2 at a time",
          setup.rounds,
          {floor, uncaptured, field.procrun("procrun -q", {"-q"}),
           field.procrun("procrun -q -u", {"-q", "-u"}), field.xargs(),
           field.parallel(many(setup, 200, 60))},
          {time_at_most(4, "procrun -q", 1.05, "procrun -q -u")}};
}

Case mebibyte_jobs(const Setup& setup) {
  const Field field{setup, many(setup, 300, 100), {program("emit_1m")}, "1"};
  Case mebibyte{"1m",
                "1 MiB a job, grouped, to /dev/null, 2 at a time",
                setup.rounds,
                {field.floor("floor_capture", {"1048576"}), field.procrun("procrun -q", {"-q"}),
                 field.xargs(), field.parallel(many(setup, 40, 20))},
                {rate_at_least(4, "procrun -q", 0.95, "floor")}};
  for (auto& contender : mebibyte.contenders) contender.job_bytes = 1 << 20;
  return mebibyte;
}

// 100 MiB a job in the order of the input, timed and, apart from that, watched.
Case huge_jobs(const Setup& setup, const std::string& name, const std::string& where, Sink sink) {
  const Field field{setup, many(setup, 16, 4), {program("emit_100m")}, "1"};
  auto watched = field.procrun("procrun -k, watched", {"-q", "-k"});
  watched.watch = milliseconds{10};
  Case huge{name,
            "100 MiB a job in order, to " + where + ", 2 at a time",
            setup.rounds,
            {field.floor("floor_splice", {"1048576"}), field.procrun("procrun -k", {"-q", "-k"}),
             watched, field.parallel(4, {"-k"})},
            {stream_at_least(4, "procrun -k", 0.8, "floor", 3.5 * kGB),
             pss_at_most(4, "procrun -k, watched", 8)}};
  for (auto& contender : huge.contenders) {
    contender.job_bytes = 100 << 20;
    contender.sink = sink;
  }
  return huge;
}

Case million_items(const Setup& setup) {
  const auto one = [&](const std::string& name, long jobs) {
    auto contender = Field{setup, jobs, {program("nothing")}, "1"}.procrun(name, {"-q"});
    contender.watch = milliseconds{250};
    return contender;
  };
  const long all = many(setup, 1000000, 100000);
  return {"million",
          fmt::format("{} items from stdin beside 10000", all),
          std::max(1, setup.rounds / 2),
          {one("few items", 10000), one("all items", all)},
          {time_at_most(4, "all items", 1.15, "few items"), pss_at_most(4, "all items", 8),
           pss_flat(4, "all items", 1.1)}};
}

Case balance(const Setup& setup) {
  const Words times{"2", "0.4", "0.4", "0.4"};  // 2.4 s if one waits behind the long one
  return {"balance",
          "sleep 2 0.4 0.4 0.4, 2 at a time: nobody waits behind the long one",
          std::max(1, setup.rounds / 2),
          {{.name = "procrun -q", .argv = pool({"-q", "-j2", "sleep", ":::"}) + times}},
          {seconds_at_most(4, "procrun -q", 2.2)}};
}

Case spawn(const Setup& setup) {
  return {"spawn",
          "what a wrapper adds to /bin/true",
          static_cast<int>(many(setup, 2000, 300)),
          {{.name = "direct", .argv = {"/bin/true"}},
           {.name = "procrun spawn -q", .argv = {PROCRUN_BINARY, "spawn", "-q", "/bin/true"}},
           {.name = "timeout", .argv = {"timeout", "5", "/bin/true"}}},
          {added_at_most(3, "procrun spawn -q", 0.85, "timeout", "direct")}};
}

Case wait(const Setup& setup) {
  return {"wait",
          "what an init adds to /bin/true",
          static_cast<int>(many(setup, 2000, 300)),
          {{.name = "direct", .argv = {"/bin/true"}},
           {.name = "procrun wait -q", .argv = {PROCRUN_BINARY, "wait", "-q", "/bin/true"}},
           {.name = "tini -s", .argv = {"tini", "-s", "--", "/bin/true"}},
           {.name = "tini-static -s", .argv = {"tini-static", "-s", "--", "/bin/true"}}},
          {added_at_most(6, "procrun wait -q", 1.0, "tini -s", "direct")}};
}

// Both sides take their own time, so that the start of the interpreter is not Python's loss.
Contender caller(const std::string& name, const Words& argv, const std::string& how, long calls) {
  return {.name = name,
          .argv = argv + Words{how, std::to_string(calls)},
          .jobs = calls,
          .sink = Sink::Seconds};
}

Case calls(const Setup& setup) {
  const long count = many(setup, 50000, 10000);
  const Words python{"python3", BENCH_SOURCES "/pool_calls.py"};
  return {"calls",
          "Pool of 2: empty functions by apply_async, all results taken",
          setup.rounds,
          {caller("Python's Pool", python, "apply_async", count),
           caller("procrun's Pool", {program("pool_calls")}, "apply_async", count)},
          {rate_at_least(2, "procrun's Pool", 3, "Python's Pool")}};
}

Case map_calls(const Setup& setup, long chunk) {
  const long count = many(setup, 1000000, 200000);
  const Words python{"python3", BENCH_SOURCES "/pool_calls.py"};
  return {fmt::format("map-{}", chunk),
          fmt::format("Pool of 2: map of x + 1 in chunks of {}", chunk),
          setup.rounds,
          {caller("Python's map", python, std::to_string(chunk), count),
           caller("procrun's map", {program("pool_calls")}, std::to_string(chunk), count)},
          {rate_at_least(2, "procrun's map", 1.0, "Python's map")}};
}

}  // namespace

std::vector<Case> all_cases(const Setup& setup) {
  return {short_jobs(setup),
          true_jobs(setup),
          long_run(setup),
          two_jobs(setup),
          line_jobs(setup),
          mebibyte_jobs(setup),
          huge_jobs(setup, "100m", "a pipe", Sink::Pipe),
          huge_jobs(setup, "100m-null", "/dev/null", Sink::Null),
          million_items(setup),
          balance(setup),
          spawn(setup),
          wait(setup),
          calls(setup),
          map_calls(setup, 10),
          map_calls(setup, 1000)};
}

}  // namespace procrun::bench
