#include "cmd/log.h"

#include <fcntl.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "input/shell.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/signals.h"

namespace procrun::cmd {
namespace {

sys::Outlet* through = nullptr;

/// stderr: through an outlet while there is one, else directly.
class Stderr final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t text;
    formatter_->format(message, text);
    const std::string_view bytes{text.data(), text.size()};
    if (through != nullptr) return through->write(bytes);
    // Where even this fails, there is nobody left to tell.
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, bytes.data(), bytes.size());
  }
  void flush_() override {}
};

LogOptions options;
std::string verb_name;
std::shared_ptr<spdlog::logger> logger;

spdlog::logger& log() {
  if (logger == nullptr) {
    spdlog::sink_ptr sink;
    if (options.file.empty()) {
      sink = std::make_shared<Stderr>();
    } else {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_st>(options.file);
    }
    logger = std::make_shared<spdlog::logger>("procrun", std::move(sink));
    logger->set_pattern("%v");
    logger->set_level(spdlog::level::from_str(options.level));
    logger->flush_on(spdlog::level::trace);
  }
  return *logger;
}

std::string line(std::string_view level, std::string_view mark, std::string_view text) {
  if (options.format == "json") {
    const nlohmann::json record{{"time", sys::rfc3339_now()},
                                {"level", level},
                                {"verb", verb_name},
                                {"pid", ::getpid()},
                                {"message", text}};
    return record.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
  std::string shown = "procrun: ";
  if (!verb_name.empty()) shown += verb_name + ": ";
  shown += mark;
  shown += input::printable(text);
  return options.colour ? "\033[31m" + shown + "\033[0m" : shown;
}

}  // namespace

void set_log_verb(std::string verb) { verb_name = std::move(verb); }

void set_log(const LogOptions& wanted) {
  const auto level = spdlog::level::from_str(wanted.level);
  if (level == spdlog::level::off && wanted.level != "off") {
    throw std::invalid_argument("--log-level: '" + wanted.level +
                                "' is none of trace, debug, info, warn, error, critical, off");
  }
  if (wanted.format != "text" && wanted.format != "json") {
    throw std::invalid_argument("--log-format: '" + wanted.format + "' is neither text nor json");
  }
  // Opened now, so that a wrong name is told before anything runs.
  if (!wanted.file.empty()) sys::open(wanted.file, O_WRONLY | O_CREAT | O_APPEND);
  options = wanted;
}

LogThrough::LogThrough(sys::Outlet& outlet) { through = &outlet; }

LogThrough::~LogThrough() { through = nullptr; }

void log_error(std::string_view text) { log().error(line("error", "", text)); }

void log_warning(std::string_view text) {
  if (options.level == "error" || options.level == "critical" || options.level == "off") return;
  log().warn(line("warning", "warning: ", text));
}

void log_debug(std::string_view text) {
  if (options.level != "debug" && options.level != "trace") return;
  log().debug(line("debug", "", text));
}

void Trouble::take(const event::Event& event) {
  using event::Type;
  const std::string job = name_jobs_ ? fmt::format("job {}: ", event.seq) : "";
  switch (event.type) {
    case Type::JobFailed:
      return log_error(job + event.text);
    case Type::InFlight:
      return log_warning(
          fmt::format("job {} ran when an earlier run was killed, and is run again: {}", event.seq,
                      event.text));
    case Type::Leak:
      return log_warning(fmt::format("{}process {} was left behind and {}: {}", job, event.pid,
                                     event.status == 0 ? "is ended" : "lives on", event.text));
    case Type::Killed:
      return log_warning(
          fmt::format("{}process {} had to be killed: {}", job, event.pid, event.text));
    case Type::Dropped:
      return log_warning(job + "output beyond the limit was dropped");
    case Type::TokensLost:
      return log_warning(
          fmt::format("jobs have not given back {} of the jobserver's tokens", event.status));
    case Type::Signal:
      return log_debug(fmt::format("{}sent {} to the tree of {}", job,
                                   sys::signal_name(event.status), event.pid));
    case Type::Reap:
      if (event.seq == 0) return log_debug(fmt::format("reaped {}: {}", event.pid, event.text));
      return log_debug(fmt::format("{}reaped adopted process {}: {}", job, event.pid, event.text));
    default:
      return;
  }
}

}  // namespace procrun::cmd
