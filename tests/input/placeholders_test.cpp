#include "input/placeholders.h"

#include <catch2/catch.hpp>

#include "random_bytes.h"
#include "support.h"

using procrun::input::Template;
using procrun::input::Values;
using procrun::test::NoChildLeft;
using procrun::test::RandomBytes;
using procrun::test::run;
using Words = std::vector<std::string>;

namespace {

std::string rendered(const std::string& text, const Words& items,
                     const Template::Options& options = {}) {
  return Template{{text}, options}.text({.items = items, .seq = 7, .slot = 3});
}

Words words(const Words& command, const Words& items) {
  return Template{command}.words({.items = items});
}

std::string shell_line(const Words& command, const Words& items) {
  return Template{command}.shell_line({.items = items});
}

}  // namespace

TEST_CASE("a path is taken apart as by GNU parallel", "[placeholders]") {
  struct Row {
    const char *item, *no_extension, *base, *dir, *base_no_extension;
  };
  // Its version 20221122 gave these.
  const auto row = GENERATE(values<Row>({{"a.b", "a", "a.b", ".", "a"},
                                         {"a", "a", "a", ".", "a"},
                                         {"/a/b.c", "/a/b", "b.c", "/a", "b"},
                                         {"a/b/", "a/b/", "", "a", ""},
                                         {"/", "/", "", "/", ""},
                                         {"//", "//", "", "/", ""},
                                         {"a.", "a", "a.", ".", "a"},
                                         {".bashrc", "", ".bashrc", ".", ""},
                                         {"a.b.c", "a.b", "a.b.c", ".", "a.b"},
                                         {"a/.b", "a/", ".b", "a", ""},
                                         {"./x.tar.gz", "./x.tar", "x.tar.gz", ".", "x.tar"},
                                         {"a.b/c", "a.b/c", "c", "a.b", "c"},
                                         {"/.a", "/", ".a", "/", ""},
                                         {"a//", "a//", "", ".", ""},
                                         {"a//b", "a//b", "b", "a", "b"},
                                         {"", "", "", ".", ""},
                                         {"..", ".", "..", ".", "."},
                                         {"///a", "///a", "a", "/", "a"},
                                         {"a/./b", "a/./b", "b", "a/.", "b"}}));
  INFO(row.item);
  CHECK(rendered("{}", {row.item}) == row.item);
  CHECK(rendered("{.}", {row.item}) == row.no_extension);
  CHECK(rendered("{/}", {row.item}) == row.base);
  CHECK(rendered("{//}", {row.item}) == row.dir);
  CHECK(rendered("{/.}", {row.item}) == row.base_no_extension);
}

TEST_CASE("a number picks an item from either end", "[placeholders]") {
  const Words items{"a.b", "c/d.e"};
  CHECK(rendered("{1} {2} {01} {-1} {-2}", items) == "a.b c/d.e a.b c/d.e a.b");
  CHECK(rendered("{1.} {2/} {2//} {2/.} {-1/.}", items) == "a d.e c d d");
  CHECK(rendered("{1}{2}", items) == "a.bc/d.e");
  CHECK(rendered("{0}", items) == "a.b c/d.e");
}

TEST_CASE("an item that is not there is empty", "[placeholders]") {
  CHECK(rendered("[{3}][{-3}][{3//}]", {"a", "b"}) == "[][][]");
  CHECK(words({"x", "{3}", "y"}, {"a", "b"}) == Words{"x", "", "y"});
  CHECK(shell_line({"x", "{3}", "y"}, {"a", "b"}) == "x  y");
}

TEST_CASE("the job and its slot have numbers", "[placeholders]") {
  CHECK(rendered("{#}-{%}", {"a"}) == "7-3");
  CHECK(Template{{"echo", "{#}"}}.has_placeholder());
}

TEST_CASE("a column's name stands for its item once names are known", "[placeholders]") {
  const Template::Options options{.names = {"n", "dir name", "2"}};
  CHECK(rendered("{n} {n.} {dir name/} {dir name//} {n/.}", {"a.b", "c/d", "e"}, options) ==
        "a.b a d c a");
  CHECK(rendered("{2}", {"a", "b", "c"}, options) == "b");
  CHECK(rendered("{zz}", {"a", "b", "c"}, options) == "{zz}");
  CHECK(rendered("{n}", {"a"}) == "{n}");
}

TEST_CASE("braces around anything else stay as they are", "[placeholders]") {
  for (const auto* text :
       {"{",    "}",     "{ }",    "}{",        "{foo}",         "{print $1}",
        "{/1}", "{.1}",  "{1./}",  "{+1}",      "{//.}",         "{..}",
        "{-0}", "{a,b}", "{1..3}", "{{.Name}}", "{{foo}}",       R"({"a":{"b":{"c":1}}})",
        "{{{",  "}}}",   "{1",     "{1{",       "{99999999999}", "{- 1}",
        "{##}"}) {
    INFO(text);
    CHECK(rendered(text, {"X"}) == text);
    CHECK_FALSE(Template{{text}}.has_placeholder());
  }
}

TEST_CASE("T41: braces that stand beside a placeholder are text", "[placeholders]") {
  CHECK(rendered("{print {}}", {"X"}) == "{print X}");
  CHECK(rendered(R"({"a":{"b":{}}})", {"X"}) == R"({"a":{"b":X}})");
  CHECK(rendered(R"({"a":{"b":"{}"}})", {"X"}) == R"({"a":{"b":"X"}})");
  CHECK(rendered("{{}", {"X"}) == "{X");
  CHECK(rendered("{}}", {"X"}) == "X}");
  CHECK(rendered("{1{}", {"X"}) == "{1X");
}

TEST_CASE("doubled braces are literal ones", "[placeholders]") {
  CHECK(rendered("{{}}", {"X"}) == "{}");
  CHECK(rendered("{{/.}} {{1}} {{#}}", {"X"}) == "{/.} {1} {#}");
  CHECK(rendered("{{{}}}", {"X"}) == "{X}");
  CHECK(rendered("{{{{}}}}", {"X"}) == "{{}}");
  CHECK(rendered("{{{{{.}}}}}", {"X.y"}) == "{{X}}");
  CHECK_FALSE(Template{{"{{}}"}}.has_placeholder());
}

TEST_CASE("another token replaces the empty braces only", "[placeholders]") {
  CHECK(rendered(",, {} {1} {.}", {"a.b"}, {.token = ",,"}) == "a.b {} a.b a");
  CHECK(rendered("{x} {{x}}", {"a"}, {.token = "{x}"}) == "a {a}");
  CHECK(rendered("{{}} {{{}}}", {"a"}, {.token = ",,"}) == "{{}} {{{}}}");
  CHECK(Template{{"a,,b"}, {.token = ",,"}}.has_placeholder());
}

TEST_CASE("an empty token turns all placeholders off", "[placeholders]") {
  const auto options = GENERATE(Template::Options{.token = ""}, Template::Options{.expand = false});
  CHECK(rendered("{} {1} {{}} {#}", {"a"}, options) == "{} {1} {{}} {#}");
  const Words items{"a"};
  CHECK(Template{{"{}"}, options}.words({.items = items}) == Words{"{}", "a"});
}

TEST_CASE("without a placeholder the items are appended as words", "[placeholders]") {
  CHECK(words({"gzip", "-9"}, {"a b", ""}) == Words{"gzip", "-9", "a b", ""});
  CHECK(shell_line({"gzip -9"}, {"a b", ""}) == "gzip -9 'a b' ''");
  CHECK(rendered("label", {"a"}) == "label");
  CHECK(shell_line({}, {"a"}) == "a");
}

TEST_CASE("several items are as many words", "[placeholders]") {
  CHECK(words({"x{}y", "z{.}"}, {"a 1", "b.c"}) == Words{"xa 1", "b.cy", "za 1", "b"});
  CHECK(shell_line({"x{}y", "z{.}"}, {"a 1", "b.c"}) == "x'a 1' b.cy z'a 1' b");
}

TEST_CASE("a word that is to be repeated is said once for each item", "[placeholders]") {
  const auto repeated = [](const Words& command, const Words& items) {
    return Template{command, {.repeat = Template::Repeat::Words}}.words({.items = items});
  };
  CHECK(repeated({"c", "{}"}, {"a", "b c"}) == Words{"c", "a", "b c"});
  CHECK(repeated({"x{}y{.}", "z"}, {"a.1", "b"}) == Words{"xa.1ya", "xbyb", "z"});
  CHECK(repeated({"x {} y"}, {"a", "b"}) == Words{"x a y", "x b y"});
  CHECK(repeated({"{1}", "{1}-{}"}, {"a", "b"}) == Words{"a", "a-a", "a-b"});
  CHECK(repeated({"c"}, {"a", "b"}) == Words{"c", "a", "b"});
  CHECK(repeated({"c", "x{}"}, {}) == Words{"c"});
}

TEST_CASE("in a shell's line what stands between blanks and operators is repeated",
          "[placeholders]") {
  const auto repeated = [](const Words& command, const Words& items) {
    return Template{command, {.repeat = Template::Repeat::Chunks}}.shell_line({.items = items});
  };
  CHECK(repeated({"mv  {} d/{}.bak\t; ls"}, {"a b", "c"}) ==
        "mv  'a b' c d/'a b'.bak d/c.bak\t; ls");
  CHECK(repeated({"f {};g {}|h>{2}"}, {"a", "b"}) == "f a b;g a b|h>b");
  CHECK(repeated({"f", "x {}", " {}"}, {"a", "b"}) == "f x a b  a b");
  CHECK(repeated({"f {}\ng"}, {"a", "b"}) == "f a b\ng");
  CHECK(repeated({"f"}, {"a", "b"}) == "f a b");
  CHECK(repeated({"f {} g"}, {}) == "f  g");
}

TEST_CASE("the template's own text reaches the shell as it is", "[placeholders]") {
  CHECK(shell_line({"gzip < {} > {.}.gz; echo $HOME"}, {"a b.c"}) ==
        "gzip < 'a b.c' > 'a b'.gz; echo $HOME");
  CHECK(shell_line({R"("{}")"}, {"a b"}) == R"("'a b'")");
}

TEST_CASE("an inserted value is never expanded again", "[placeholders]") {
  CHECK(words({"{}{}", "{1}"}, {"{.}{#}{{}}"}) == Words{"{.}{#}{{}}{.}{#}{{}}", "{.}{#}{{}}"});
  CHECK(words({"{1}", "{2}"}, {"{2}", "{1}"}) == Words{"{2}", "{1}"});
}

TEST_CASE("a placeholder is one argument whatever bytes its item has", "[placeholders]") {
  RandomBytes random{4};
  const Template command{{"{}", "a{}", "{1}b{-1}"}};
  for (int i = 0; i < 2000; ++i) {
    const Words items{random.next(20)};
    CHECK(command.words({.items = items}) ==
          Words{items[0], "a" + items[0], items[0] + "b" + items[0]});
  }
}

TEST_CASE("a value reaches a shell's command unharmed", "[placeholders]") {
  const NoChildLeft guard;
  RandomBytes random{5};
  const Template command{{"printf '%s\\0' {} x{}y {/.}; : {#}"}};
  for (int i = 0; i < 20; ++i) {
    const Words items{random.next(40)};
    const auto name = Template{{"{/.}"}}.text({.items = items});
    std::string expected;
    for (const auto& word : {items[0], "x" + items[0] + "y", name}) expected.append(word) += '\0';
    CHECK(run({"/bin/sh", "-c", command.shell_line({.items = items})}).out == expected);
  }
}

TEST_CASE("any template renders and text without braces is kept", "[placeholders]") {
  RandomBytes random{6};
  for (int i = 0; i < 5000; ++i) {
    auto text = random.next(30);
    const Words items{"X"};
    CHECK_NOTHROW(Template{{text}, {.token = random.next(3)}}.words({.items = items}));
    std::erase_if(text, [](char c) { return c == '{' || c == '}'; });
    CHECK(rendered(text, items) == text);
  }
}
