#include "input/csv.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <stdexcept>

#include "random_bytes.h"
#include "support.h"

using procrun::input::csv_records;
using procrun::input::from_file;
using procrun::input::kMaxItem;
using procrun::input::Pull;
using procrun::input::Source;
using procrun::input::split_csv;
using procrun::test::RandomBytes;
using procrun::test::TempDir;
using procrun::test::write_file;
using Fields = std::vector<std::string>;
namespace sys = procrun::sys;

namespace {

Fields fields_of(const std::string& record, char separator = ',') {
  Fields fields;
  split_csv(record, separator, fields);
  return fields;
}

Fields records_in(const std::string& text, char separator = ',', char delimiter = '\n') {
  const TempDir dir;
  write_file(dir / "f", text);
  const auto source = csv_records(from_file(sys::open(dir / "f", O_RDONLY), delimiter, "f"),
                                  separator, delimiter, "f");
  Fields records;
  std::string record;
  while (source->next(record) == Pull::Item) records.push_back(record);
  return records;
}

/// As RFC 4180 writes it; quoted where it has to be, and now and then where not.
std::string written(const std::string& field, bool always) {
  if (!always && field.find_first_of(",\"\r\n") == std::string::npos) return field;
  std::string text = "\"";
  for (const char c : field) text += c == '"' ? std::string{"\"\""} : std::string{c};
  return text + '"';
}

}  // namespace

TEST_CASE("a record's fields stand between its separators", "[csv]") {
  CHECK(fields_of("a,b c,") == Fields{"a", "b c", ""});
  CHECK(fields_of("") == Fields{""});
  CHECK(fields_of(",") == Fields{"", ""});
  CHECK(fields_of("a;b,c", ';') == Fields{"a", "b,c"});
  CHECK(fields_of(" a , b ") == Fields{" a ", " b "});
}

TEST_CASE("a field in quotes may hold anything", "[csv]") {
  CHECK(fields_of(R"("a,b","c""d","")") == Fields{"a,b", "c\"d", ""});
  CHECK(fields_of("\"a\nb\",c") == Fields{"a\nb", "c"});
  CHECK(fields_of(R"("""",x)") == Fields{"\"", "x"});
  CHECK(fields_of(R"("",)") == Fields{"", ""});
}

TEST_CASE("a quote within a field that has none around it is text", "[csv]") {
  CHECK(fields_of(R"(5" pipe,a"b")") == Fields{"5\" pipe", "a\"b\""});
  CHECK(records_in("5\" pipe,x\ny\n") == Fields{"5\" pipe,x", "y"});
}

TEST_CASE("text behind a closing quote is an error and so is a quote without end", "[csv]") {
  for (const std::string record : {R"("a"b)", R"(x,"a" ,c)", R"("a)", R"(x,"a"")", "\""}) {
    INFO(record);
    CHECK_THROWS_AS(fields_of(record), std::runtime_error);
    CHECK_THROWS_WITH(fields_of(record), Catch::Contains(record.substr(0, 1)));
  }
}

TEST_CASE("a record goes on over the lines that stand in quotes", "[csv]") {
  CHECK(records_in("a,b\nc\n") == Fields{"a,b", "c"});
  CHECK(records_in("\"a\nb\",c\n\nd") == Fields{"\"a\nb\",c", "", "d"});
  CHECK(records_in("\"a\n\n\"\"\n\",\"b\n\"\nc\n") == Fields{"\"a\n\n\"\"\n\",\"b\n\"", "c"});
  CHECK(records_in("\"a;\";x;y", ',', ';') == Fields{"\"a;\"", "x", "y"});
}

TEST_CASE("a carriage return ends a record together with the newline", "[csv]") {
  CHECK(records_in("a,b\r\n\"c\r\nd\"\r\ne\r\n") == Fields{"a,b", "\"c\r\nd\"", "e"});
  CHECK(records_in("a\rb\n\r\n") == Fields{"a\rb", ""});
}

TEST_CASE("a quote that is never closed names the file", "[csv]") {
  CHECK_THROWS_WITH(records_in("a\n\"b\nc\n"),
                    Catch::StartsWith("f: a quote is never closed") && Catch::Contains("\"b"));
  CHECK_THROWS_AS(records_in("\"" + std::string(kMaxItem, '\n')), std::runtime_error);
}

TEST_CASE("a record that has not come yet in full is waited for", "[csv]") {
  auto pipe = sys::make_pipe();
  const int fd = pipe.read.get();
  const auto source = csv_records(from_file(std::move(pipe.read), '\n', "pipe"), ',', '\n', "pipe");
  std::string record;
  REQUIRE(::write(pipe.write.get(), "\"a\n", 3) == 3);
  CHECK(source->next(record) == Pull::Later);
  CHECK(source->wait_fd() == fd);
  REQUIRE(::write(pipe.write.get(), "b\"\n", 3) == 3);
  CHECK(source->next(record) == Pull::Item);
  CHECK(record == "\"a\nb\"");
  pipe.write.reset();
  CHECK(source->next(record) == Pull::End);
}

TEST_CASE("any fields can be written and are read again", "[csv]") {
  RandomBytes random{21};
  for (int round = 0; round < 30; ++round) {
    std::vector<Fields> table(1 + random.below(40));
    std::string text;
    for (auto& fields : table) {
      fields.resize(1 + random.below(5));
      for (auto& field : fields) {
        field = random.next(12);
        if (&field != fields.data()) text += ',';
        text += written(field, random.below(4) == 0);
      }
      text += random.below(2) == 0 ? "\n" : "\r\n";
    }
    std::vector<Fields> again;
    for (const auto& record : records_in(text)) again.push_back(fields_of(record));
    CHECK((again == table));
  }
}

TEST_CASE("any bytes are a table or an error", "[csv]") {
  RandomBytes random{22};
  for (int round = 0; round < 3000; ++round) {
    const auto text = random.next(40);
    try {
      Fields fields;
      split_csv(text, ',', fields);
      CHECK_FALSE(fields.empty());
    } catch (const std::runtime_error&) {
      CHECK(text.find('"') != std::string::npos);
    }
  }
}
