#include "input/shell.h"

#include <catch2/catch.hpp>

#include "random_bytes.h"
#include "support.h"

using procrun::input::display;
using procrun::input::needs_shell;
using procrun::input::printable;
using procrun::input::quote;
using procrun::test::NoChildLeft;
using procrun::test::RandomBytes;
using procrun::test::run;

namespace {

std::vector<std::string> random_words(unsigned seed, std::size_t count) {
  RandomBytes random{seed};
  std::vector<std::string> words;
  for (std::size_t i = 0; i < count; ++i) words.push_back(random.next(24));
  return words;
}

std::string nul_terminated(const std::vector<std::string>& words) {
  std::string all;
  for (const auto& word : words) all.append(word) += '\0';
  return all;
}

/// What a shell makes of `line`, the words of a command: each with a NUL behind it.
std::string as_read_by(const std::string& shell, const std::string& line) {
  return run({shell, "-c", "show() { printf '%s\\0' \"$@\"; }; show " + line}).out;
}

}  // namespace

TEST_CASE("a word that only a shell understands is told from a program", "[shell]") {
  for (const auto* word :
       {"echo hi", "a\tb", "a\nb",  "a|b",  "a&",  "a;b", "<in", ">out", "(a)", "$HOME",
        "`a`",     "a\\b", "\"a\"", "it's", "*.c", "a?",  "[a]", "~/x",  "~",   "#a"}) {
    INFO(word);
    CHECK(needs_shell(word));
  }
  for (const auto* word : {"", "gzip", "./tool", "/bin/true", "a=b", "FOO=1", "--x=y", "a-b_c.d+e",
                           "a~", "c#", "%1", "!", "@a:b,c", "a]", "^", "\xc3\xa9"}) {
    INFO(word);
    CHECK_FALSE(needs_shell(word));
  }
}

TEST_CASE("a placeholder alone does not ask for the shell", "[shell]") {
  for (const auto* word : {"{}", "{.}", "{/}", "{//}", "{/.}", "{#}", "{%}", "{1}", "{-1/.}",
                           "{name}", "echo{}", "./{}.sh"}) {
    INFO(word);
    CHECK_FALSE(needs_shell(word));
  }
}

TEST_CASE("a value is quoted byte for byte as GNU parallel quotes it", "[shell]") {
  CHECK(quote("a-b_c.d+e/F9") == "a-b_c.d+e/F9");
  CHECK(quote("") == "''");
  CHECK(quote("a b") == "'a b'");
  CHECK(quote("it's") == R"('it'"'"'s')");
  CHECK(quote("'a'") == R"("'"'a'"'")");
  CHECK(quote("'") == R"("'")");
  CHECK(quote("''") == R"("'"''"'")");
  CHECK(quote("a=b") == "'a=b'");
  CHECK(quote("~x") == "'~x'");
  CHECK(quote("@%:,") == "'@%:,'");
  CHECK(quote("\xc3\xa9") == "'\xc3\xa9'");
  CHECK(quote("a\nb") == "'a\nb'");
}

TEST_CASE("any bytes come back from a real shell", "[shell]") {
  const NoChildLeft guard;
  const auto words = random_words(2, 2000);
  std::string line;
  for (const auto& word : words) line += quote(word) + ' ';
  CHECK(as_read_by("/bin/sh", line) == nul_terminated(words));
  CHECK(as_read_by("/bin/bash", line) == nul_terminated(words));
}

TEST_CASE("each byte alone comes back from a real shell", "[shell]") {
  const NoChildLeft guard;
  std::vector<std::string> words;
  std::string line;
  for (int byte = 1; byte < 256; ++byte) {
    words.emplace_back(1, static_cast<char>(byte));
    line += quote(words.back()) + ' ';
  }
  CHECK(as_read_by("/bin/sh", line) == nul_terminated(words));
}

TEST_CASE("a quoted value is never an assignment and never a comment", "[shell]") {
  const NoChildLeft guard;
  CHECK(run({"/bin/sh", "-c", quote("FOO=1") + "; echo $?"}).out == "127\n");
  CHECK(run({"/bin/sh", "-c", "echo a " + quote("#b") + " c"}).out == "a #b c\n");
}

TEST_CASE("a command is displayed as one would type it", "[shell]") {
  CHECK(display({}) == "");
  CHECK(display({""}) == "''");
  CHECK(display({"make", "-j4", "CC=gcc", "--x=y", "a@b:c,d%", "-", ""}) ==
        "make -j4 CC=gcc --x=y a@b:c,d% - ''");
  CHECK(display({"FOO=1", "=a"}) == "'FOO=1' '=a'");
  CHECK(display({"echo", "a b", "it's", "~", "caf\xc3\xa9"}) == R"(echo 'a b' 'it'"'"'s' '~' 'caf)"
                                                                "\xc3\xa9'");
}

TEST_CASE("a displayed command can neither tear the line nor steer the terminal", "[shell]") {
  CHECK(display({"a\nb"}) == R"($'a\nb')");
  CHECK(display({"\x1b[2J"}) == R"($'\033[2J')");
  CHECK(display({"it's\\\t\x07\xff"}) == R"($'it\'s\\\t\a\377')");
  CHECK(display({"a\x7f"
                 "1"}) == R"($'a\1771')");
  CHECK(display({"\xc2\x9b"
                 "2J"}) == R"($'\302\2332J')");              // CSI as one character
  CHECK(display({"\xe2\x80\xae"}) == R"($'\342\200\256')");  // right-to-left override
}

TEST_CASE("a displayed command can be pasted whatever bytes it holds", "[shell]") {
  const NoChildLeft guard;
  const auto words = random_words(3, 2000);
  const auto line = display(words);
  CHECK(line.find_first_of("\n\r\x1b\x07") == std::string::npos);
  CHECK(as_read_by("/bin/bash", line) == nul_terminated(words));
}

TEST_CASE("text is printable on one line and otherwise left alone", "[shell]") {
  CHECK(printable("it's \\ \"caf\xc3\xa9\" \xf0\x9f\x99\x82") ==
        "it's \\ \"caf\xc3\xa9\" \xf0\x9f\x99\x82");
  CHECK(printable("a\r\n\tb") == "a\\r\\n\\tb");
  CHECK(printable(std::string_view{"\0", 1}) == "\\000");
  CHECK(printable("\xe2\x80\xa8") == "\\342\\200\\250");  // line separator
}

TEST_CASE("what is not UTF-8 is escaped byte by byte", "[shell]") {
  CHECK(printable("\x80") == "\\200");
  CHECK(printable("\xc3") == "\\303");
  CHECK(printable("\xc0\xaf") == "\\300\\257");                    // overlong
  CHECK(printable("\xe0\x80\xaf") == "\\340\\200\\257");           // overlong
  CHECK(printable("\xed\xa0\x80") == "\\355\\240\\200");           // surrogate
  CHECK(printable("\xf4\x90\x80\x80") == "\\364\\220\\200\\200");  // beyond U+10FFFF
  CHECK(printable("\xe2\x82x") == "\\342\\202x");
  CHECK(printable("\xf5") == "\\365");
}
