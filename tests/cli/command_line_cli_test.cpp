// argv: where options end, what survives in COMMAND, lesson or tool, and what is told to whoever
// got it wrong.
#include "input/random_bytes.h"
#include "program.h"

namespace procrun::test {
namespace {

/// Refused: exit code 125, nothing on stdout, and one line on stderr that begins and goes on so.
void refuses(const Words& words, const std::string& begins, const std::string& holds = {}) {
  CAPTURE(words, begins, holds);
  const Result result = run_procrun(words);
  CHECK(result.out == "");
  CAPTURE(result.err);
  CHECK(lines_of(result.err).size() == 1);
  CHECK(result.err.ends_with("\n"));
  CHECK(result.err.starts_with(begins));
  CHECK(result.err.find(holds) != std::string::npos);
  CHECK(result.exited(125));
}

std::string nul_separated(const Words& words) {
  std::string text;
  for (const auto& word : words) text += word + '\0';
  return text;
}

/// Words of any bytes but NUL.
Words random_words(RandomBytes& random) {
  Words words(random.below(12));
  for (auto& word : words) word = random.next(40);
  return words;
}

const Words kHostile{"[1,2]", "",         "--",     "pool", "-x",       "=",     "{",
                     "{}",    "-j4",      "--help", ":::",  "$HOME",    "`id`",  "a b",
                     "\n",    "\xff\xfe", "%s",     "\\",   "'",        "\"",    "~",
                     "*",     "-",        "--x=y",  "[a",   "{1}",      "@file", "--",
                     "!",     "#",        "a=b",    "::::", "--config", "-qj2",  "\x01\x7f"};

/// What COMMAND gets of `words` when procrun is called with `before` in front of it.
std::string got(Words before, const Words& words) {
  before.push_back(child("cli_argv"));
  before.insert(before.end(), words.begin(), words.end());
  const Result result = run_procrun(before);
  CHECK(result.exited(0));
  return result.out;
}

/// The same of fork, whose command runs in the background.
std::string got_in_background(const Words& words) {
  const TempDir dir;
  Words all{"fork", "-q", "-o", dir / "out", "--", child("cli_argv")};
  all.insert(all.end(), words.begin(), words.end());
  const Result result = run_procrun(all, {.env = {"PROCRUN_STATE_DIR=" + (dir / "state")}});
  CHECK(matches(result.out, "[0-9]+\n"));
  CHECK(result.err == "");
  CHECK(result.exited(0));
  reap_all();  // its supervisor, once the command has ended
  return read_file(dir / "out");
}

}  // namespace

TEST_CASE("any bytes survive in COMMAND under spawn and wait", "[cli]") {
  const NoDescendantLeft guard;
  const std::string verb = GENERATE("spawn", "wait");
  const bool dashes = GENERATE(true, false);
  const Words before = dashes ? Words{verb, "-q", "--"} : Words{verb, "-q"};
  CAPTURE(before);
  CHECK(got(before, kHostile) == nul_separated(kHostile));
  for (const auto& word : kHostile) CHECK(got(before, {word}) == nul_separated({word}));
  RandomBytes random{dashes ? 1U : 2U};
  for (int round = 0; round < 40; ++round) {
    const Words words = random_words(random);
    CHECK(got(before, words) == nul_separated(words));
  }
}

TEST_CASE("any bytes survive in COMMAND under fork", "[cli]") {
  const NoDescendantLeft guard;
  CHECK(got_in_background(kHostile) == nul_separated(kHostile));
  RandomBytes random{3};
  for (int round = 0; round < 20; ++round) {
    const Words words = random_words(random);
    CHECK(got_in_background(words) == nul_separated(words));
  }
}

TEST_CASE("any bytes survive in a pool's COMMAND and values", "[cli]") {
  const NoDescendantLeft guard;
  RandomBytes random{4};
  const auto is_separator = [](const std::string& word) { return word.starts_with(":::"); };
  for (int round = 0; round < 20; ++round) {
    Words command = round == 0 ? kHostile : random_words(random);
    Words values = round == 0 ? kHostile : random_words(random);
    std::erase_if(command, is_separator);
    std::erase_if(values, is_separator);
    Words all{"pool", "-q", "-k", "-I", "", child("cli_argv")};
    all.insert(all.end(), command.begin(), command.end());
    all.emplace_back(":::");
    all.insert(all.end(), values.begin(), values.end());
    std::string expected;
    // -I '' turns placeholders off; so the value stands at the end.
    for (const auto& value : values) expected += nul_separated(command) + value + '\0';
    const Result result = run_procrun(all);
    CAPTURE(round);
    CHECK(result.out == expected);
    CHECK(result.exited(0));
  }
}

TEST_CASE("any bytes but NUL survive as items from stdin with -0", "[cli]") {
  const NoDescendantLeft guard;
  RandomBytes random{5};
  Words items;
  for (int i = 0; i < 300; ++i) items.push_back(random.next(60));
  const Result result = run_procrun({"pool", "-q", "-k", "-0", child("cli_argv"), "{}"},
                                    {.input = nul_separated(items)});
  CHECK(result.out == nul_separated(items));
  CHECK(result.exited(0));
}

TEST_CASE("options end at the first word that is none", "[cli]") {
  const NoDescendantLeft guard;
  const Words rest{"-t", "5s", "--help", "--", "-q"};
  CHECK(got({"spawn", "-q", "-t", "5s"}, rest) == nul_separated(rest));
  CHECK(got({"spawn", "-q", "-t", "5s", "--"}, rest) == nul_separated(rest));
  CHECK(got({"wait", "-q"}, rest) == nul_separated(rest));
  CHECK(got({"pool", "-q", "-j1"}, {"-j", "x", "--", ":::", "-k"}) ==
        nul_separated({"-j", "x", "--", "-k"}));
  // A program whose name looks like an option stands behind --.
  const Result result = run_procrun({"spawn", "-q", "--", "-q"});
  CHECK(result.err == "procrun: spawn: cannot execute -q: No such file or directory\n");
  CHECK(result.exited(127));
}

TEST_CASE("global options stand before or after the verb", "[cli]") {
  const NoDescendantLeft guard;
  for (const Words& words : {Words{"-q", "spawn", "echo", "hi"}, Words{"spawn", "-q", "echo", "hi"},
                             Words{"--quiet", "--color", "never", "spawn", "echo", "hi"},
                             Words{"--log-level=debug", "-q", "spawn", "echo", "hi"}}) {
    CAPTURE(words);
    const Result result = run_procrun(words);
    CHECK(result.out == "hi\n");
    CHECK(result.err == "");
    CHECK(result.exited(0));
  }
}

TEST_CASE("an option's value is the rest of its word, the next word or behind =", "[cli]") {
  const NoDescendantLeft guard;
  // Three that wait for each other need three places.
  for (const Words& jobs :
       {Words{"-qkj3"}, Words{"-qj3"}, Words{"-q", "-j3"}, Words{"-q", "-j", "3"},
        Words{"-q", "--jobs=3"}, Words{"-q", "--jobs", "3"}, Words{"-q", "-P3"},
        Words{"-q", "-P", "3"}, Words{"-qj", "3"}, Words{"-j1", "-qj3"}}) {
    CAPTURE(jobs);
    const TempDir dir;
    Words words{"pool"};
    words.insert(words.end(), jobs.begin(), jobs.end());
    for (const char* word : {"--", "sh", "-c", "\"$0\" \"$1\" 3 && echo $2"}) {
      words.emplace_back(word);
    }
    words.insert(words.end(), {child("cli_meet"), dir.path().string(), "{%}", ":::"});
    words.insert(words.end(), {"a", "b", "c"});
    const Result result = run_procrun(words);
    CHECK(sorted(lines_of(result.out)) == Lines{"1", "2", "3"});
    CHECK(result.err == "");
    CHECK(result.exited(0));
  }
}

TEST_CASE("a value may look like an option", "[cli]") {
  const NoDescendantLeft guard;
  for (const Words& jobs : {Words{"-j", "-1"}, Words{"-j-1"}, Words{"--jobs", "-1"},
                            Words{"--jobs=-1"}, Words{"-P", "-1000"}}) {
    CAPTURE(jobs);
    Words words{"pool", "-q"};
    words.insert(words.end(), jobs.begin(), jobs.end());
    words.insert(words.end(), {"echo", ":::", "a"});
    const Result result = run_procrun(words);
    CHECK(result.out == "a\n");
    CHECK(result.exited(0));
  }
  CHECK(run_procrun({"pool", "-qk", "--tagstring", "-k", "echo", ":::", "a"}).out == "-k\ta\n");
  CHECK(run_procrun({"pool", "-qk", "--tagstring=", "echo", ":::", "a"}).out == "\ta\n");
  CHECK(run_procrun({"spawn", "-q", "--prefix=", "echo", "a"}).out == "a\n");
  CHECK(run_procrun({"pool", "-qk", "-I", "--", "echo", "<-->", ":::", "a"}).out == "<a>\n");
  CHECK(run_procrun({"spawn", "--name", "-q", "--for=--", "true"})
            .err.find("and name is  -q which is used for --\n") != std::string::npos);
}

TEST_CASE("a COMMAND that is missing behind an option or -- is an error, no lesson", "[cli]") {
  const NoDescendantLeft guard;
  const auto [verb, options] = GENERATE(table<std::string, Words>({
      {"spawn", {"-t", "5"}},
      {"spawn", {"-t5"}},
      {"spawn", {"--timeout=5"}},
      {"spawn", {"--"}},
      {"spawn", {"-q"}},
      {"spawn", {"-t", "5", "--"}},
      {"spawn", {"--name", "x", "--"}},
      {"spawn", {"--no-join", "--"}},
      {"spawn", {"--no-shell"}},
      {"wait", {"--"}},
      {"wait", {"-q"}},
      {"wait", {"-v"}},
      {"wait", {"--shell"}},
      {"wait", {"--count", "2", "-q"}},
      {"fork", {"--"}},
      {"fork", {"-q"}},
      {"fork", {"-q", "--"}},
      {"pool", {"--"}},
      {"pool", {"-k"}},
      {"pool", {"-j2", "-k"}},
      {"pool", {"-0"}},
      {"pool", {"--dry-run"}},
      {"pool", {"--tasks", "2", "-u"}},
      {"pool", {"-j2", "--"}},
  }));
  Words words{verb};
  words.insert(words.end(), options.begin(), options.end());
  refuses(words, "procrun: " + verb + ": ", "a COMMAND is missing");
}

TEST_CASE("a PID that is missing behind an option or -- is an error, no lesson", "[cli]") {
  const NoDescendantLeft guard;
  refuses({"waitpid", "--"}, "procrun: waitpid: ", "a PID is missing");
  refuses({"waitpid", "-t", "1"}, "procrun: waitpid: ", "a PID is missing");
  refuses({"waitpid", "-q"}, "procrun: waitpid: ", "a PID is missing");
}

TEST_CASE("a lesson's option with a COMMAND is an error", "[cli]") {
  const NoDescendantLeft guard;
  refuses({"spawn", "--no-join", "true"}, "procrun: spawn: --no-join", "procrun fork");
  refuses({"wait", "--exit-code", "3", "true"}, "procrun: wait: --exit-code");
  refuses({"wait", "--childless", "true"}, "procrun: wait: --childless");
  refuses({"wait", "--speed", "2", "--", "true"}, "procrun: wait: --speed");
  refuses({"pool", "--tasks", "2", "echo", ":::", "a"}, "procrun: pool: --tasks");
  refuses({"pool", "--kill-worker", "1", "echo", ":::", "a"}, "procrun: pool: --kill-worker");
  refuses({"pool", "--tasks", "2", ":::", "true"}, "procrun: pool: --tasks");
}

TEST_CASE("an option that there is not names the nearest", "[cli]") {
  const NoDescendantLeft guard;
  refuses({"spawn", "--timout", "5", "true"}, "procrun: spawn: ", "did you mean --timeout?");
  refuses({"spawn", "--timout=5", "true"}, "procrun: spawn: ", "did you mean --timeout?");
  refuses({"pool", "--keeporder", "true"}, "procrun: pool: ", "did you mean --keep-order?");
  refuses({"pool", "--Tag", "true"}, "procrun: pool: ", "did you mean --tag?");
  refuses({"wait", "--exitcode", "1"}, "procrun: wait: ", "did you mean --exit-code?");
  refuses({"fork", "--stdou", "x", "true"}, "procrun: fork: ", "did you mean --stdout?");
  refuses({"waitpid", "--nohangs", "1"}, "procrun: waitpid: ", "did you mean --nohang?");
  refuses({"--quite", "spawn", "true"}, "procrun: ", "did you mean --quiet?");
  refuses({"pool", "--jobss", "2"}, "procrun: pool: ", "did you mean --jobs?");
  refuses({"pool", "--tga", "true"}, "procrun: pool: ", "did you mean --tag?");
  refuses({"pool", "--nome", "true"}, "procrun: pool: there is no option --nome\n");
  refuses({"spawn", "-Z", "true"}, "procrun: spawn: there is no option -Z");
  refuses({"spawn", "-qZ", "true"}, "procrun: spawn: ");
  refuses({"spawn", "--qqqqqqqqqqqq", "true"}, "procrun: spawn: there is no option --qqqqqqqqqqqq");
  refuses({"spawn", "--\x1b[31m", "true"}, "procrun: spawn: there is no option --\\033[31m");
}

TEST_CASE("an option of other verbs, or of another program, is told to be that", "[cli]") {
  const NoDescendantLeft guard;
  refuses({"pool", "--lock", "f", "true"},
          "procrun: pool: there is no option --lock here: it is an option of spawn\n");
  refuses({"pool", "--name=x", "true"},
          "procrun: pool: there is no option --name here: it is an option of fork, spawn\n");
  refuses({"spawn", "--keep-order", "true"},
          "procrun: spawn: there is no option --keep-order here: it is an option of pool\n");
  refuses({"wait", "--pidfile", "f", "true"},
          "procrun: wait: there is no option --pidfile here: it is an option of fork, waitpid\n");
  refuses({"fork", "--subreaper", "true"},
          "procrun: fork: there is no option --subreaper here: it is an option of wait\n");
  refuses({"--jobs=2"}, "procrun: there is no option --jobs here: it is an option of pool\n");
  refuses({"pool", "--bar", "true"},
          "procrun: pool: there is no option --bar; did you mean --progress?\n");
  refuses({"pool", "--eta", "true"},
          "procrun: pool: there is no option --eta; did you mean --progress?\n");
}

TEST_CASE("a verb that there is not names the nearest", "[cli]") {
  const NoDescendantLeft guard;
  refuses({"spwan", "true"}, "procrun: there is no verb spwan", "did you mean spawn?");
  refuses({"waitpdi"}, "procrun: ", "did you mean waitpid?");
  refuses({"Pool", "true"}, "procrun: ", "did you mean pool?");
  refuses({"xyzzy"}, "procrun: there is no verb xyzzy (fork, wait, waitpid, spawn, pool)");
  refuses({""}, "procrun: there is no verb");
  refuses({"a\nb"}, "procrun: there is no verb");
  refuses({}, "procrun: a verb is missing");
  refuses({"-q"}, "procrun: ", "verb");
  refuses({"--", "spawn", "true"}, "procrun: ", "verb");
}

TEST_CASE("a value that does not parse is told with the forms that do", "[cli]") {
  const NoDescendantLeft guard;
  refuses({"spawn", "-t", "x", "true"}, "procrun: spawn: --timeout: 'x' is not a duration (250ms,");
  refuses({"spawn", "-t", "", "true"}, "procrun: spawn: --timeout: ");
  refuses({"spawn", "-t", "-5", "true"}, "procrun: spawn: --timeout: ");
  refuses({"spawn", "-t", "1h1h", "true"}, "procrun: spawn: --timeout: ");
  refuses({"pool", "-j", "x", "true"},
          "procrun: pool: --jobs: 'x' is not a number of jobs (4, 50%,");
  refuses({"pool", "-j", "abc", "true"}, "procrun: pool: --jobs: 'abc' is not a number of jobs (4,",
          "), nor a FILE that holds one\n");
  refuses({"pool", "-j", "", "true"}, "procrun: pool: --jobs: ");
  refuses({"pool", "-j", "1.5", "true"}, "procrun: pool: --jobs: ");
  refuses({"pool", "-j", "99999999999", "true"}, "procrun: pool: --jobs: ");
  refuses({"pool", "-P", "x", "true"}, "procrun: pool: -", "'x' is not a number of jobs");
  refuses({"pool", "--tasks", "0"}, "procrun: pool: --tasks: ");
  refuses({"pool", "--speed", "0"}, "procrun: pool: --speed: ");
  refuses({"pool", "--speed", "nan"}, "procrun: pool: --speed: ");
  refuses({"wait", "--exit-code", "256"}, "procrun: wait: --exit-code: ");
  refuses({"wait", "--exit-code", "-1"}, "procrun: wait: --exit-code: ");
  refuses({"wait", "--kill", "NOSUCH"}, "procrun: wait: --kill: 'NOSUCH' is not a signal (TERM,");
  refuses({"wait", "--count", "0"}, "procrun: wait: --count: ");
  refuses({"waitpid", "x/"}, "procrun: waitpid: 'x/' is not a process id", "name of a job");
  refuses({"waitpid", "0"}, "procrun: waitpid: '0' is not a process id");
  refuses({"waitpid", "12:x"}, "procrun: waitpid: '12:x' is not a process id");
  refuses({"waitpid", "12@"}, "procrun: waitpid: '12@' is not a process id");
  refuses({"waitpid", "--until", "born", "12"}, "procrun: waitpid: --until: 'born' is none of");
  refuses({"waitpid", "--count", "3", "12", "13"}, "procrun: waitpid: --count 3: only 2 are named");
  refuses({"waitpid", "--on-timeout", "TERM,5s,KILL", "12"},
          "procrun: waitpid: --on-timeout needs a --timeout");
  refuses({"waitpid", "-t1", "--on-timeout", "TERM", "12"},
          "procrun: waitpid: --on-timeout: 'TERM' does not end with KILL");
  refuses({"waitpid", "--nohang", "-t1", "12"}, "procrun: waitpid: --nohang does not wait");
  refuses({"waitpid", "--status", "--until", "stopped", "12"},
          "procrun: waitpid: --status is that of a process that has ended");
  refuses({"waitpid", "--status", "--pgid", "12"},
          "procrun: waitpid: --status is that of one process");
  refuses({"waitpid", "--untraced", "--pgid", "12"},
          "procrun: waitpid: --untraced is the lesson's");
  refuses({"waitpid", "--", "-1"}, "procrun: waitpid: '-1' is not a process id");
  refuses({"spawn", "--color=blue", "true"}, "procrun: spawn: --color: 'blue' is none of auto,");
  refuses({"spawn", "--log-level", "loud", "true"}, "procrun: spawn: --log-level: 'loud' is none");
  refuses({"spawn", "--log-format=xml", "true"}, "procrun: spawn: --log-format: 'xml' is neither");
  refuses({"spawn", "--log-file", "/nonexistent/x", "true"},
          "procrun: spawn: ", "/nonexistent/x: No such file or directory");
}

TEST_CASE("a value that is missing, and one for a flag, are told", "[cli]") {
  const NoDescendantLeft guard;
  refuses({"spawn", "-t"}, "procrun: spawn: the option -t needs a value");
  refuses({"spawn", "--timeout"}, "procrun: spawn: the option --timeout needs a value");
  refuses({"pool", "-qj"}, "procrun: pool: the option -");
  refuses({"--color"}, "procrun: the option --color needs a value");
  refuses({"spawn", "--quiet=maybe", "true"}, "procrun: spawn: ", "quiet");
}

TEST_CASE("options that exclude each other are told", "[cli]") {
  const NoDescendantLeft guard;
  refuses({"spawn", "--shell", "--no-shell", "true"}, "procrun: spawn: --shell and --no-shell");
  refuses({"pool", "-u", "-k", "echo", ":::", "a"}, "procrun: pool: -k");
  refuses({"pool", "-u", "--group", "echo", ":::", "a"},
          "procrun: pool: --group, --line-buffer and -u");
  refuses({"pool", "-u", "--tag", "echo", ":::", "a"}, "procrun: pool: --tag");
}

TEST_CASE("help and version are printed on stdout, with status 0", "[cli]") {
  const NoDescendantLeft guard;
  const auto prints = [](const Words& words, const std::string& begin, const std::string& holds) {
    CAPTURE(words);
    const Result result = run_procrun(words);
    CAPTURE(result.out);
    CHECK(result.out.starts_with(begin));
    CHECK(result.out.find(holds) != std::string::npos);
    CHECK(result.out.ends_with("\n"));
    CHECK(result.err == "");
    CHECK(result.exited(0));
  };
  prints({"--version"}, "procrun ", ".");
  prints({"-V"}, "procrun ", ".");
  prints({"--help"}, "Usage: procrun ", "pool");
  prints({"-h"}, "Usage: procrun ", "Example:");
  for (const char* verb : {"fork", "wait", "waitpid", "spawn", "pool"}) {
    prints({verb, "--help"}, "Usage: procrun " + std::string{verb} + " ", "Example:");
    prints({verb, "-h"}, "Usage: procrun " + std::string{verb} + " ", "--quiet");
    prints({"-h", verb}, "Usage: procrun " + std::string{verb} + " ", "--log-level");
  }
  // Behind COMMAND it is COMMAND's.
  CHECK(run_procrun({"spawn", "-q", "echo", "--help", "me"}).out == "--help me\n");
}

TEST_CASE("durations are understood in all their forms", "[cli]") {
  const NoDescendantLeft guard;
  for (const char* duration : {"60", "60s", "60000ms", "1.5m", "1h30m", "1d", "0", "0s"}) {
    CAPTURE(duration);
    CHECK(run_procrun({"spawn", "-q", "-t", duration, "true"}).exited(0));
  }
  for (const char* duration : {"0.05", "50ms", ".05s", "0.05s"}) {
    CAPTURE(duration);
    CHECK(run_procrun({"spawn", "-q", "-t", duration, "sleep", "60"}).exited(124));
  }
}

}  // namespace procrun::test
