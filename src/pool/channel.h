#pragma once
// Records between the front and one worker, over a pair of pipes (twice as fast as sockets).
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pool/outbox.h"
#include "sys/fd.h"

namespace procrun::pool {

/// What a record says. Down from the front: Call, Tell, Revoke, Close. Up from the worker: Result,
/// Error, Tell, Revoked, Retired.
enum class RecordType : std::uint32_t {
  Call,
  Tell,
  Revoke,
  Close,
  Result,
  Error,
  Revoked,
  Retired
};

/// One record. The payload is a view into the channel's buffer, good until its next receive().
struct Record {
  RecordType type;
  std::uint64_t id;  // of the call that it belongs to
  std::string_view payload;
};

/// One end of a pipe pair. Blocks or not as its descriptors do. Of a worker's channel both ends may
/// share an outbox.
class Channel {
 public:
  enum class Read { Some, Nothing, Closed };

  Channel() = default;
  Channel(sys::Fd in, sys::Fd out, Outbox outbox = {})
      : in_{std::move(in)}, out_{std::move(out)}, outbox_{std::move(outbox)} {}

  /// Appends a record to what is to be sent.
  void put(RecordType type, std::uint64_t id, std::string_view payload);
  /// Writes what waits to be sent. False while something still waits (a full pipe that does not
  /// block). When the other side is gone, what waits is dropped and gone() tells.
  bool flush();
  bool gone() const noexcept { return gone_; }
  /// Instead of flush(): what waits to be sent may go with what follows, since it is not lost if we
  /// are killed before. Without an outbox, or room in it, it is sent. For an end that blocks.
  void hold();
  bool can_hold() const noexcept { return static_cast<bool>(outbox_); }
  /// Bytes that wait to be sent.
  std::size_t unsent() const noexcept { return outgoing_.size() - sent_; }
  /// What a record with that payload takes on the way.
  static std::size_t size_of(std::string_view payload) noexcept;

  /// The first whole record of `bytes`, a view into them.
  static std::optional<Record> record_in(std::string_view bytes) noexcept;

  /// One read(2) of what has come.
  Read receive();
  /// The other side has died and receive() found the end: takes in what it held. Once.
  void receive_rest();
  /// The next whole record of those received.
  std::optional<Record> next();

  int in() const noexcept { return in_.get(); }
  int out() const noexcept { return out_.get(); }
  /// Lets the other side read to the end: nothing more will be said.
  void close_out() noexcept { out_.reset(); }

 private:
  void make_room();
  std::size_t write(std::string_view bytes);

  sys::Fd in_;
  sys::Fd out_;
  std::string incoming_;    // a buffer: its size is its capacity
  std::size_t filled_ = 0;  // of incoming_
  std::size_t taken_ = 0;   // of what is filled
  std::string outgoing_;
  std::size_t sent_ = 0;  // of outgoing_
  Outbox outbox_;
  std::uint64_t said_ = 0;   // bytes sent, all together
  std::uint64_t heard_ = 0;  // and received
  bool gone_ = false;
};

}  // namespace procrun::pool
