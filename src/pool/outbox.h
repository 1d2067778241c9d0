#pragma once
// What a worker has said and not sent yet, where its front finds it if the worker is killed.
#include <cstdint>
#include <string_view>

#include "sys/shared_memory.h"

namespace procrun::pool {

/// A piece of the stream of bytes that a worker sends, in memory that it shares with its front. So
/// the results of short calls can travel together and none is lost with its worker. Each byte is
/// known by its place in the stream: whatever the worker was at when it died, what the front has
/// received of the stream and what lies here fit together without a gap and without a repetition.
class Outbox {
 public:
  /// Holds nothing.
  Outbox() = default;
  /// To be made before the fork.
  static Outbox make();

  explicit operator bool() const noexcept { return memory_.get() != nullptr; }

  // The worker's side.

  /// Adds whole records, the first of which stands at `place` in the stream if nothing else is
  /// held. False if there is no room for them.
  bool hold(std::string_view records, std::uint64_t place) noexcept;
  std::string_view held() const noexcept;
  /// All that is held has been sent.
  void sent() noexcept { size_ = 0; }

  // The front's side.

  /// What a worker that has died held behind the first `received` bytes of its stream.
  std::string_view rest(std::uint64_t received) const noexcept;

 private:
  struct Page;

  Page* page() const noexcept { return static_cast<Page*>(memory_.get()); }

  sys::SharedMemory memory_;
  std::size_t size_ = 0;  // of what is held
};

}  // namespace procrun::pool
