// COMMAND by a shell or without one, and values that are put into a shell's line.
#include "input/random_bytes.h"
#include "program.h"

namespace procrun::test {
namespace {

std::string out_of(const Words& words, Options options = {}) {
  CAPTURE(words);
  const Result result = run_procrun(words, std::move(options));
  CHECK(result.exited(0));
  return result.out;
}

const Words kHostile{"; rm -rf x", "'",        "\"",     "a\nb",     "$HOME", "`id`", "$(id)",
                     "-n",         "\xff\xfe", "",       "a b",      "*",     "~",    "#",
                     "\\",         "\\n",      "'\"'\"", "a'b\"c$d", "!",     "&",    "|",
                     ">x",         "<x",       "{}",     "{1}",      "=",     "a=b",  "[a]",
                     "\t",         " ",        "\n",     "--",       "{{}}",  "%s",   "\x01",
                     "${x:-y}",    "\\$HOME",  "(a)",    "\xc3\xa9", "?",     ";",    "''"};

}  // namespace

TEST_CASE("one word with white space or shell characters is run by the shell", "[cli]") {
  const NoDescendantLeft guard;
  const std::string verb = GENERATE("spawn", "wait");
  CAPTURE(verb);
  CHECK(out_of({verb, "-q", "echo a b; echo c"}) == "a b\nc\n");
  CHECK(out_of({verb, "-q", "--", "echo $((1+2)) | tr 3 4"}) == "4\n");
  CHECK(run_procrun({verb, "-q", "exit 9"}).exited(9));
  CHECK(run_procrun({verb, "-q", "no-such-program-at-all 2>/dev/null"}).exited(127));
}

TEST_CASE("several words, and one plain word, are executed as they are", "[cli]") {
  const NoDescendantLeft guard;
  const std::string verb = GENERATE("spawn", "wait");
  CAPTURE(verb);
  CHECK(out_of({verb, "-q", "echo", "$HOME", "; echo b", "*"}) == "$HOME ; echo b *\n");
  CHECK(out_of({verb, "-q", "echo"}) == "\n");
  const Result result = run_procrun({verb, "-q", "echo a", "b"});  // a program of that name
  CHECK(result.err == "procrun: " + verb + ": cannot execute echo a: No such file or directory\n");
  CHECK(result.exited(127));
}

TEST_CASE("the option --shell joins the words to a line, --no-shell never runs one", "[cli]") {
  const NoDescendantLeft guard;
  CHECK(out_of({"spawn", "-q", "--shell", "echo", "a;", "echo", "b"}) == "a\nb\n");
  CHECK(out_of({"spawn", "-q", "--shell", "pwd"}, {.cwd = "/"}) == "/\n");
  CHECK(run_procrun({"spawn", "-q", "--no-shell", "echo a"}).exited(127));
  CHECK(out_of({"pool", "-q", "--shell", "echo", "{};", "echo", "b", ":::", "a 'x"}) ==
        "a 'x\nb\n");
  CHECK(run_procrun({"pool", "-q", "--no-shell", "echo {}", ":::", "a"}).exited(1));
}

TEST_CASE("PROCRUN_SHELL names the shell, which gets -c and the line", "[cli]") {
  const NoDescendantLeft guard;
  const std::string line = "a  'b' $c";
  const Options with_argv{.env = {"PROCRUN_SHELL=" + child("cli_argv")}};
  const std::string expected = std::string{"-c\0", 3} + line + '\0';
  CHECK(out_of({"spawn", "-q", line}, with_argv) == expected);
  CHECK(out_of({"wait", "-q", line}, with_argv) == expected);
  CHECK(out_of({"pool", "-q", "a {}", ":::", "b"}, with_argv) == std::string{"-c\0a b\0", 7});
  CHECK(out_of({"pool", "-q", ":::", "a 'b"}, with_argv) == std::string{"-c\0a 'b\0", 8});
  CHECK(out_of({"spawn", "-q", "echo a;"}, {.env = {"PROCRUN_SHELL="}}) == "a\n");
  const Result result =
      run_procrun({"spawn", "-q", "echo a;"}, {.env = {"PROCRUN_SHELL=/nonexistent/sh"}});
  CHECK(result.err ==
        "procrun: spawn: cannot execute /nonexistent/sh: No such file or directory\n");
  CHECK(result.exited(127));
}

TEST_CASE("whatever an item holds, the shell sees one word of just these bytes", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  write_file(dir / "x", "precious");
  Words items = kHostile;
  RandomBytes random{6};
  for (int i = 0; i < 200; ++i) items.push_back(random.next(30));
  std::string input;
  std::string expected;
  for (const auto& item : items) {
    input += item + '\0';
    expected += "<" + item + '\0' + item + '\0';
  }
  const std::string argv = child("cli_argv");
  // In front, appended and in the middle of a word: a value is always quoted.
  const std::string line = GENERATE_COPY(argv + " \\<{} {}", argv + " '<'{} {}");
  CAPTURE(line);
  const Options from_items{.input = input, .cwd = dir.path().string()};
  CHECK(out_of({"pool", "-q", "-k", "-0", line}, from_items) == expected);
  CHECK(read_file(dir / "x") == "precious");

  std::string appended;
  for (const auto& item : items) appended += "a" + std::string(1, '\0') + item + '\0';
  CHECK(out_of({"pool", "-q", "-k", "-0", argv + " a"}, from_items) == appended);
}

TEST_CASE("without a shell an item is one argument of just these bytes", "[cli]") {
  const NoDescendantLeft guard;
  Words words{"pool", "-q", "-k", child("cli_argv"), "<{}>", "{}", ":::"};
  std::string expected;
  for (const auto& item : kHostile) {
    words.push_back(item);
    expected += "<" + item + ">" + '\0' + item + '\0';
  }
  CHECK(out_of(words) == expected);
}

TEST_CASE("items are command lines where there is no COMMAND", "[cli]") {
  const NoDescendantLeft guard;
  CHECK(out_of({"pool", "-q", "-k", ":::", "echo a b", "echo c; echo d", "pwd"}, {.cwd = "/"}) ==
        "a b\nc\nd\n/\n");
  const TempDir dir;
  write_file(dir / "jobs", "echo 1 {}\necho 2 | tr 2 3\n");
  CHECK(out_of({"pool", "-q", "-k", "::::", dir / "jobs"}) == "1 {}\n3\n");
  CHECK(out_of({"pool", "-q", "-k", "-a", dir / "jobs"}) == "1 {}\n3\n");
  CHECK(out_of({"pool", "-q", "-k", "-a", "-"}, {.input = "echo in\n"}) == "in\n");
  CHECK(run_procrun({"pool", "-q", ":::", "exit 3", "true", "no-such-program-at-all"}).exited(2));
}

}  // namespace procrun::test
