// waitpid --status, --json, --count, --exited, --nohang: what is told of strangers, and the code.
#include <sys/resource.h>

#include "strangers.h"

namespace procrun::test {
TEST_CASE("waitpid --status passes on how a stranger ended", "[cli]") {
  if (!kernel_tells()) return;
  const NoDescendantLeft guard;
  const auto [how, code] = GENERATE(table<std::string, int>(
      {{"0", 0}, {"1", 1}, {"255", 255}, {"s9", 137}, {"s15", 143}, {"s11", 139}}));
  CAPTURE(how);
  Strangers stranger{how};
  auto running = start_procrun({"waitpid", "-q", "--status", number(stranger.pid())});
  await_waiting(running);
  stranger.release();
  const Result result = running.finish();
  CHECK(result.err == "");
  CHECK(result.exited(code));
}

TEST_CASE("waitpid knows of a death by signal whether there was a core file", "[cli]") {
  if (!kernel_tells()) return;
  const NoDescendantLeft guard;
  const TempDir dir;  // for the core file
  const std::string how = GENERATE("s11", "c11", "s9", "c6");
  CAPTURE(how);
  Strangers stranger{how, 1, Strangers::Parent::Reaps, {.cwd = dir.path().string()}};
  auto running = start_procrun({"waitpid", "--json", "--status", number(stranger.pid())});
  await_waiting(running);
  stranger.release();
  const int seen_by_parent = stranger.reap().at(stranger.pid());
  const Result result = running.finish();
  const auto record = records_of(result.out).at(stranger.pid());
  CHECK(record["how"] == "killed");
  CHECK(record["signal"] == std::stoi(how.substr(1)));
  CHECK(record["core"] == bool{WCOREDUMP(seen_by_parent)});
  CHECK(result.exited(128 + std::stoi(how.substr(1))));
}

TEST_CASE("waitpid --status is right for a process of another user", "[cli]") {
  if (!kernel_tells() || !is_root()) return;
  const NoDescendantLeft guard;
  const ForAll procrun;
  const auto [how, code] = GENERATE(table<std::string, int>({{"0", 0}, {"7", 7}, {"s15", 143}}));
  CAPTURE(how);
  Strangers stranger{how};
  auto running = procrun.start_as_nobody({"waitpid", "-q", "--status", number(stranger.pid())});
  await_waiting(running);
  stranger.release();
  const Result result = running.finish();
  CHECK(result.err == "");
  CHECK(result.exited(code));
}

TEST_CASE("waitpid --status is right for one that is a zombie already", "[cli]") {
  const NoDescendantLeft guard;
  const auto [how, code] = GENERATE(
      table<std::string, int>({{"0", 0}, {"1", 1}, {"255", 255}, {"s15", 143}, {"s9", 137}}));
  CAPTURE(how);
  Strangers stranger{how, 1, Strangers::Parent::Keeps};
  make_zombies(stranger);
  const Result result = run_procrun({"waitpid", "--status", number(stranger.pid())});
  CHECK(result.err.starts_with(number(stranger.pid()) + " is a zombie: its parent " +
                               number(stranger.parent()) + " (strangers) has not reaped it; it "));
  CHECK(result.exited(code));
  CHECK(stranger.reap().size() == 1);  // its parent has it still
}

TEST_CASE("waitpid --status of a zombie that may not be inspected is 125 and never a silent 0",
          "[cli]") {
  if (!is_root()) return;
  const NoDescendantLeft guard;
  const ForAll procrun;
  Strangers stranger{"0", 1, Strangers::Parent::Keeps};
  make_zombies(stranger);
  auto running = procrun.start_as_nobody({"waitpid", "-q", "--status", number(stranger.pid())});
  const Result result = running.finish();
  CHECK(result.err.starts_with("procrun: waitpid: how " + number(stranger.pid()) +
                               " ended cannot be known: its parent has not reaped it"));
  CHECK(result.exited(125));
  stranger.reap();
}

TEST_CASE("waitpid --status is that of the last that is named", "[cli]") {
  if (!kernel_tells()) return;
  const NoDescendantLeft guard;
  Strangers first{"3"};
  Strangers last{"4"};
  auto running =
      start_procrun({"waitpid", "-q", "--status", number(first.pid()), number(last.pid())});
  await_waiting(running);
  last.release();
  first.release();
  CHECK(running.finish().exited(4));
}

TEST_CASE("waitpid takes options behind a PID, too", "[cli]") {
  const NoDescendantLeft guard;
  Strangers stranger{"0"};
  const std::string pid = number(stranger.pid());
  const Result result = run_procrun({"waitpid", pid, "-t", "100ms", "-q", pid, "--json"});
  CHECK(lines_of(result.out).size() == 2);
  CHECK(lines_of(result.err).size() == 1);
  CHECK(result.exited(124));
  CHECK(run_procrun({"waitpid", pid, "--nosuch"}).exited(125));
  const Result word = run_procrun({"waitpid", "-q", pid, "--", "-t1"});
  CHECK(word.err.starts_with("procrun: waitpid: '-t1' is not a process id"));
}

TEST_CASE("waitpid --any returns with the first, and --status is its code", "[cli]") {
  if (!kernel_tells()) return;
  const NoDescendantLeft guard;
  Strangers first{"3"};
  Strangers last{"4"};
  const std::string option = GENERATE("-n", "--any", "-c1");
  CAPTURE(option);
  auto running =
      start_procrun({"waitpid", option, "--status", number(first.pid()), number(last.pid())});
  await_waiting(running);
  first.release();
  const Result result = running.finish();
  CHECK(result.err == number(first.pid()) + " exited with code 3\n");
  CHECK(result.exited(3));
  CHECK(is_running(last.pid()));
}

TEST_CASE("waitpid --count N returns when N have ended", "[cli]") {
  const NoDescendantLeft guard;
  Strangers two{"0", 2};
  Strangers other{"0"};
  Words words{"waitpid", "-q", "--count", "2", number(other.pid())};
  for (const auto& name : two.names()) words.push_back(name);
  auto running = start_procrun(words);
  await_waiting(running);
  two.release();
  CHECK(running.finish().exited(0));
  CHECK(is_running(other.pid()));
}

TEST_CASE("waitpid -e takes a process that there is not for one that has ended", "[cli]") {
  const NoDescendantLeft guard;
  const pid_t gone = ::fork();
  REQUIRE(gone != -1);
  if (gone == 0) ::_exit(0);
  reap(gone);
  Strangers stranger{"0"};
  SECTION("it is no error") {
    const Result result = run_procrun({"waitpid", "-e", number(gone)});
    CHECK(result.err == "");
    CHECK(result.exited(0));
  }
  SECTION("it counts") {
    CHECK(run_procrun({"waitpid", "-e", "-n", number(gone), number(stranger.pid())}).exited(0));
    CHECK(is_running(stranger.pid()));
  }
  SECTION("how it ended cannot be known") {
    const Result result = run_procrun({"waitpid", "-e", "--status", number(gone)});
    CHECK(lines_of(result.err).size() == 1);
    CHECK(result.exited(125));
  }
  SECTION("the others are waited for") {
    const Result result =
        run_procrun({"waitpid", "-e", "-t", "100ms", number(gone), number(stranger.pid())});
    CHECK(result.exited(124));
  }
}

TEST_CASE("waitpid --status of a process that there is not is 127", "[cli]") {
  const NoDescendantLeft guard;
  const pid_t gone = ::fork();
  REQUIRE(gone != -1);
  if (gone == 0) ::_exit(0);
  reap(gone);
  CHECK(run_procrun({"waitpid", "--status", number(gone)}).exited(127));
}

TEST_CASE("waitpid --nohang tells who runs, and does not wait", "[cli]") {
  const NoDescendantLeft guard;
  Strangers running{"0"};
  Strangers ended{"5", 1, Strangers::Parent::Keeps};
  make_zombies(ended);
  const Result result =
      run_procrun({"waitpid", "--nohang", number(running.pid()), number(ended.pid())});
  const Lines lines = lines_of(result.err);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].starts_with(number(ended.pid()) + " is a zombie"));
  CHECK(lines[1] == number(running.pid()) + " still runs");
  CHECK(result.exited(124));
  CHECK(run_procrun({"waitpid", "--nohang", "--status", number(ended.pid())}).exited(5));
}

TEST_CASE("waitpid --json is a line for each process, with all that is known", "[cli]") {
  if (!kernel_tells()) return;
  const NoDescendantLeft guard;
  Strangers exits{"3"};
  Strangers dies{"s15"};
  Strangers stays{"0"};
  auto running = start_procrun({"waitpid", "-q", "--json", "-t", "500ms", number(exits.pid()),
                                number(dies.pid()), number(stays.pid()), "4194303"});
  await_waiting(running);
  exits.release();
  dies.release();
  const Result result = running.finish();
  CHECK(result.exited(124));
  CHECK(lines_of(result.out).size() == 4);
  auto records = records_of(result.out);
  CHECK(records[0]["how"] == "missing");
  CHECK(records[0]["named"] == "4194303");
  auto& exited = records[exits.pid()];
  CHECK(exited["how"] == "exited");
  CHECK(exited["code"] == 3);
  CHECK(exited["signal"].is_null());
  CHECK(exited["name"] == "strangers");
  CHECK(exited["named"] == number(exits.pid()));
  CHECK(exited["waited"].get<double>() < 20);
  CHECK(records[dies.pid()]["how"] == "killed");
  CHECK(records[dies.pid()]["signal"] == 15);
  CHECK(records[dies.pid()]["code"].is_null());
  CHECK(records[stays.pid()]["how"] == "running");
}

TEST_CASE("waitpid tells the true end of 1000 strangers at once", "[cli]") {
  if (!kernel_tells()) return;
  const NoDescendantLeft guard;
  Strangers strangers{"i", 1000};
  Words words{"waitpid", "-q", "--json", "--status"};
  for (const auto& name : strangers.names()) words.push_back(name);
  // Fewer descriptors than processes: it may take more of them by itself.
  auto running = start_procrun(words, {.in_child = [] {
                                 rlimit limit{};
                                 ::getrlimit(RLIMIT_NOFILE, &limit);
                                 limit.rlim_cur = 256;
                                 ::setrlimit(RLIMIT_NOFILE, &limit);
                               }});
  await_waiting(running);
  strangers.release();
  const Result result = running.finish();
  CHECK(result.exited(999 % 256));
  auto records = records_of(result.out);
  CHECK(records.size() == 1000);
  int right = 0;
  for (int i = 0; i < 1000; ++i) {
    if (records[strangers.pids()[static_cast<std::size_t>(i)]]["code"] == i % 256) ++right;
  }
  CHECK(right == 1000);
}

TEST_CASE("waitpid sleeps while nothing ends", "[cli]") {
  const NoDescendantLeft guard;
  Strangers strangers{"0", 20};
  Words words{"waitpid", "-q"};
  for (const auto& name : strangers.names()) words.push_back(name);
  auto running = start_procrun(words);
  CHECK(eventually([&] { return patience_of(running) == -1; }));  // the kernel wakes it, or nobody
  const std::string wakeups = status_of(running.pid(), "voluntary_ctxt_switches");
  const auto used = cpu_time_of(running.pid());
  Strangers others{"0"};  // their life and death is none of its business
  others.release();
  others.reap();
  CHECK(patience_of(running) == -1);
  CHECK(status_of(running.pid(), "voluntary_ctxt_switches") == wakeups);
  CHECK(cpu_time_of(running.pid()) == used);
  strangers.release();
  CHECK(running.finish().exited(0));
}

}  // namespace procrun::test
