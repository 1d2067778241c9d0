#include "pool/front.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <system_error>

#include "pool/worker.h"
#include "process/fork.h"

namespace procrun::pool {
namespace {

constexpr unsigned kSlotBits = 24;
constexpr std::uint64_t kSlotMask = (1U << kSlotBits) - 1;

}  // namespace

Front::Front(unsigned slots, Client& client, sys::Poller& poller, Hooks hooks)
    : client_{client},
      poller_{poller},
      hooks_{std::move(hooks)},
      scheduler_{slots},
      seats_(slots) {}

Front::~Front() { signal(SIGKILL); }

void Front::resize(unsigned slots) {
  if (slots > seats_.size()) seats_.resize(slots);
  scheduler_.resize(slots);
}

void Front::start_all() {
  for (unsigned slot = 0; slot < seats_.size(); ++slot) start(slot);
}

void Front::feed() {
  while (!closed_ && client_.has_next()) {
    const auto slot = scheduler_.next(client_.plenty(), sys::Clock::now());
    if (!slot || !may_give(*slot) || !can_start(*slot)) break;
    const auto call = client_.next(*slot);
    if (!call) break;
    if (!seats_[*slot].child.running()) start(*slot);
    give(*slot, *call);
  }
  send_fed();
}

void Front::send_fed() {
  for (const unsigned slot : fed_) send(slot);
  fed_.clear();
}

/// What is given ahead has to be one packet behind packets, or it could not be taken back.
bool Front::may_give(unsigned slot) const {
  const Seat& seat = seats_[slot];
  if (hooks_.calls_listen || seat.in_hand.empty()) return true;
  return !seat.writing && seat.in_hand.back().size <= PIPE_BUF;
}

/// Makes sure that the slot has a worker before a call is taken for it. A machine that is short of
/// processes or descriptors gives fewer slots, as long as it gives one.
bool Front::can_start(unsigned slot) {
  if (seats_[slot].child.running()) return true;
  try {
    start(slot);
    return true;
  } catch (const std::system_error&) {
    if (living_ == 0) throw;
    scheduler_.disable(slot);
    return false;
  }
}

void Front::start(unsigned slot) {
  send_fed();  // they begin while we fork
  if (hooks_.before_fork) hooks_.before_fork(slot);
  // In packets, so that a record can be taken back whole, whoever is quicker.
  auto down = sys::make_pipe(hooks_.calls_listen ? sys::PipeMode::Stream : sys::PipeMode::Packets);
  auto up = sys::make_pipe();
  auto outbox = hooks_.calls_listen ? Outbox::make() : Outbox{};
  const pid_t front = ::getpid();
  const auto since = sys::Clock::now();
  const pid_t pid = procrun::fork();
  if (pid == 0) {
    down.write.reset();  // or it would never read the end of the file
    up.read.reset();
    become_worker(Channel{std::move(down.read), std::move(up.write), std::move(outbox)}, front);
  }
  Seat& seat = seats_[slot];
  seat = Seat{};
  seat.child = Child{pid};
  ++living_;
  sys::set_nonblocking(up.read.get());
  sys::set_nonblocking(down.write.get(), hooks_.calls_listen ? 0 : O_DIRECT);
  seat.channel = Channel{std::move(up.read), std::move(down.write), std::move(outbox)};
  // While somebody could still read what we write, writing to a dead worker is no SIGPIPE, which
  // would kill a program that has not blocked it. The pidfd tells of the death.
  seat.far_end = std::move(down.read);
  seat.serial = ++serials_;
  seat.reading = poller_.add(seat.channel.in(), EPOLLIN, poll_id(slot, What::In));
  // One-shot: a sibling between fork and exec may hold a copy of it longer than we do.
  poller_.add(seat.child.pidfd(), EPOLLIN | EPOLLONESHOT, poll_id(slot, What::End));
  if (hooks_.born) hooks_.born(slot, pid, since);
}

void Front::become_worker(Channel channel, pid_t front) {
  // The front's ends of all channels, or a worker would keep the others' open past its death.
  for (Seat& seat : seats_) seat = Seat{};
  poller_.close();
  live_as_worker(std::move(channel), front, {hooks_.in_worker, hooks_.when_abandoned});
}

void Front::give(unsigned slot, const Call& call) {
  Seat& seat = seats_[slot];
  seat.in_hand.push_back({call.id, Channel::size_of(call.bytes)});
  scheduler_.given(slot, sys::Clock::now());
  seat.channel.put(RecordType::Call, call.id, call.bytes);
  // What may have to be taken back out of the pipe is a packet of its own; the rest goes together.
  if (!hooks_.calls_listen) return send(slot);
  if (std::find(fed_.begin(), fed_.end(), slot) == fed_.end()) fed_.push_back(slot);
}

void Front::send(unsigned slot) {
  Seat& seat = seats_[slot];
  const bool full = !seat.channel.flush();
  if (full == seat.writing) return;
  seat.writing = full;
  if (full) {
    poller_.add(seat.channel.out(), EPOLLOUT, poll_id(slot, What::Out));
  } else {
    poller_.remove(seat.channel.out());
  }
}

void Front::handle(const sys::Poller::Ready& ready) {
  const auto what = static_cast<What>(ready.id & 3);
  const auto slot = static_cast<unsigned>((ready.id >> 2) & kSlotMask);
  // A worker that was replaced earlier in this very round may still be spoken of.
  if (ready.id != poll_id(slot, what) || seats_[slot].child.pid() == 0) return;
  switch (what) {
    case What::In:
      return receive(slot);
    case What::Out:
      return send(slot);
    case What::End:
      return bury(slot);
  }
}

void Front::receive(unsigned slot) {
  Seat& seat = seats_[slot];
  if (seat.channel.receive() == Channel::Read::Closed && seat.reading) {
    poller_.remove(seat.channel.in());  // its end is told by the pidfd
    seat.reading = false;
  }
  while (const auto record = seat.channel.next()) {
    if (record->type == RecordType::Retired) return let_retire(slot);
    take(slot, *record);
  }
}

/// Its slot gets another worker; the calls that it was given ahead come back.
void Front::let_retire(unsigned slot) {
  Seat& seat = seats_[slot];
  poller_.remove(seat.child.pidfd());
  retired_.push_back(seat.child.release());
  const auto in_hand = std::move(seat.in_hand);
  forget_worker(slot);
  for (const Given& given : in_hand) client_.returned(given.id);
}

/// The seat is empty and its descriptors are closed.
void Front::forget_worker(unsigned slot) {
  Seat& seat = seats_[slot];
  if (seat.reading) poller_.remove(seat.channel.in());
  if (seat.writing) poller_.remove(seat.channel.out());
  seat = Seat{};
  scheduler_.emptied(slot);
  --living_;
}

void Front::take(unsigned slot, const Record& record) {
  Seat& seat = seats_[slot];
  if (record.type == RecordType::Tell) return client_.told(record.id, Reader{record.payload});
  const auto call = std::find_if(seat.in_hand.begin(), seat.in_hand.end(),
                                 [&](const Given& given) { return given.id == record.id; });
  if (call == seat.in_hand.end()) return;
  seat.in_hand.erase(call);
  if (record.type == RecordType::Revoked) {
    scheduler_.returned(slot);
    return client_.returned(record.id);
  }
  scheduler_.ended(slot, sys::Clock::now());
  seat.revoking = false;
  if (record.type == RecordType::Result) {
    client_.ended(record.id, Reader{record.payload});
  } else {
    client_.failed(record.id, std::string{record.payload});
  }
}

/// Of a worker that has ended: it did not live on after all.
void Front::take_all(unsigned slot) {
  while (const auto record = seats_[slot].channel.next()) {
    if (record->type != RecordType::Retired) take(slot, *record);
  }
}

/// The worker has ended: what it left in its channel, and held, counts first, or a call that ended
/// would pass for lost.
void Front::bury(unsigned slot) {
  Seat& seat = seats_[slot];
  while (seat.reading && seat.channel.receive() == Channel::Read::Some) take_all(slot);
  // Also where the end of the pipe came before that of the worker.
  seat.channel.receive_rest();
  take_all(slot);
  if (seat.reading) poller_.remove(seat.channel.in());
  seat.reading = false;
  const ExitStatus status = seat.child.wait();
  const pid_t pid = seat.child.pid();
  const std::size_t read = count_read(seat);
  const auto in_hand = std::move(seat.in_hand);
  forget_worker(slot);
  if (hooks_.buried) hooks_.buried(pid, status);
  if (read > 0) client_.lost(in_hand.front().id, pid, status);
  for (std::size_t i = read > 0 ? 1 : 0; i < in_hand.size(); ++i) client_.returned(in_hand[i].id);
}

/// How many of the calls in its hand a dead worker may have seen: not those that still lie in the
/// pipe, of which we have kept the far end, nor those that we have not written.
std::size_t Front::count_read(const Seat& seat) const {
  int in_pipe = 0;
  if (::ioctl(seat.far_end.get(), FIONREAD, &in_pipe) == -1) return seat.in_hand.size();
  std::size_t unread = static_cast<std::size_t>(in_pipe) + seat.channel.unsent();
  std::size_t read = seat.in_hand.size();
  while (read > 0 && unread >= seat.in_hand[read - 1].size) unread -= seat.in_hand[--read].size;
  return read;
}

bool Front::waits_behind_slow_one(unsigned slot) const {
  return !closed_ && seats_[slot].in_hand.size() > 1 && !seats_[slot].revoking;
}

sys::Deadline Front::deadline() const {
  sys::Deadline nearest;
  for (unsigned slot = 0; slot < seats_.size(); ++slot) {
    if (!waits_behind_slow_one(slot)) continue;
    nearest = sys::earlier(nearest, scheduler_.since(slot) + Scheduler::kQuick);
  }
  return nearest;
}

void Front::tick() {
  const auto now = sys::Clock::now();
  for (unsigned slot = 0; slot < seats_.size(); ++slot) {
    if (!waits_behind_slow_one(slot)) continue;
    if (now - scheduler_.since(slot) < Scheduler::kQuick) continue;
    call_back(slot);
  }
}

/// The calls given to the slot behind the one that it is at.
void Front::call_back(unsigned slot) {
  if (!hooks_.calls_listen) return take_back(slot);
  Seat& seat = seats_[slot];
  seat.revoking = true;
  for (std::size_t i = seat.in_hand.size(); i-- > 1;) {
    seat.channel.put(RecordType::Revoke, seat.in_hand[i].id, {});
  }
  send(slot);
}

/// Reads them out of the pipe in place of its worker, which is deaf while a function runs. Each is
/// one packet: whichever of us is first has all of it.
void Front::take_back(unsigned slot) {
  Seat& seat = seats_[slot];
  const std::string path = "/proc/self/fd/" + std::to_string(seat.far_end.get());
  // Opened anew, since a non-blocking far end would be the worker's too. Where that fails, for want
  // of descriptors, they have to wait for their worker.
  const sys::Fd far_end{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  char packet[PIPE_BUF];
  std::vector<std::uint64_t> taken;
  while (far_end) {
    const ssize_t size = ::read(far_end.get(), packet, sizeof packet);
    if (size <= 0) break;
    // By its name: the worker may have taken one in between.
    const auto record = Channel::record_in({packet, static_cast<std::size_t>(size)});
    if (record) taken.push_back(record->id);
  }
  for (auto id = taken.rbegin(); id != taken.rend(); ++id) {
    std::erase_if(seat.in_hand, [&](const Given& given) { return given.id == *id; });
    scheduler_.returned(slot);
    client_.returned(*id);
  }
  seat.revoking = seat.in_hand.size() > 1;  // the rest it has by now
}

void Front::tell(std::uint64_t id, std::string_view payload) {
  for (unsigned slot = 0; slot < seats_.size(); ++slot) {
    const auto& in_hand = seats_[slot].in_hand;
    const auto is_it = [&](const Given& given) { return given.id == id; };
    if (std::none_of(in_hand.begin(), in_hand.end(), is_it)) continue;
    seats_[slot].channel.put(RecordType::Tell, id, payload);
    return send(slot);
  }
}

void Front::close() {
  closed_ = true;
  for (Seat& seat : seats_) {
    if (!seat.child.running()) continue;
    // By a record: the end of the file would not come while some forked copy of us has the pipe.
    seat.channel.put(RecordType::Close, 0, {});
    send(static_cast<unsigned>(&seat - seats_.data()));
  }
}

void Front::signal(int signal) {
  for (Seat& seat : seats_) {
    if (seat.child.running()) seat.child.send(signal);
  }
}

std::vector<pid_t> Front::workers() const {
  std::vector<pid_t> pids;
  for (const Seat& seat : seats_) {
    if (seat.child.running()) pids.push_back(seat.child.pid());
  }
  return pids;
}

std::uint64_t Front::poll_id(unsigned slot, What what) const {
  return kMine | std::uint64_t{seats_[slot].serial} << (2 + kSlotBits) | std::uint64_t{slot} << 2 |
         static_cast<std::uint64_t>(what);
}

}  // namespace procrun::pool
