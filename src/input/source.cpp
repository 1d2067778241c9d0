#include "input/source.h"

#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "input/shell.h"
#include "sys/error.h"

namespace procrun::input {
namespace {

class ValueSource final : public Source {
 public:
  explicit ValueSource(std::vector<std::string> values) : values_{std::move(values)} {}

  Pull next(std::string& item) override {
    if (position_ == values_.size()) return Pull::End;
    item = std::move(values_[position_++]);
    return Pull::Item;
  }

 private:
  std::vector<std::string> values_;
  std::size_t position_ = 0;
};

class FileSource final : public Source {
 public:
  FileSource(sys::Fd fd, char delimiter, const std::string& name)
      : fd_{std::move(fd)}, delimiter_{delimiter}, name_{printable(name)} {}

  Pull next(std::string& item) override {
    while (!take_record()) {
      if (ended_) return take_last(item);
      if (!is_readable()) return Pull::Later;
      read_more();
    }
    hand_over(item);
    return Pull::Item;
  }

  int wait_fd() const override { return fd_.get(); }

 private:
  /// Moves what is unread into the record, up to the delimiter; false if there is none.
  bool take_record() {
    const auto end = unread_.find(delimiter_);
    const auto size = std::min(end, unread_.size());
    if (size > kMaxItem - record_.size()) {
      throw std::runtime_error(
          fmt::format("{}: an item of more than {} MiB (does the delimiter fit: -0, -d?)", name_,
                      kMaxItem >> 20));
    }
    try {
      record_ += unread_.substr(0, size);
    } catch (const std::bad_alloc&) {
      throw std::runtime_error(
          fmt::format("{}: out of memory in the middle of an item of more than {} MiB (does the "
                      "delimiter fit: -0, -d?)",
                      name_, record_.size() >> 20));
    }
    unread_.remove_prefix(end == std::string_view::npos ? size : size + 1);
    return end != std::string_view::npos;
  }

  /// The record that no delimiter ended.
  Pull take_last(std::string& item) {
    if (record_.empty()) return Pull::End;
    hand_over(item);
    return Pull::Item;
  }

  /// Swaps, so that both strings keep their memory for the next item.
  void hand_over(std::string& item) {
    item.swap(record_);
    record_.clear();
  }

  /// Also at the end of the file, and where reading fails: then read(2) does not block either.
  bool is_readable() const {
    pollfd state{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    return sys::retry(name_, [&] { return ::poll(&state, 1, 0); }) > 0;
  }

  void read_more() {
    const auto size = ::read(fd_.get(), buffer_.data(), buffer_.size());
    if (size == -1) {
      // A reader beside us was faster: so is_readable() will tell when there is more.
      if (errno == EINTR || errno == EAGAIN) return;
      sys::fail("read " + name_);
    }
    unread_ = {buffer_.data(), static_cast<std::size_t>(size)};
    ended_ = size == 0;
  }

  sys::Fd fd_;
  char delimiter_;
  std::string name_;
  std::string record_;       // the beginning of an item
  std::string_view unread_;  // of the buffer
  bool ended_ = false;       // for good: a terminal could go on after its end-of-file
  std::array<char, std::size_t{64} << 10> buffer_;
};

}  // namespace

std::unique_ptr<Source> from_values(std::vector<std::string> values) {
  return std::make_unique<ValueSource>(std::move(values));
}

std::unique_ptr<Source> from_file(sys::Fd fd, char delimiter, const std::string& name) {
  return std::make_unique<FileSource>(std::move(fd), delimiter, name);
}

}  // namespace procrun::input
