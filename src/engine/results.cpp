#include "engine/results.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <filesystem>
#include <numeric>
#include <system_error>
#include <utility>

#include "engine/identity.h"
#include "sys/error.h"
#include "sys/fd.h"
#include "sys/outlet.h"

namespace procrun::engine {
namespace {

std::string shortened(std::string name, const std::string& item) {
  constexpr std::size_t kDigits = 16;
  if (name.size() <= NAME_MAX) return name;
  name.resize(NAME_MAX - 1 - kDigits);
  return name + '~' + fnv1a_128(item).substr(0, kDigits);
}

std::string escaped(const std::string& item) {
  if (item.empty() || item == "." || item == "..") return "\\" + item;
  std::string name;
  for (const char byte : item) {
    switch (byte) {
      case '\\':
        name += "\\\\";
        break;
      case '/':
        name += "\\_";
        break;
      case '\t':
        name += "\\t";
        break;
      case '\0':
        name += "\\0";
        break;
      default:
        name += byte;
    }
  }
  return shortened(std::move(name), item);
}

void make_directories(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) sys::fail("make the directory " + path, error.value());
}

bool ends_within_line(const sys::Fd& file) {
  const off_t size = ::lseek(file.get(), 0, SEEK_END);
  char last = '\n';
  return size > 0 && ::pread(file.get(), &last, 1, size - 1) == 1 && last != '\n';
}

/// Writes all there is: files do not make anybody wait.
class File {
 public:
  File(const std::string& path, int how)
      : fd_{sys::open(path, O_RDWR | O_CREAT | how, 0666)}, outlet_{fd_.get(), path} {
    // What is written behind begins with a line of its own.
    if (ends_within_line(fd_)) outlet_.end_line();
  }
  sys::Outlet& outlet() noexcept { return outlet_; }

 private:
  sys::Fd fd_;
  sys::Outlet outlet_;
};

}  // namespace

Results::Results(std::string directory, std::vector<std::string> names)
    : directory_{std::move(directory)}, names_{std::move(names)} {}

std::string Results::path_of(std::span<const std::string> row) const {
  std::vector<std::size_t> columns(row.size());
  std::iota(columns.begin(), columns.end(), 0);
  const auto name_of = [&](std::size_t column) {
    return column < names_.size() ? escaped(names_[column]) : std::to_string(column + 1);
  };
  if (!names_.empty()) {
    std::stable_sort(columns.begin(), columns.end(),
                     [&](auto a, auto b) { return name_of(a) < name_of(b); });
  }
  std::string path;
  for (const std::size_t column : columns) {
    path += "/" + name_of(column) + "/" + escaped(row[column]);
  }
  return path;
}

std::string Results::path_of(const Waiting& job) const {
  const std::span<const std::string> items{job.row};
  if (job.ends.empty()) return directory_ + path_of(items);
  std::string path = directory_;
  for (std::size_t begin = 0; const std::size_t end : job.ends) {
    path += path_of(items.subspan(begin, end - begin));
    begin = end;
  }
  return path;
}

void Results::save(const Waiting& job, const job::Captured& output, const job::SpillFile& spill,
                   Mode mode) {
  const std::string path = path_of(job);
  make_directories(path);
  const int how = mode == Mode::Over ? O_TRUNC : O_APPEND;
  File out{path + "/stdout", how};
  File err{path + "/stderr", how};
  File number{path + "/seq", O_TRUNC};
  job::pass_on(output, spill, out.outlet(), err.outlet());
  number.outlet().write(std::to_string(job.seq));
  for (File* file : {&out, &err, &number}) file->outlet().flush();
}

}  // namespace procrun::engine
