#include "input/job_file.h"

#include <sys/eventfd.h>

#include <stdexcept>
#include <string>

#include "sys/error.h"

namespace procrun::input {
namespace {

/// Without the blanks at either end, of which a carriage return is one.
std::string_view trimmed(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\r";
  const auto first = line.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace

Pull JobFile::next(Row& row) {
  constexpr unsigned kAtOnce = 10'000;
  pauses_ = false;
  json_.reset();
  row.resize(1);
  for (; passed_over_ < kAtOnce; ++passed_over_) {
    const Pull pull = lines_->next(row.front());
    if (pull == Pull::End) names_.end_section();
    if (pull != Pull::Item) return pull;
    ++line_;
    const auto text = trimmed(row.front());
    if (text == "%%") {
      names_.end_section(line_);
      ++passed_over_;
      return Pull::Barrier;
    }
    if (text.empty() || text.starts_with('#')) continue;
    passed_over_ = 0;
    if (is_json_job(text)) {
      take_json(text);
      row.front() = json_->label();
    }
    return Pull::Item;
  }
  return pause();
}

void JobFile::take_json(std::string_view text) {
  const std::string place = name_ + ':' + std::to_string(line_);
  try {
    auto job = std::make_shared<JsonJob>(parse_json_job(text));
    job->place = place;
    json_ = std::move(job);
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(place + ": " + error.what());
  }
  names_.add(json_);
}

Pull JobFile::pause() {
  if (!readable_) readable_ = sys::Fd{::eventfd(1, EFD_CLOEXEC)};
  if (!readable_) sys::fail("eventfd");
  passed_over_ = 0;
  pauses_ = true;
  return Pull::Later;
}

}  // namespace procrun::input
