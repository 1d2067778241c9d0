// A record as text: a line for each value, the last one a checksum of those before it.
#include <array>
#include <charconv>
#include <cstdio>

#include "state/records.h"

namespace procrun::state {
namespace {

constexpr std::string_view kHead = "procrun job 1\n";

std::string checksum(std::string_view text) {  // FNV-1a, 64 bits
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : text) {
    hash ^= static_cast<unsigned char>(byte);
    hash *= 0x100000001b3;
  }
  char digits[32];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(hash));
  return digits;
}

/// One line a value, whatever bytes it holds.
void put(std::string& text, const char* key, std::string_view value) {
  text += key;
  text += ' ';
  for (const char byte : value) {
    if (byte == '\\' || byte == '\n') text += '\\';
    text += byte == '\n' ? 'n' : byte;
  }
  text += '\n';
}

std::string unescaped(std::string_view text) {
  std::string value;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      value += text[i];
    } else {
      value += text[++i] == 'n' ? '\n' : text[i];
    }
  }
  return value;
}

std::string text_of(const sys::ProcessId& id) {
  return std::to_string(id.pid) + ' ' + std::to_string(id.start_time) + ' ' +
         std::to_string(id.inode);
}

template <class Number>
Number take_number(std::string_view& text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.starts_with(' ')) text.remove_prefix(1);
  return number;
}

sys::ProcessId parse_process(std::string_view text) {
  sys::ProcessId id;
  id.pid = take_number<pid_t>(text);
  id.start_time = take_number<std::uint64_t>(text);
  id.inode = take_number<std::uint64_t>(text);
  return id;
}

/// What a later version adds is passed over.
void take_line(Record& record, std::string_view key, std::string_view value) {
  const std::array<std::pair<std::string_view, std::string*>, 10> texts{{
      {"id", &record.id},
      {"name", &record.name},
      {"directory", &record.directory},
      {"stdout", &record.out},
      {"stderr", &record.err},
      {"term-seq", &record.term_seq},
      {"boot", &record.boot},
      {"pid-namespace", &record.pid_namespace},
      {"started", &record.started},
      {"ended", &record.ended},
  }};
  for (const auto& [name, target] : texts) {
    if (key == name) *target = unescaped(value);
  }
  if (key == "arg") record.argv.push_back(unescaped(value));
  if (key == "command") record.command = parse_process(value);
  if (key == "supervisor") record.supervisor = parse_process(value);
  if (key == "status") record.status = ExitStatus{take_number<int>(value)};
}

/// What stands before the checksum, if that is right.
std::string_view checked(std::string_view text) {
  constexpr std::string_view kKey = "\nsum ";
  if (!text.starts_with(kHead) || !text.ends_with('\n')) return {};
  const auto at = text.rfind(kKey);
  if (at == std::string_view::npos) return {};
  const std::string_view body = text.substr(0, at + 1);
  return text.substr(at + kKey.size()) == checksum(body) + '\n' ? body : std::string_view{};
}

}  // namespace

std::string to_text(const Record& record) {
  std::string text{kHead};
  put(text, "id", record.id);
  put(text, "name", record.name);
  for (const std::string& word : record.argv) put(text, "arg", word);
  put(text, "directory", record.directory);
  put(text, "stdout", record.out);
  put(text, "stderr", record.err);
  if (!record.term_seq.empty()) put(text, "term-seq", record.term_seq);
  put(text, "boot", record.boot);
  put(text, "pid-namespace", record.pid_namespace);
  put(text, "command", text_of(record.command));
  put(text, "supervisor", text_of(record.supervisor));
  put(text, "started", record.started);
  if (record.status) {
    put(text, "status", std::to_string(record.status->raw()));
    put(text, "ended", record.ended);
  }
  return text + "sum " + checksum(text) + '\n';
}

std::optional<Record> parse_record(std::string_view text) {
  std::string_view body = checked(text);
  if (body.empty()) return std::nullopt;
  body.remove_prefix(kHead.size());
  Record record;
  while (!body.empty()) {
    const std::string_view line = body.substr(0, body.find('\n'));
    body.remove_prefix(line.size() + 1);
    const auto space = line.find(' ');
    if (space != std::string_view::npos) {
      take_line(record, line.substr(0, space), line.substr(space + 1));
    }
  }
  return record;
}

}  // namespace procrun::state
