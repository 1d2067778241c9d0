#include "state/records.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <tuple>

#include "state/directory.h"
#include "sys/error.h"
#include "sys/slurp.h"

namespace procrun::state {
namespace {

constexpr std::string_view kRecord = ".job";
constexpr std::string_view kName = ".name";
constexpr std::string_view kLock = ".lock";
constexpr std::string_view kNew = ".new";

void write_all(const sys::Fd& file, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const auto size =
        sys::retry("write " + path, [&] { return ::write(file.get(), text.data(), text.size()); });
    text.remove_prefix(static_cast<std::size_t>(size));
  }
}

void rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) == -1) sys::fail("write " + to);
}

struct CloseDir {
  void operator()(DIR* dir) const noexcept { ::closedir(dir); }
};

std::vector<std::string> files_in(const std::string& directory, std::string_view ending) {
  const std::unique_ptr<DIR, CloseDir> dir{::opendir(directory.c_str())};
  if (!dir) sys::fail("read the state directory " + directory);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(dir.get())) {
    if (std::string_view{entry->d_name}.ends_with(ending)) names.emplace_back(entry->d_name);
  }
  return names;
}

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

std::string link_target(const std::string& path) {
  char text[512];
  const ssize_t size = ::readlink(path.c_str(), text, sizeof text);
  return {text, size > 0 ? static_cast<std::size_t>(size) : 0};
}

}  // namespace

std::string JobState::text() const {
  switch (kind) {
    case Kind::Running:
      return "running";
    case Kind::Ended:
      return status.text();
    case Kind::Unknown:
      break;
  }
  return "unknown: " + why;
}

Records::Records(const std::string& directory) : directory_{absolute(directory)} {}

std::string Records::path_of(const Record& record) const {
  return directory_ + '/' + record.id + std::string{kRecord};
}

void Records::keep(const Record& record) const {
  const std::string path = path_of(record);
  const std::string beside = path + std::string{kNew};
  const sys::Fd file = sys::open(beside, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  write_all(file, to_text(record), beside);
  rename(beside, path);
}

void Records::give_name(const Record& record) const {
  const std::string link = directory_ + '/' + record.name + std::string{kName};
  const std::string beside = link + std::string{kNew};
  ::unlink(beside.c_str());  // of one who was killed here
  if (::symlink((record.id + std::string{kRecord}).c_str(), beside.c_str()) == -1) {
    sys::fail("write " + beside);
  }
  rename(beside, link);
}

std::optional<Record> Records::read(const std::string& id) const {
  const std::string path = directory_ + '/' + id + std::string{kRecord};
  if (::access(path.c_str(), F_OK) == -1) return std::nullopt;
  auto record = parse_record(sys::slurp(path));
  if (!record) throw TornRecord{path};
  return record;
}

std::optional<Record> Records::named(const std::string& name) const {
  const std::string file = link_target(directory_ + '/' + name + std::string{kName});
  if (!file.ends_with(kRecord)) return std::nullopt;
  return read(file.substr(0, file.size() - kRecord.size()));
}

std::optional<Record> Records::of_pid(pid_t pid) const {
  std::optional<Record> last;
  for (Record& record : all().records) {
    if (record.command.pid != pid) continue;
    last = std::move(record);
    if (state_of(*last).kind == JobState::Kind::Running) break;
  }
  return last;
}

std::optional<Record> Records::find(const std::string& word) const {
  if (!is_number(word)) return named(word);
  return word.size() < 10 ? of_pid(static_cast<pid_t>(std::stol(word))) : std::nullopt;
}

Listing Records::all() const {
  Listing listing;
  for (const std::string& file : files_in(directory_, kRecord)) {
    try {
      auto record = read(file.substr(0, file.size() - kRecord.size()));
      if (record) listing.records.push_back(std::move(*record));
    } catch (const TornRecord&) {
      listing.torn.push_back(directory_ + '/' + file);
    }
  }
  std::sort(listing.records.begin(), listing.records.end(), [](const Record& a, const Record& b) {
    return std::tie(a.started, a.id) < std::tie(b.started, b.id);
  });
  return listing;
}

JobState Records::state_of(const Record& record) const {
  using Kind = JobState::Kind;
  const bool our_boot = record.boot == sys::boot_id();
  const bool ours = our_boot && record.pid_namespace == sys::pid_namespace();
  const bool supervised = ours && sys::is_alive(record.supervisor);
  if (record.status) return {Kind::Ended, *record.status, supervised};
  // Its supervisor may have written the end, and ended, since it was read.
  if (const auto now = read(record.id); now && now->status) {
    return {Kind::Ended, *now->status, supervised};
  }
  if (supervised || (ours && sys::is_alive(record.command)))
    return {Kind::Running, ExitStatus{}, supervised};
  if (!our_boot) return {Kind::Unknown, ExitStatus{}, false, "the machine was started anew since"};
  if (!ours) return {Kind::Unknown, ExitStatus{}, false, "it belongs to another pid namespace"};
  return {Kind::Unknown, ExitStatus{}, false, "its supervisor was killed"};
}

std::optional<sys::Fd> Records::take_name(const std::string& name) const {
  // Never removed: who waits for a removed one would hold a lock that nobody else sees.
  const std::string path = directory_ + '/' + name + std::string{kLock};
  sys::Fd file = sys::open(path, O_RDWR | O_CREAT, 0600);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return file;
  if (errno != EWOULDBLOCK) sys::fail("lock " + path);
  return std::nullopt;
}

void Records::forget(std::chrono::seconds age) const {
  const time_t before = ::time(nullptr) - age.count();
  for (const std::string_view ending : {kRecord, kNew}) {
    for (const std::string& file : files_in(directory_, ending)) {
      struct stat status {};
      const std::string path = directory_ + '/' + file;
      if (::lstat(path.c_str(), &status) == -1 || status.st_mtime > before) continue;
      if (ending == kRecord) {
        forget_file(file);
      } else {
        ::unlink(path.c_str());
      }
    }
  }
}

void Records::forget_file(const std::string& file) const {
  const std::string path = directory_ + '/' + file;
  const auto record = parse_record(sys::slurp(path));
  if (record) {
    if (state_of(*record).kind == JobState::Kind::Running) return;
    const std::string link = directory_ + '/' + record->name + std::string{kName};
    if (!record->name.empty() && link_target(link) == file) return;
    for (const std::string& log : {record->out, record->err}) {
      if (log.starts_with(directory_ + '/' + record->id)) ::unlink(log.c_str());
    }
  }
  ::unlink(path.c_str());
}

std::string new_id(const std::string& name) {
  const time_t now = ::time(nullptr);
  tm parts{};
  ::gmtime_r(&now, &parts);
  char stamp[32];
  ::strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &parts);
  std::uint64_t random = 0;
  if (::getrandom(&random, sizeof random, 0) != sizeof random) sys::fail("getrandom");
  char text[64];
  std::snprintf(text, sizeof text, "%s-%08llx", stamp, random & 0xffffffffULL);
  return (name.empty() ? "" : name + '-') + text;
}

void check_name(const std::string& name) {
  constexpr std::string_view kBytes =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  const bool good = !name.empty() && name.size() <= 100 && !is_number(name) && name[0] != '.' &&
                    name[0] != '-' && name.find_first_not_of(kBytes) == std::string::npos;
  if (good) return;
  throw std::invalid_argument(
      "a job's name is made of letters, digits and . _ - (web, db-1.test), at most 100, and is not "
      "a mere number");
}

}  // namespace procrun::state
