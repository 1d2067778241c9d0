#include "job/limits.h"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string_view>

#include "input/quantity.h"
#include "input/shell.h"
#include "input/split.h"
#include "process/command.h"
#include "sys/fd.h"
#include "sys/slurp.h"

namespace procrun::job {
namespace {

enum class Unit { Count, Bytes, Seconds, Microseconds };

struct Named {
  std::string_view name;
  int resource;
  Unit unit;
};

constexpr std::array kNamed{
    Named{"as", RLIMIT_AS, Unit::Bytes},
    Named{"core", RLIMIT_CORE, Unit::Bytes},
    Named{"cpu", RLIMIT_CPU, Unit::Seconds},
    Named{"data", RLIMIT_DATA, Unit::Bytes},
    Named{"fsize", RLIMIT_FSIZE, Unit::Bytes},
    Named{"locks", RLIMIT_LOCKS, Unit::Count},
    Named{"memlock", RLIMIT_MEMLOCK, Unit::Bytes},
    Named{"msgqueue", RLIMIT_MSGQUEUE, Unit::Bytes},
    Named{"nice", RLIMIT_NICE, Unit::Count},
    Named{"nofile", RLIMIT_NOFILE, Unit::Count},
    Named{"nproc", RLIMIT_NPROC, Unit::Count},
    Named{"rss", RLIMIT_RSS, Unit::Bytes},
    Named{"rtprio", RLIMIT_RTPRIO, Unit::Count},
    Named{"rttime", RLIMIT_RTTIME, Unit::Microseconds},
    Named{"sigpending", RLIMIT_SIGPENDING, Unit::Count},
    Named{"stack", RLIMIT_STACK, Unit::Bytes},
};

template <class Number>
std::optional<Number> whole_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// The number of a user or a group. The last one means "as it is" to setresuid(2): no one's.
std::optional<std::uint32_t> parse_id(std::string_view text) {
  const auto id = whole_number<std::uint32_t>(text);
  return id == ~std::uint32_t{0} ? std::nullopt : id;
}

rlim_t parse_bound(const std::string& text, Unit unit) {
  if (text == "unlimited") return RLIM_INFINITY;
  switch (unit) {
    case Unit::Bytes:
      return input::parse_size(text);
    case Unit::Seconds:
      return static_cast<rlim_t>(
          std::chrono::ceil<std::chrono::seconds>(input::parse_duration(text)).count());
    case Unit::Microseconds:
      if (const auto number = whole_number<rlim_t>(text)) return *number;
      return static_cast<rlim_t>(
          std::chrono::ceil<std::chrono::microseconds>(input::parse_duration(text)).count());
    case Unit::Count:
      break;
  }
  if (const auto number = whole_number<rlim_t>(text)) return *number;
  throw std::invalid_argument("'" + input::printable(text) +
                              "' is not a limit (a whole number, or unlimited)");
}

const Named& find_limit(const std::string& name) {
  std::string known;
  for (const Named& one : kNamed) {
    if (one.name == name) return one;
    (known += known.empty() ? "" : ", ") += one.name;
  }
  throw std::invalid_argument("there is no limit '" + input::printable(name) + "' (" + known + ")");
}

/// Root may not in most containers.
bool may_raise_limits() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3]{};
  if (::syscall(SYS_capget, &header, sets) == -1) return ::geteuid() == 0;
  return (sets[0].effective & (1U << CAP_SYS_RESOURCE)) != 0;
}

void refuse_what_cannot_be(const Named& named, const rlimit& wanted, const rlimit& ours) {
  const std::string name{named.name};
  if (wanted.rlim_cur > wanted.rlim_max) {
    throw std::invalid_argument(name + ": the soft limit is above the hard one");
  }
  if (wanted.rlim_max > ours.rlim_max && !may_raise_limits()) {
    const char* const who = ::geteuid() == 0 ? "here not even root" : "only root";
    throw std::invalid_argument(name + ": the hard limit is " + std::to_string(ours.rlim_max) +
                                ", and " + who + " may raise it");
  }
}

struct CloseFile {
  void operator()(FILE* file) const noexcept { std::fclose(file); }
};
using File = std::unique_ptr<FILE, CloseFile>;

/// What `getent DATABASE KEY` prints: for databases that a static program cannot ask.
std::string getent(const std::string& database, const std::string& key) {
  auto [read, write] = sys::make_pipe();
  Command command{.argv = {"getent", database, key}, .out = write.get()};
  try {
    Child child = command.spawn();
    write.reset();
    std::string text;
    char buffer[1024];
    ssize_t size = 0;
    while ((size = ::read(read.get(), buffer, sizeof buffer)) > 0) {
      text.append(buffer, static_cast<std::size_t>(size));
    }
    child.wait();
    return text;
  } catch (const SpawnError&) {
    return "";  // there is no getent: then /etc was all there is
  }
}

struct Account {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
};

std::optional<Account> find_account(const std::string& key) {
  const auto uid = parse_id(key);
  const File file{std::fopen("/etc/passwd", "re")};
  while (const passwd* entry = file ? ::fgetpwent(file.get()) : nullptr) {
    if (uid ? entry->pw_uid == *uid : key == entry->pw_name) {
      return Account{entry->pw_name, entry->pw_uid, entry->pw_gid};
    }
  }
  const auto fields = input::split(getent("passwd", key), ':');  // name:x:uid:gid:…
  if (fields.size() < 4) return std::nullopt;
  const auto found_uid = parse_id(fields[2]);
  const auto found_gid = parse_id(fields[3]);
  if (!found_uid || !found_gid) return std::nullopt;
  return Account{fields[0], *found_uid, *found_gid};
}

gid_t find_group(const std::string& key) {
  if (const auto gid = parse_id(key)) return *gid;
  const File file{std::fopen("/etc/group", "re")};
  while (const group* entry = file ? ::fgetgrent(file.get()) : nullptr) {
    if (key == entry->gr_name) return entry->gr_gid;
  }
  const auto fields = input::split(getent("group", key), ':');
  const auto gid = fields.size() < 3 ? std::nullopt : parse_id(fields[2]);
  if (gid) return *gid;
  throw std::invalid_argument("there is no group '" + input::printable(key) + "'");
}

/// Those of /etc/group that name the user as a member, and its own.
std::vector<gid_t> groups_of(const std::string& name, gid_t own) {
  std::vector<gid_t> groups{own};
  const File file{std::fopen("/etc/group", "re")};
  while (const group* entry = file ? ::fgetgrent(file.get()) : nullptr) {
    for (char** member = entry->gr_mem; *member != nullptr; ++member) {
      if (name == *member && entry->gr_gid != own) groups.push_back(entry->gr_gid);
    }
  }
  return groups;
}

/// The numbers of `0-3,6`.
std::vector<int> parse_list(const std::string& text) {
  std::vector<int> numbers;
  for (const std::string& part : input::split(text, ',')) {
    const auto dash = part.find('-');
    const auto first = whole_number<int>(part.substr(0, dash));
    const auto last = dash == std::string::npos ? first : whole_number<int>(part.substr(dash + 1));
    if (!first || !last || *first < 0 || *last < *first || *last >= CPU_SETSIZE) {
      throw std::invalid_argument("'" + input::printable(text) +
                                  "' is no list of processors (0-3,6)");
    }
    for (int number = *first; number <= *last; ++number) numbers.push_back(number);
  }
  return numbers;
}

}  // namespace

std::vector<Limit> parse_limits(const std::string& text) {
  std::vector<Limit> limits;
  for (const std::string& part : input::split(text, ',')) {
    const auto equals = part.find('=');
    const Named& named = find_limit(part.substr(0, equals));
    const auto bounds =
        input::split(equals == std::string::npos ? "" : part.substr(equals + 1), ':');
    if (bounds.size() > 2 || (bounds.size() == 2 && bounds[0].empty() && bounds[1].empty())) {
      throw std::invalid_argument("'" + input::printable(part) + "' is not NAME=SOFT:HARD");
    }
    const auto resource = static_cast<__rlimit_resource>(named.resource);
    rlimit ours{};
    ::getrlimit(resource, &ours);
    rlimit wanted = ours;
    const bool both = bounds.size() == 1;
    if (both || !bounds[0].empty()) wanted.rlim_cur = parse_bound(bounds[0], named.unit);
    if (both) wanted.rlim_max = wanted.rlim_cur;
    if (!both && !bounds[1].empty()) wanted.rlim_max = parse_bound(bounds[1], named.unit);
    refuse_what_cannot_be(named, wanted, ours);
    limits.push_back({named.resource, wanted});
  }
  return limits;
}

cpu_set_t parse_cpus(const std::string& text) {
  std::string online = sys::slurp("/sys/devices/system/cpu/online");
  while (!online.empty() && online.back() == '\n') online.pop_back();
  cpu_set_t there;
  CPU_ZERO(&there);
  for (const int cpu : online.empty() ? std::vector<int>{} : parse_list(online)) {
    CPU_SET(static_cast<unsigned>(cpu), &there);
  }
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : parse_list(text)) {
    if (!online.empty() && CPU_ISSET(static_cast<unsigned>(cpu), &there) == 0) {
      throw std::invalid_argument("processor " + std::to_string(cpu) +
                                  " is not there; these are: " + online);
    }
    CPU_SET(static_cast<unsigned>(cpu), &set);
  }
  return set;
}

User find_user(const std::string& text) {
  const auto colon = text.find(':');
  const std::string who = text.substr(0, colon);
  const auto account = find_account(who);
  const auto uid = parse_id(who);
  if (!account && !uid) {
    throw std::invalid_argument("there is no user '" + input::printable(who) + "'");
  }
  User user;
  user.uid = account ? account->uid : *uid;
  if (colon != std::string::npos) {
    user.gid = find_group(text.substr(colon + 1));
  } else if (account) {
    user.gid = account->gid;
  } else {
    throw std::invalid_argument("user " + who + " is in no user database: say " + who + ":GID");
  }
  user.groups = account ? groups_of(account->name, user.gid) : std::vector<gid_t>{user.gid};
  return user;
}

}  // namespace procrun::job
