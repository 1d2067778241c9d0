#include "engine/wire.h"

#include "job/own_policy.h"

namespace procrun::engine {
namespace {

void put_output(pool::Writer& writer, const job::Captured& output) {
  writer.put(output.frames);
  writer.put(output.spilled);
  writer.put(output.region);
  writer.put(output.stdout_bytes);
  writer.put(output.reader_gone);
}

job::Captured get_output(pool::Reader& reader) {
  job::Captured output;
  output.frames = reader.get<std::string>();
  output.spilled = reader.get<std::vector<job::Stretch>>();
  output.region = reader.get<std::uint8_t>();
  output.stdout_bytes = reader.get<std::uint64_t>();
  output.reader_gone = reader.get<bool>();
  return output;
}

void put_own(pool::Writer& writer, const job::OwnPolicy& own) {
  writer.put(own.name);
  writer.put(own.timeout);
  writer.put(own.retries);
  writer.put(own.directory);
  writer.put(own.env);
  writer.put(own.unset);
}

std::shared_ptr<const job::OwnPolicy> get_own(pool::Reader& reader) {
  auto own = std::make_shared<job::OwnPolicy>();
  own->name = reader.get<std::string>();
  own->timeout = reader.get<std::optional<sys::Duration>>();
  own->retries = reader.get<std::optional<unsigned>>();
  own->directory = reader.get<std::string>();
  own->env = reader.get<std::vector<std::string>>();
  own->unset = reader.get<std::vector<std::string>>();
  return own;
}

}  // namespace

void put(pool::Writer& writer, const job::Job& job) {
  writer.put(job.seq);
  writer.put(job.slot);
  writer.put(job.argv);
  writer.put(job.tag);
  writer.put(job.by_shell);
  writer.put(job.own != nullptr);
  if (job.own) put_own(writer, *job.own);
  writer.put(job.in.has_value());
  if (!job.in) return;
  writer.put(job.in->fd);
  writer.put(job.in->offset);
  writer.put(job.in->length);
}

job::Job get_job(pool::Reader& reader) {
  job::Job job;
  job.seq = reader.get<std::uint64_t>();
  job.slot = reader.get<unsigned>();
  job.argv = reader.get<std::vector<std::string>>();
  job.tag = reader.get<std::string>();
  job.by_shell = reader.get<bool>();
  if (reader.get<bool>()) job.own = get_own(reader);
  if (!reader.get<bool>()) return job;
  sys::Extent& in = job.in.emplace();
  in.fd = reader.get<int>();
  in.offset = reader.get<std::uint64_t>();
  in.length = reader.get<std::uint64_t>();
  return job;
}

void put(pool::Writer& writer, const job::Order& order) { writer.put(order); }

job::Order get_order(pool::Reader& reader) { return reader.get<job::Order>(); }

void put(pool::Writer& writer, const event::Event& event) {
  writer.put(event.type);
  writer.put(event.seq);
  writer.put(event.attempt);
  writer.put(event.at);
  writer.put(event.pid);
  writer.put(event.ppid);
  writer.put(event.status);
  writer.put(event.reaped);
  writer.put(event.duration);
  writer.put(event.user);
  writer.put(event.system);
  writer.put(event.max_rss);
  writer.put(event.text);
}

event::Event get_event(pool::Reader& reader) {
  event::Event event;
  event.type = reader.get<event::Type>();
  event.seq = reader.get<std::uint64_t>();
  event.attempt = reader.get<unsigned>();
  event.at = reader.get<sys::Clock::time_point>();
  event.pid = reader.get<pid_t>();
  event.ppid = reader.get<pid_t>();
  event.status = reader.get<int>();
  event.reaped = reader.get<bool>();
  event.duration = reader.get<sys::Duration>();
  event.user = reader.get<sys::Duration>();
  event.system = reader.get<sys::Duration>();
  event.max_rss = reader.get<long>();
  event.text = reader.get<std::string>();
  return event;
}

void put(pool::Writer& writer, const job::Supervised& supervised) {
  const job::Outcome& outcome = supervised.outcome;
  writer.put(outcome.kind);
  writer.put(outcome.status.raw());
  writer.put(outcome.killed);
  writer.put(outcome.fault);
  writer.put(outcome.oom);
  writer.put(outcome.accepted);
  writer.put(outcome.left_behind);
  writer.put(outcome.code);
  writer.put(outcome.pid);
  writer.put(outcome.attempts);
  writer.put(outcome.duration);
  writer.put(outcome.usage);
  writer.put(outcome.why);
  put_output(writer, supervised.output);
}

job::Supervised get_supervised(pool::Reader& reader) {
  job::Supervised supervised;
  job::Outcome& outcome = supervised.outcome;
  outcome.kind = reader.get<job::Outcome::Kind>();
  outcome.status = ExitStatus{reader.get<int>()};
  outcome.killed = reader.get<bool>();
  outcome.fault = reader.get<job::Outcome::Fault>();
  outcome.oom = reader.get<job::Known>();
  outcome.accepted = reader.get<bool>();
  outcome.left_behind = reader.get<bool>();
  outcome.code = reader.get<int>();
  outcome.pid = reader.get<pid_t>();
  outcome.attempts = reader.get<unsigned>();
  outcome.duration = reader.get<sys::Duration>();
  outcome.usage = reader.get<job::Usage>();
  outcome.why = reader.get<std::string>();
  supervised.output = get_output(reader);
  return supervised;
}

void put(pool::Writer& writer, const HandedOn& lines) {
  writer.put(lines.receipt);
  put_output(writer, lines.output);
}

HandedOn get_handed_on(pool::Reader& reader) {
  HandedOn lines;
  lines.receipt = reader.get<Receipt>();
  lines.output = get_output(reader);
  return lines;
}

}  // namespace procrun::engine
