#include "input/json_job.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "input/nearest.h"
#include "input/quantity.h"
#include "input/shell.h"

namespace procrun::input {
namespace {

using Json = nlohmann::json;

constexpr unsigned kMost = 1'000'000;  // retries, or places

template <class... Parts>
[[noreturn]] void refuse(fmt::format_string<Parts...> form, Parts&&... parts) {
  throw std::invalid_argument(fmt::format(form, std::forward<Parts>(parts)...));
}

std::string shortened(std::string text) {
  constexpr std::size_t kEnough = 100;
  if (text.size() > kEnough) text = text.substr(0, kEnough) + "...";
  return text;
}

std::string shown(const Json& value) {
  return shortened(value.dump(-1, ' ', false, Json::error_handler_t::replace));
}

// --- The members ---

std::string text_of(const Json& value, std::string_view what) {
  if (!value.is_string()) refuse("{} has to be a string, not {}", what, shown(value));
  auto text = value.get<std::string>();
  if (text.find('\0') != std::string::npos) {
    refuse("{} holds a NUL byte, which can be passed to no program: {}", what, shown(value));
  }
  return text;
}

std::string full_text_of(const Json& value, std::string_view what) {
  auto text = text_of(value, what);
  if (text.empty()) refuse("{} is empty", what);
  return text;
}

void take_name(const Json& value, JsonJob& job) { job.name = full_text_of(value, "'name'"); }

void take_argv(const Json& value, JsonJob& job) {
  if (!value.is_array()) {
    refuse(R"('argv' has to be a list of strings (["cc","a.c"]), not {})", shown(value));
  }
  for (const Json& word : value) job.argv.push_back(text_of(word, "a word of 'argv'"));
  if (job.argv.empty()) refuse("'argv' is empty: its first word is the program");
  if (job.argv[0].empty()) refuse("the first word of 'argv', the program, is empty");
}

void take_shell(const Json& value, JsonJob& job) { job.shell = full_text_of(value, "'shell'"); }

void take_cwd(const Json& value, JsonJob& job) { job.cwd = full_text_of(value, "'cwd'"); }

void take_env(const Json& value, JsonJob& job) {
  if (!value.is_object()) {
    refuse(R"('env' has to be an object ({{"NAME":"value","OTHER":null}}), not {})", shown(value));
  }
  for (const auto& [name, setting] : value.items()) {
    if (name.empty() || name.find('=') != std::string::npos ||
        name.find('\0') != std::string::npos) {
      refuse("'env': {} is not the name of a variable", shown(Json(name)));
    }
    job.env.emplace_back(name, std::nullopt);
    if (setting.is_null()) continue;
    job.env.back().second = text_of(setting, "'env': what " + name + " is set to");
  }
}

/// As parse_duration() reads it: not in the form 1e-07.
std::string decimal(const Json& number) {
  const std::string text = number.dump();
  return text.find('e') == std::string::npos ? text : fmt::format("{:.18f}", number.get<double>());
}

void take_timeout(const Json& value, JsonJob& job) {
  if (!value.is_string() && !value.is_number()) {
    refuse("'timeout' has to be a duration (\"1m30s\") or a number of seconds, not {}",
           shown(value));
  }
  try {
    job.timeout = parse_duration(value.is_number() ? decimal(value) : value.get<std::string>());
  } catch (const std::invalid_argument& error) {
    refuse("'timeout': {}", error.what());
  }
}

unsigned number_of(const Json& value, std::string_view what, unsigned least) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() < least ||
      value.get<std::uint64_t>() > kMost) {
    refuse("{} has to be a whole number from {} to {}, not {}", what, least, kMost, shown(value));
  }
  return value.get<unsigned>();
}

void take_retries(const Json& value, JsonJob& job) {
  job.retries = number_of(value, "'retries'", 0);
}

void take_after(const Json& value, JsonJob& job) {
  if (!value.is_string() && !value.is_array()) {
    refuse(R"('after' has to be the name of a job or a list of names (["a","b"]), not {})",
           shown(value));
  }
  const Json names = value.is_array() ? value : Json::array({value});
  for (const Json& one : names) {
    auto name = full_text_of(one, "each name of 'after'");
    const bool is_new = std::find(job.after.begin(), job.after.end(), name) == job.after.end();
    if (is_new) job.after.push_back(std::move(name));
  }
}

void take_cost(const Json& value, JsonJob& job) { job.cost = number_of(value, "'cost'", 1); }

struct Member {
  std::string_view name;
  void (*take)(const Json& value, JsonJob& job);
};

constexpr std::array kMembers{
    Member{"name", take_name},       Member{"argv", take_argv},   Member{"shell", take_shell},
    Member{"cwd", take_cwd},         Member{"env", take_env},     Member{"timeout", take_timeout},
    Member{"retries", take_retries}, Member{"after", take_after}, Member{"cost", take_cost},
};

[[noreturn]] void refuse_member(const std::string& name) {
  std::vector<std::string> known;
  std::string all;
  for (const Member& member : kMembers) {
    known.emplace_back(member.name);
    all += (all.empty() ? "" : ", ") + known.back();
  }
  const std::string meant = nearest(name, known);
  if (!meant.empty()) refuse("there is no member {}; did you mean '{}'?", shown(name), meant);
  refuse("there is no member {} (but {})", shown(name), all);
}

// --- The line ---

/// Refuses what has been said twice, which the parser would pass over: in the object, and in its
/// `env`.
class Once {
 public:
  bool operator()(int depth, Json::parse_event_t event, const Json& parsed) {
    if (event == Json::parse_event_t::object_start && depth == 1) inner_.clear();
    if (event != Json::parse_event_t::key || depth > 2) return true;
    auto& seen = depth == 1 ? outer_ : inner_;
    if (!seen.insert(parsed.get<std::string>()).second) refuse("{} is there twice", shown(parsed));
    return true;
  }

 private:
  std::set<std::string> outer_;
  std::set<std::string> inner_;
};

/// What the parser has to say, without its name and the line's number, which is 1.
std::string fault_of(const Json::exception& error) {
  std::string text = error.what();
  for (const std::string_view frame : {"] ", "parse error at line 1, "}) {
    const auto at = text.find(frame);
    if (at != std::string::npos) text.erase(0, at + frame.size());
  }
  return shortened(std::move(text));
}

Json parse(std::string_view line) {
  try {
    return Json::parse(line,
                       [once = Once{}](int depth, Json::parse_event_t event, Json& parsed) mutable {
                         return once(depth, event, parsed);
                       });
  } catch (const Json::exception& error) {
    const bool may_be_a_group = line.size() > 1 && line[1] == ' ';
    refuse(
        "this is no JSON: {} (a job is an object on one line: {}{})", fault_of(error),
        R"({"argv":["cc","a.c"]})",
        may_be_a_group ? "; a group of the shell that begins with a quote needs :; before it" : "");
  }
}

}  // namespace

std::string JsonJob::label() const {
  if (!name.empty()) return name;
  return argv.empty() ? shell : display(argv);
}

bool is_json_job(std::string_view line) {
  if (!line.starts_with('{')) return false;
  const auto next = line.find_first_not_of(" \t", 1);
  return next == std::string_view::npos || line[next] == '"' || line[next] == '}';
}

JsonJob parse_json_job(std::string_view line) {
  const Json object = parse(line);
  JsonJob job;
  for (const auto& [name, value] : object.items()) {
    const auto* const member =
        std::find_if(kMembers.begin(), kMembers.end(),
                     [&key = name](const Member& one) { return one.name == key; });
    if (member == kMembers.end()) refuse_member(name);
    member->take(value, job);
  }
  if (!job.argv.empty() && !job.shell.empty()) refuse("'argv' and 'shell' exclude each other");
  if (job.argv.empty() && job.shell.empty()) {
    refuse("there is neither 'argv' (a list of words) nor 'shell' (a line for the shell)");
  }
  return job;
}

}  // namespace procrun::input
