#include "cmd/spawn_lesson.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <functional>
#include <limits>
#include <stdexcept>

#include "cmd/lesson.h"
#include "cmd/numbers.h"
#include "cmd/shared.h"
#include "pool/codec.h"
#include "process/command.h"
#include "process/process.h"
#include "sys/error.h"
#include "sys/proc.h"

namespace procrun::cmd {
namespace {

/// As Python calls it. What follows is the number of the pipe that holds what to run.
constexpr const char* kFresh = "--multiprocessing-fork";

// The parent writes to it before it starts the child: a copy has that, a fresh program has not.
int variable = 0;

void pro_do(const std::string& name, const std::string& func) {
  print_line(fmt::format(
      "This is child process {} from parent process {}, and name is  {} which is used for {}",
      ::getpid(), ::getppid(), name, func));
}

void pro_do_and_look(const std::string& name, const std::string& func) {
  pro_do(name, func);
  print_line(fmt::format("{} is {}, and finds variable = {}", ::getpid(),
                         sys::command_of(::getpid()), variable));
}

StartMethod parse_start_method(const std::string& text) {
  if (text == "fork") return StartMethod::Fork;
  if (text == "spawn") return StartMethod::Spawn;
  throw std::invalid_argument("'" + text + "' is neither fork nor spawn");
}

/// Starts this program anew, and tells it the function's name and arguments: another image may
/// have that function elsewhere.
Child start_fresh(const std::string& name, const std::string& func) {
  sys::Pipe call = sys::make_pipe();
  const int end = call.read.get();
  if (::fcntl(end, F_SETFD, 0) == -1) sys::fail("fcntl FD_CLOEXEC");
  Child child = Command{.argv = {"/proc/self/exe", "spawn", kFresh, std::to_string(end)}}.spawn();
  call.read.reset();
  pool::Writer writer;
  writer.put(std::string_view{"pro_do"});
  writer.put(name);
  writer.put(func);
  const std::string& bytes = writer.bytes();
  for (std::size_t done = 0; done < bytes.size();) {
    done += static_cast<std::size_t>(sys::retry("tell the child what to run", [&] {
      return ::write(call.write.get(), bytes.data() + done, bytes.size() - done);
    }));
  }
  return child;
}

std::string read_call(const sys::Fd& pipe) {
  std::string bytes;
  char block[4096];
  for (;;) {
    const auto size =
        sys::retry("read what to run", [&] { return ::read(pipe.get(), block, sizeof block); });
    if (size == 0) return bytes;
    bytes.append(block, static_cast<std::size_t>(size));
  }
}

/// The tutorial's `pro`: started by either method.
class Pro {
 public:
  explicit Pro(const SpawnLesson& lesson)
      : name_{lesson.name.empty() ? "test" : lesson.name},
        func_{lesson.used_for.empty() ? "dev" : lesson.used_for},
        is_fresh_{lesson.start_method == StartMethod::Spawn},
        copy_{lesson.start_method ? pro_do_and_look : pro_do, name_, func_} {}

  void start(Chronicle& chronicle) {
    const auto since = sys::Clock::now();
    if (is_fresh_) {
      fresh_ = start_fresh(name_, func_);
    } else {
      copy_.start();
    }
    chronicle.forked(pid(), ::getpid(), "child process", since);
    if (is_fresh_) chronicle.executed(pid());
  }

  /// Whether it has ended well. A second time it only says so.
  bool join(Chronicle& chronicle) {
    if (!status_) {
      if (is_fresh_) {
        status_ = fresh_.wait();
      } else {
        copy_.join();
        status_ = ExitStatus::of_python_code(*copy_.exitcode());
      }
      chronicle.reaped(pid(), *status_);
    }
    return status_->success();
  }

 private:
  pid_t pid() const { return is_fresh_ ? fresh_.pid() : copy_.pid(); }

  std::string name_;
  std::string func_;
  bool is_fresh_;
  Process copy_;
  Child fresh_;
  std::optional<ExitStatus> status_;
};

void explain_lesson(const SpawnLesson& lesson) {
  explain(lesson.explains,
          {"A Process is a function with its arguments, which start() runs in a child of its own.",
           "join() waits for that child and reaps it."});
  if (lesson.no_join) {
    explain(lesson.explains,
            {"Without join() the parent went on at once, so `Process end` may stand before the "
             "child's line. Before the parent ends it waits all the same, as Python does."});
  }
  if (lesson.start_method == StartMethod::Fork) {
    explain(lesson.explains,
            {"By fork the child is a copy of its parent: it has the value that the parent wrote "
             "before, and the same command line. That is fast, and works only while the parent has "
             "one thread."});
  }
  if (lesson.start_method == StartMethod::Spawn) {
    explain(lesson.explains,
            {"By spawn the child is the same program, started afresh: it has the value that the "
             "program begins with, and heard through a pipe what to run.",
             "So it is on systems without fork; all that the child is to know has to be sent."});
  }
}

}  // namespace

void add_spawn_lesson(Options& options, SpawnLesson& lesson) {
  options.group("The story");
  options.declare_for(Options::For::Both);
  options.value("--name", "NAME", "what the process is called (test, or COMMAND's name)",
                [&](const std::string& name) { lesson.name = name; });
  options.value("--for", "WHAT", "what it is used for (dev, or COMMAND)",
                [&](const std::string& what) { lesson.used_for = what; });
  options.declare_for(Options::For::Lesson);
  options.flag("--no-join", "the parent goes on at once", lesson.no_join);
  options.value("--start-method", "HOW",
                "fork: the child is a copy; spawn: a fresh program that is told what to run (fork)",
                [&](const std::string& how) { lesson.start_method = parse_start_method(how); });
  add_explain(options, lesson.explains);
  options.declare_for(Options::For::Command);
}

int run_spawn_lesson(const SpawnLesson& lesson, Chronicle& chronicle) {
  chronicle.begin();
  print_line(fmt::format("Parent process id {}", ::getpid()));
  if (lesson.start_method) {
    variable = 42;
    print_line(fmt::format("{} is {}, and sets variable = {}", ::getpid(),
                           sys::command_of(::getpid()), variable));
  }
  Pro pro{lesson};
  print_line("start child process");
  pro.start(chronicle);
  if (!lesson.no_join) pro.join(chronicle);
  print_line("Process end");
  const bool ended_well = pro.join(chronicle);  // as Python does before it exits
  explain_lesson(lesson);
  chronicle.end();
  return ended_well ? 0 : 125;
}

bool is_fresh_process(const std::vector<std::string>& words) {
  return words.size() == 2 && words[0] == kFresh;
}

int run_fresh_process(const std::vector<std::string>& words) {
  const sys::Fd pipe{parse_number(words[1], 3, std::numeric_limits<int>::max())};
  const std::string bytes = read_call(pipe);
  pool::Reader reader{bytes};
  const auto target = reader.get<std::string>();
  const auto name = reader.get<std::string>();
  const auto func = reader.get<std::string>();
  if (target != "pro_do") throw std::runtime_error("there is no function " + target + " to run");
  pro_do_and_look(name, func);
  return 0;
}

}  // namespace procrun::cmd
