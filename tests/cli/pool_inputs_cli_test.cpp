// pool as a tool: where its items come from, what placeholders make of them, and how many at once.
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>
#include <set>

#include "program.h"

namespace procrun::test {
namespace {

constexpr long kMemory = 8 * 1024;  // KiB that procrun and each worker may have resident

std::string echoed(Words words, Options options = {}) {
  words.insert(words.begin(), {"pool", "-q", "-k"});
  CAPTURE(words);
  const Result result = run_procrun(words, std::move(options));
  CHECK(result.err == "");
  CHECK(result.exited(0));
  return result.out;
}

std::string numbers(int first, int last) {
  std::string lines;
  for (int i = first; i <= last; ++i) lines += std::to_string(i) + "\n";
  return lines;
}

bool is_installed(const std::string& name) {
  const bool there = run({"sh", "-c", "command -v " + name}).exited(0);
  if (!there) WARN("skipped: " << name << " is not installed");
  return there;
}

void run_on_one_processor() {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(::sched_getcpu(), &set);
  ::sched_setaffinity(0, sizeof set, &set);
}

}  // namespace

TEST_CASE("a pool's items are the values behind :::", "[cli]") {
  const NoDescendantLeft guard;
  CHECK(echoed({"echo", ":::", "a", "b c", ""}) == "a\nb c\n\n");
  CHECK(echoed({"echo", "x", ":::", "a"}) == "x a\n");
  CHECK(echoed({"echo", "{}", "x", ":::", "a"}) == "a x\n");
  CHECK(echoed({"echo", "{}{}-{}", ":::", "a"}) == "aa-a\n");
  CHECK(echoed({"echo", ":::"}) == "");
}

TEST_CASE("several sources make the product, the last varying fastest", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  write_file(dir / "file", "1\n2\n");
  const std::string product = "a 1\na 2\nb 1\nb 2\n";
  CHECK(echoed({"echo", ":::", "a", "b", ":::", "1", "2"}) == product);
  CHECK(echoed({"echo", "{1}", "{2}", ":::", "a", "b", ":::", "1", "2"}) == product);
  CHECK(echoed({"echo", ":::", "a", "b", "::::", dir / "file"}) == product);
  CHECK(echoed({"echo", "{2}", "{1}", "::::", dir / "file", ":::", "a"}) == "a 1\na 2\n");
  CHECK(echoed({"echo", "::::", dir / "file", dir / "file"}) == "1 1\n1 2\n2 1\n2 2\n");
  CHECK(echoed({"-a", dir / "file", "-a", dir / "file", "echo"}) == "1 1\n1 2\n2 1\n2 2\n");
  CHECK(echoed({"echo", "{3}{1}{2}", ":::", "a", "b", ":::", "c", "d", ":::", "e", "f"}) ==
        "eac\nfac\nead\nfad\nebc\nfbc\nebd\nfbd\n");
  CHECK(echoed({"echo", ":::", "a", "b", ":::"}) == "");
}

TEST_CASE(":::+ and ::::+ pair with the source before them", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  write_file(dir / "file", "1\n2\n");
  CHECK(echoed({"echo", ":::", "a", "b", ":::+", "1", "2"}) == "a 1\nb 2\n");
  CHECK(echoed({"echo", ":::", "a", "b", "::::+", dir / "file"}) == "a 1\nb 2\n");
  CHECK(echoed({"echo", ":::", "a", "b", ":::+", "1", "2", ":::", "x", "y"}) ==
        "a 1 x\na 1 y\nb 2 x\nb 2 y\n");
}

TEST_CASE("T39: without a source the items are the lines of stdin, blanks and quotes and all",
          "[cli]") {
  const NoDescendantLeft guard;
  CHECK(echoed({"echo"}, {.input = "a\nb c\n\n\"d'\\\nno newline"}) ==
        "a\nb c\n\n\"d'\\\nno newline\n");
  CHECK(echoed({"echo", "::::", "-"}, {.input = "a\nb\n"}) == "a\nb\n");
  CHECK(echoed({"-a", "-", "echo"}, {.input = "a\nb\n"}) == "a\nb\n");
  CHECK(echoed({"echo", ":::", "x", "::::", "-"}, {.input = "a\nb\n"}) == "x a\nx b\n");
  CHECK(echoed({"-0", "echo", "{}"}, {.input = std::string{"a\nb\0c\0\0d", 8}}) ==
        "a\nb\nc\n\nd\n");
}

TEST_CASE("T38: without items nothing is run", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  write_file(dir / "empty", "");
  for (const Words& more :
       {Words{}, Words{"-r"}, Words{"-0"}, Words{"-a", "/dev/null"}, Words{"-k", "-j4"}}) {
    CAPTURE(more);
    Words words{"pool", "-q"};
    words.insert(words.end(), more.begin(), more.end());
    words.insert(words.end(), {"touch", dir / "ran"});
    CHECK(run_procrun(words).exited(0));
    CHECK_FALSE(std::filesystem::exists(dir / "ran"));
  }
  CHECK(run_procrun({"pool", "-q", "touch", dir / "ran", "::::", dir / "empty"}).exited(0));
  CHECK_FALSE(std::filesystem::exists(dir / "ran"));
}

TEST_CASE("placeholders stand for what GNU parallel has them stand for", "[cli]") {
  const NoDescendantLeft guard;
  const auto made = [](const std::string& placeholder, const std::string& item) {
    return echoed({"echo", "<" + placeholder + ">", ":::", item});
  };
  CHECK(made("{}", "d.x/f.tar.gz") == "<d.x/f.tar.gz>\n");
  CHECK(made("{.}", "d.x/f.tar.gz") == "<d.x/f.tar>\n");
  CHECK(made("{.}", "d.x/f") == "<d.x/f>\n");
  CHECK(made("{/}", "d.x/f.tar.gz") == "<f.tar.gz>\n");
  CHECK(made("{//}", "d.x/f.tar.gz") == "<d.x>\n");
  CHECK(made("{//}", "f") == "<.>\n");
  CHECK(made("{/.}", "d.x/f.tar.gz") == "<f.tar>\n");
  CHECK(made("{#}", "x") == "<1>\n");
  CHECK(made("{%}", "x") == "<1>\n");
  CHECK(made("{1}", "x") == "<x>\n");
  CHECK(made("{-1}", "x") == "<x>\n");
  CHECK(made("{{}}", "x") == "<{}> x\n");
  CHECK(echoed({"echo", "{1/.}-{2//}-{-1.}", ":::", "a/b.c", ":::", "d/e.f"}) == "b-d-d/e\n");
  CHECK(echoed({"echo", "{#}", ":::", "a", "b", "c"}) == "1\n2\n3\n");
  CHECK(echoed({"-I", "@", "echo", "@", "{}", ":::", "a"}) == "a {}\n");
  CHECK(echoed({"-I", "", "echo", "{}", "{1}", ":::", "a"}) == "{} {1} a\n");
  // A value is never expanded again (T41).
  CHECK(echoed({"echo", "{}", ":::", "{#}", "{}"}) == "{#}\n{}\n");
}

TEST_CASE("the option --dry-run prints the commands and runs none", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string file = dir / "ran";
  CHECK(run_procrun({"pool", "--dry-run", "touch", file, "{}", ":::", "a b", "c"}).out ==
        "touch " + file + " 'a b'\ntouch " + file + " c\n");
  CHECK(run_procrun({"pool", "--dry-run", "touch " + file + " {} | cat", ":::", "a'b"}).out ==
        "touch " + file + " 'a'\"'\"'b' | cat\n");
  CHECK(run_procrun({"pool", "--dry-run", ":::", "touch " + file}).out == "touch " + file + "\n");
  CHECK_FALSE(std::filesystem::exists(file));
}

TEST_CASE("what --dry-run prints can be pasted into a shell", "[cli]") {
  const NoDescendantLeft guard;
  const Words items{"a b", "'", "\"", "$HOME", "\n", "-n", "", "\\", "*", "~", ";", "\xff", "#"};
  for (const Words& command :
       {Words{child("cli_argv"), "x y", "{}"}, Words{child("cli_argv") + " 'x y' {}"}}) {
    CAPTURE(command);
    Words words{"pool", "--dry-run"};
    words.insert(words.end(), command.begin(), command.end());
    words.emplace_back(":::");
    words.insert(words.end(), items.begin(), items.end());
    const Result printed = run_procrun(words);
    CHECK(printed.err == "");
    CHECK(printed.exited(0));
    std::string expected;
    for (const auto& item : items) expected += std::string{"x y\0", 4} + item + '\0';
    CHECK(run({"sh", "-c", printed.out}).out == expected);
  }
}

TEST_CASE("the option --dry-run prints what GNU parallel prints", "[cli]") {
  if (!is_installed("parallel")) return;
  const NoDescendantLeft guard;
  const TempDir dir;
  const Words sources{":::", "a", "b c", "d'e", "f/g.h.i", "$x", ";", "\"", "*", ":::", "1", "2"};
  for (const Words& command :
       {Words{"echo", "{}"}, Words{"echo"}, Words{"echo {2} {1/.} | cat {1//}"},
        Words{"echo", "{#}", "{1.}", "{-1}"}, Words{"echo {} {}"}}) {
    CAPTURE(command);
    Words words{"--dry-run"};
    words.insert(words.end(), command.begin(), command.end());
    words.insert(words.end(), sources.begin(), sources.end());
    Words parallel{"parallel", "-k"};
    parallel.insert(parallel.end(), words.begin(), words.end());
    words.insert(words.begin(), "pool");
    const Result theirs = run(parallel, {.env = {"HOME=" + dir.path().string()}});
    REQUIRE(theirs.exited(0));
    CHECK(lines_of(run_procrun(words).out) == lines_of(theirs.out));
  }
}

TEST_CASE("an input that cannot be read is told before anything runs", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  for (const Words& more : {Words{"touch", dir / "ran", "::::", "/nonexistent"},
                            Words{"touch", dir / "ran", ":::", "a", "::::", "/nonexistent"},
                            Words{"-a", "/nonexistent", "touch", dir / "ran"},
                            Words{"-a", "/nonexistent", "touch", dir / "ran", ":::", "a"}}) {
    CAPTURE(more);
    Words words{"pool"};
    words.insert(words.end(), more.begin(), more.end());
    const Result result = run_procrun(words);
    CHECK(result.out == "");
    CHECK(result.err == "procrun: pool: /nonexistent: No such file or directory\n");
    CHECK(result.exited(125));
    CHECK_FALSE(std::filesystem::exists(dir / "ran"));
  }
  const Result directory = run_procrun({"pool", "-q", "echo", "::::", "/"});
  CHECK(directory.err == "procrun: pool: read /: Is a directory\n");
  CHECK(directory.exited(125));
  const Result twice = run_procrun({"pool", "-q", "echo", "::::", "-", "::::", "-"});
  CHECK(twice.out == "");
  CHECK(lines_of(twice.err).size() == 1);
  CHECK(twice.exited(125));
}

TEST_CASE("an item that holds NUL is an error, and what runs is ended", "[cli]") {
  const NoDescendantLeft guard;
  const Result result =
      run_procrun({"pool", "-q", "-j1", "echo"}, {.input = std::string{"a\nb\0c\nd\n", 8}});
  CHECK(lines_of(result.err).size() == 1);
  CHECK(result.err.starts_with("procrun: pool: item 2 "));
  CHECK(result.err.find("-0") != std::string::npos);
  CHECK(result.exited(125));
  CHECK(result.out.find("d") == std::string::npos);
}

TEST_CASE("jobs run before the input ends", "[cli]") {
  const NoDescendantLeft guard;
  auto running = start_procrun({"pool", "-q", "-k", "echo"}, {.keep_stdin_open = true});
  for (const char* item : {"a\n", "b\n", "c\n"}) {
    running.write(item);
    CHECK(running.read_until(Stream::Out, item) == item);
  }
  running.write("d\ne");
  running.close_input();
  const Result result = running.finish();
  CHECK(result.out == "a\nb\nc\nd\ne\n");
  CHECK(result.exited(0));
}

TEST_CASE("100,000 items from stdin take no more memory than a few", "[cli]") {
  if (kSanitized) {
    WARN("skipped: the sanitizers need memory of their own");
    return;
  }
  const NoDescendantLeft guard;
  auto running =
      start_procrun({"pool", "-q", "-k", "-j2", "echo"},
                    {.input = numbers(1, 100000), .timeout = seconds{40}, .keep_stdin_open = true});
  running.read_until(Stream::Out, "\n1500\n", seconds{30});  // the input has not ended
  std::size_t measured = 0;
  auto members = descendants_of(running.pid());
  members.push_back(running.pid());
  for (const pid_t member : members) {
    if (member != running.pid() && parent_of(member) != running.pid()) continue;  // a job
    const std::string resident = status_of(member, "VmRSS");
    if (resident.empty()) continue;
    ++measured;
    CAPTURE(member, resident);
    CHECK(std::stol(resident) < kMemory);
  }
  CHECK(measured == 3);
  running.send(SIGTERM);
  const Result result = running.finish();
  CHECK(result.out.starts_with(numbers(1, 1500)));
  CHECK(result.signaled(SIGTERM));
}

TEST_CASE("an item for which there is no memory is told, with where it is from", "[cli]") {
  if (kSanitized) {
    WARN("skipped: the sanitizers need memory of their own");
    return;
  }
  const NoDescendantLeft guard;
  const TempDir dir;
  write_file(dir / "file", "");
  std::filesystem::resize_file(dir / "file", 64 << 20);
  const Result result = run_procrun({"pool", "-q", "-a", "file", "true"},
                                    {.cwd = dir.path().string(), .in_child = [] {
                                       const rlimit limit{24 << 20, 24 << 20};
                                       ::setrlimit(RLIMIT_AS, &limit);
                                     }});
  CHECK(matches(result.err,
                "procrun: pool: file: out of memory in the middle of an item of more than [0-9]+ "
                "MiB \\(does the delimiter fit: -0, -d\\?\\)\n"));
  CHECK(result.exited(125));
}

TEST_CASE("a reader that is not there yet is waited for", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string fifo = dir / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  auto running = start_procrun({"pool", "-q", "-k", "echo", "::::", fifo});
  const int fd = ::open(fifo.c_str(), O_WRONLY | O_CLOEXEC);
  REQUIRE(fd != -1);
  REQUIRE(::write(fd, "a\n", 2) == 2);
  CHECK(running.read_until(Stream::Out, "a\n") == "a\n");
  REQUIRE(::write(fd, "b\n", 2) == 2);
  ::close(fd);
  const Result result = running.finish();
  CHECK(result.out == "a\nb\n");
  CHECK(result.exited(0));
}

TEST_CASE("the option -j N: N at once and no more, each in a slot of its own", "[cli]") {
  const NoDescendantLeft guard;
  // With one processor to use, N% and the others can be counted with.
  const auto [jobs, slots] = GENERATE(table<std::string, int>({
      {"-j1", 1},
      {"-j3", 3},
      {"-j100%", 1},
      {"-j300%", 3},
      {"-j250%", 3},
      {"-j+2", 3},
      {"-j-5", 1},
      {"-P2", 2},
      {"", 1},
  }));
  CAPTURE(jobs);
  const TempDir dir;
  Words words{"pool", "-q"};
  if (!jobs.empty()) words.push_back(jobs);
  // So many come together, and each finds its slot free.
  words.insert(words.end(), {"--", "sh", "-c",
                             "mkdir $1/slot{%} && $0 $1/here $2 && echo {%} && rmdir $1/slot{%}",
                             child("cli_meet"), dir.path().string(), std::to_string(slots), ":::"});
  words.insert(words.end(), {"a", "b", "c", "d", "e", "f", "g", "h"});
  REQUIRE(std::filesystem::create_directory(dir / "here"));
  const Result result = run_procrun(words, {.in_child = run_on_one_processor});
  CHECK(result.err == "");
  CHECK(result.exited(0));
  const Lines lines = lines_of(result.out);
  CHECK(lines.size() == 8);
  std::set<std::string> expected;
  for (int slot = 1; slot <= slots; ++slot) expected.insert(std::to_string(slot));
  CHECK(std::set<std::string>(lines.begin(), lines.end()) == expected);
}

TEST_CASE("the option -j 0: as many as the limits allow", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  Words words{"pool", "-q", "-j0", child("cli_meet"), dir.path().string(), "20", ":::"};
  for (int i = 0; i < 20; ++i) words.push_back(std::to_string(i));
  CHECK(run_procrun(words).exited(0));
  // Few descriptors: fewer at once, but all are run.
  words[3] = "echo";
  const Result result = run_procrun(words, {.in_child = [] {
                                      const rlimit few{64, 64};
                                      ::setrlimit(RLIMIT_NOFILE, &few);
                                    }});
  CHECK(lines_of(result.out).size() == 20);
  CHECK(result.exited(0));
}

TEST_CASE("workers are started as they are needed", "[cli]") {
  const NoDescendantLeft guard;
  auto running = start_procrun({"pool", "-j100", "sh", "-c", "echo {}; exec sleep 60", ":::", "a"});
  running.read_until(Stream::Err, "child process id is ");
  CHECK(descendants_of(running.pid()).size() == 2);  // a worker and its job
  running.send(SIGTERM);
  CHECK(running.finish().signaled(SIGTERM));
}

}  // namespace procrun::test
