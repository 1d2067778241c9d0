#include "pool/channel.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "sys/error.h"

namespace procrun::pool {
namespace {

/// The buffer begins small, since a page touched is 1 µs or more at start-up, and grows to what a
/// pipe holds, or to the largest record.
constexpr std::size_t kPacket = PIPE_BUF;
constexpr std::size_t kPipeSize = 64 * 1024;

struct Header {
  std::uint32_t size;  // of the payload
  RecordType type;
  std::uint64_t id;
};

}  // namespace

std::size_t Channel::size_of(std::string_view payload) noexcept {
  return sizeof(Header) + payload.size();
}

void Channel::put(RecordType type, std::uint64_t id, std::string_view payload) {
  const Header header{static_cast<std::uint32_t>(payload.size()), type, id};
  if (header.size != payload.size()) sys::fail("send a record of 4 GiB or more", EMSGSIZE);
  outgoing_.append(reinterpret_cast<const char*>(&header), sizeof header);
  outgoing_.append(payload);
}

bool Channel::flush() {
  if (!outbox_.held().empty()) {
    write(outbox_.held());  // all of it: who holds blocks
    outbox_.sent();
  }
  sent_ += write(std::string_view{outgoing_}.substr(sent_));
  if (sent_ < outgoing_.size() && !gone_) return false;
  outgoing_.clear();
  sent_ = 0;
  return true;
}

/// As much as goes: all, where it blocks and somebody reads.
std::size_t Channel::write(std::string_view bytes) {
  std::size_t done = 0;
  while (done < bytes.size() && !gone_) {
    const ssize_t size = ::write(out_.get(), bytes.data() + done, bytes.size() - done);
    if (size >= 0) {
      done += static_cast<std::size_t>(size);
    } else if (errno == EAGAIN) {
      break;
    } else if (errno == EPIPE) {
      gone_ = true;
    } else if (errno != EINTR) {
      sys::fail("write to a worker's channel");
    }
  }
  said_ += done;
  return done;
}

void Channel::hold() {
  if (gone_ || !outbox_.hold(outgoing_, said_)) {
    flush();
  } else {
    outgoing_.clear();
  }
}

Channel::Read Channel::receive() {
  make_room();
  const ssize_t size = ::read(in_.get(), incoming_.data() + filled_, incoming_.size() - filled_);
  if (size > 0) {
    filled_ += static_cast<std::size_t>(size);
    heard_ += static_cast<std::uint64_t>(size);
  }
  if (size > 0) return Read::Some;
  if (size == 0) return Read::Closed;
  if (errno != EAGAIN && errno != EINTR) sys::fail("read from a worker's channel");
  return Read::Nothing;
}

void Channel::receive_rest() {
  const std::string_view rest = outbox_.rest(heard_);
  heard_ += rest.size();
  incoming_.resize(filled_);
  incoming_.append(rest);
  filled_ = incoming_.size();
}

/// Room for a packet, of which a read(2) with less room would lose the end (pipe(2)). The buffer
/// keeps its size, so that nothing is cleared or copied for a record that fits.
void Channel::make_room() {
  const bool was_full = filled_ == incoming_.size();
  const auto has_room = [&] { return incoming_.size() - filled_ >= kPacket; };
  if (taken_ == filled_) taken_ = filled_ = 0;
  if (taken_ != 0 && !has_room()) {
    std::memmove(incoming_.data(), incoming_.data() + taken_, filled_ - taken_);
    filled_ -= taken_;
    taken_ = 0;
  }
  if (!has_room() || (was_full && incoming_.size() < kPipeSize)) {
    incoming_.resize(std::max(kPacket, incoming_.size() * 2));
  }
}

std::optional<Record> Channel::record_in(std::string_view bytes) noexcept {
  Header header;
  if (bytes.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (bytes.size() - sizeof header < header.size) return std::nullopt;
  return Record{header.type, header.id, bytes.substr(sizeof header, header.size)};
}

std::optional<Record> Channel::next() {
  const auto record = record_in({incoming_.data() + taken_, filled_ - taken_});
  if (record) taken_ += size_of(record->payload);
  return record;
}

}  // namespace procrun::pool
