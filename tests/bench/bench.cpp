// Measures procrun beside its floors and its peers, and holds it to the budgets of the issues.
#include <fmt/core.h>
#include <getopt.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "bench/cases.h"
#include "bench/report.h"
#include "sys/error.h"

namespace procrun::bench {
namespace {

constexpr const char* kUsage =
    "Usage: scripts/bench [--quick] [--rounds N] [--json FILE] [--list] [CASE]...\n"
    "Runs procrun, its floors and its peers in turn and compares the medians with the budgets.\n"
    "  --quick      3 rounds, fewer jobs\n"
    "  --rounds N   so many rounds of a case whose runs take seconds (default 7)\n"
    "  --json FILE  all figures in FILE, too\n"
    "  --list       the names of the cases\n"
    "Exit status: 0 every budget was kept, 1 one was missed, 2 it could not be measured.\n";

constexpr int kMissed = 1;
constexpr int kFailed = 2;

struct Options {
  Setup setup;
  bool list = false;
  bool help = false;
  std::string json;
  std::vector<std::string> names;
};

int count_from(const char* text) {
  char* end = nullptr;
  const long count = std::strtol(text, &end, 10);
  if (*text == '\0' || *end != '\0' || count < 1 || count > 1000) {
    throw std::invalid_argument{
        fmt::format("--rounds {}: a number from 1 to 1000 is needed", text)};
  }
  return static_cast<int>(count);
}

Options parse(int argc, char** argv) {
  static const option kLong[] = {
      {"quick", no_argument, nullptr, 'q'},      {"rounds", required_argument, nullptr, 'r'},
      {"json", required_argument, nullptr, 'j'}, {"list", no_argument, nullptr, 'l'},
      {"help", no_argument, nullptr, 'h'},       {}};
  Options options;
  int rounds = 0;
  for (int letter = 0; (letter = ::getopt_long(argc, argv, "h", kLong, nullptr)) != -1;) {
    switch (letter) {
      case 'q':
        options.setup.quick = true;
        break;
      case 'r':
        rounds = count_from(optarg);
        break;
      case 'j':
        options.json = optarg;
        break;
      case 'l':
        options.list = true;
        break;
      case 'h':
        options.help = true;
        break;
      default:
        throw std::invalid_argument{"--help tells what it takes"};
    }
  }
  if (options.setup.quick) options.setup.rounds = 3;
  if (rounds > 0) options.setup.rounds = rounds;
  options.names.assign(argv + optind, argv + argc);
  return options;
}

// A directory of its own for as long as it lives.
class Scratch {
 public:
  Scratch() : path_{std::filesystem::temp_directory_path() / "procrun-bench.XXXXXX"} {
    if (::mkdtemp(path_.data()) == nullptr) sys::fail("mkdtemp " + path_);
  }
  ~Scratch() {
    std::error_code ignored;  // nothing more to be done about it
    std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::vector<Case> chosen(const std::vector<Case>& cases, const std::vector<std::string>& names) {
  if (names.empty()) return cases;
  std::vector<Case> some;
  for (const auto& name : names) {
    const auto is_it = [&](const Case& each) { return each.name == name; };
    const auto found = std::find_if(cases.begin(), cases.end(), is_it);
    if (found == cases.end()) {
      throw std::invalid_argument{fmt::format("no case is called {}: --list names them", name)};
    }
    some.push_back(*found);
  }
  return some;
}

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;

File open_for_writing(const std::string& path) {
  File file{std::fopen(path.c_str(), "we")};
  if (!file) sys::fail("open " + path);
  return file;
}

void write_json(std::FILE* file, const std::string& path, const nlohmann::json& all) {
  fmt::print(file, "{}\n", all.dump(2));
  if (std::fflush(file) != 0) sys::fail("write " + path);
}

int run_cases(const Options& options, const std::vector<Case>& cases) {
  // Opened first: minutes of measuring should not end at a file that cannot be written.
  const auto json = options.json.empty() ? File{} : open_for_writing(options.json);
  const auto machine = this_machine();
  print(machine);
  std::vector<Finding> findings;
  for (const auto& each : cases) {
    findings.push_back(examine(each));
    print(findings.back());
  }
  if (json) write_json(json.get(), options.json, to_json(machine, options.setup, findings));
  const auto count = [&](bool (Finding::*what)() const) {
    return std::count_if(findings.begin(), findings.end(), std::mem_fn(what));
  };
  const auto missed = count(&Finding::missed);
  fmt::print("\n{} of {} cases missed a budget, {} were disturbed\n", missed, findings.size(),
             count(&Finding::disturbed));
  return missed == 0 ? 0 : kMissed;
}

int run_bench(int argc, char** argv) {
  auto options = parse(argc, argv);
  if (options.help) {
    fmt::print("{}", kUsage);
    return 0;
  }
  const Scratch scratch;
  options.setup.scratch = scratch.path();
  ::setenv("PARALLEL_HOME", scratch.path().c_str(), 1);  // where GNU parallel leaves its things
  const auto cases = all_cases(options.setup);
  if (!options.list) return run_cases(options, chosen(cases, options.names));
  for (const auto& each : cases) fmt::print("{:<10} {}\n", each.name, each.about);
  return 0;
}

}  // namespace
}  // namespace procrun::bench

int main(int argc, char** argv) {
  try {
    return procrun::bench::run_bench(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "scripts/bench: {}\n", error.what());
    return procrun::bench::kFailed;
  }
}
