// pool --results: each job's output in files of its own.
#include <filesystem>
#include <map>

#include "program.h"

namespace procrun::test {
namespace {

/// The files below `directory`, by their paths without it.
std::map<std::string, std::string> files_in(const std::string& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator{directory}) {
    if (!entry.is_regular_file()) continue;
    const std::string path = entry.path().string();
    files[path.substr(directory.size() + 1)] = read_file(path);
  }
  return files;
}

bool has_gnu_parallel() {
  return run({"sh", "-c", "parallel --version 2>/dev/null | grep -q GNU"}).exited(0);
}

}  // namespace

TEST_CASE("the option --results writes the files that GNU parallel writes", "[cli]") {
  const NoDescendantLeft guard;
  if (!has_gnu_parallel()) {
    WARN("skipped: GNU parallel is not installed");
    return;
  }
  const TempDir dir;
  const Words rest =
      GENERATE(Words{"echo {}; echo e >&2; exit 2", ":::", "a/b c\\d", "x\ty", "plain"},
               Words{"echo {1}{2}", ":::", "a", "b", ":::", "c", "d"},
               Words{"--header", ":", "echo {n}", ":::", "n", "1", "2", ":::", "m", "3"},
               Words{"-n2", "echo", ":::", "a", "b", "c"},
               Words{"-N2", "echo {1} {2}", ":::", "a", "b", "c"},
               Words{"-j1", "-X", "echo", ":::", "a", "b", "c"},
               Words{"-N2", "echo", ":::", "a", "b", "c", ":::", "x", "y"},
               Words{"-N2", "--header", ":", "echo", ":::", "n", "a", "b", ":::", "m", "x", "y"},
               Words{"-N2", "-C", ",", "echo", ":::", "a,b", "c,d,e", "f"});
  CAPTURE(rest);
  Words ours{"pool", "-q", "--results", dir / "ours"};
  Words theirs{"parallel", "--results", dir / "theirs"};
  ours.insert(ours.end(), rest.begin(), rest.end());
  theirs.insert(theirs.end(), rest.begin(), rest.end());
  const Result result = run_procrun(ours);
  const Result expected = run(theirs);
  CHECK(files_in(dir / "ours") == files_in(dir / "theirs"));
  CHECK(sorted(lines_of(result.out)) == sorted(lines_of(expected.out)));
  CHECK(result.status == expected.status);
}

TEST_CASE("the option --results leads nowhere else, whatever an item is", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  CHECK(run_procrun({"pool", "-q", "--results", dir / "r", "echo", ":::", "..", ".", "", "../../x"})
            .exited(0));
  CHECK(files_in(dir / "").size() == 4 * 3);
  CHECK(read_file(dir / "r/1/\\../stdout") == "..\n");
  CHECK(read_file(dir / "r/1/\\/stdout") == "\n");
  CHECK(read_file(dir / "r/1/..\\_..\\_x/stdout") == "../../x\n");
}

TEST_CASE("the option --results has a directory for each item, however long", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string fits(255, 'L');
  const std::string one = std::string(255, '/') + "1";
  const std::string other = std::string(255, '/') + "2";
  const Result result =
      run_procrun({"pool", "-q", "--results", dir / "r", "echo", ":::", fits, one, other});
  CHECK(result.err == "");
  CHECK(result.exited(0));
  std::map<std::string, std::string> found;  // what was written, and the name that it is under
  for (const auto& [path, text] : files_in(dir / "r/1")) {
    if (path.ends_with("/stdout")) found[text] = path.substr(0, path.find('/'));
  }
  REQUIRE(found.size() == 3);
  CHECK(found[fits + "\n"] == fits);
  std::string begin;
  for (int i = 0; i < 119; ++i) begin += "\\_";
  CHECK(matches(found[one + "\n"].substr(238), "~[0-9a-f]{16}"));
  CHECK(found[one + "\n"].starts_with(begin));
  CHECK(found[other + "\n"].starts_with(begin + "~"));
  CHECK(found[one + "\n"] != found[other + "\n"]);
}

TEST_CASE("the option --results has much output whole, and stdout none", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const Result result =
      run_procrun({"pool", "-q", "-k", "--results", dir / "r", "seq", ":::", "50000", "60000"});
  const std::string first = run({"seq", "50000"}).out;
  const std::string second = run({"seq", "60000"}).out;
  CHECK(result.out.empty());
  CHECK((read_file(dir / "r/1/50000/stdout") == first));
  CHECK((read_file(dir / "r/1/60000/stdout") == second));
}

TEST_CASE("the option --results with a place that cannot be written is an error", "[cli]") {
  const NoDescendantLeft guard;
  const Result result = run_procrun({"pool", "-q", "--results", "/dev/null/r", "echo", ":::", "a"});
  CHECK(result.exited(125));
  CHECK(result.err == "procrun: pool: make the directory /dev/null/r/1/a: Not a directory\n");
  CHECK(run_procrun({"pool", "--results", "r", "-u", "echo", ":::", "a"}).exited(125));
  CHECK(run_procrun({"pool", "--results", "", "echo", ":::", "a"}).exited(125));
}

}  // namespace procrun::test
