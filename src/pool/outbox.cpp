#include "pool/outbox.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>

namespace procrun::pool {
namespace {

/// Some ten results of short calls. A page of it is taken when the first one is held.
constexpr std::size_t kSize = 16 * 1024;

}  // namespace

/// As the front finds it: what stands in the stream from `begin` to `end`. Once that has been sent
/// the front has received it, and need not be told that it is nothing any more.
struct Outbox::Page {
  std::atomic<std::uint64_t> begin;
  std::atomic<std::uint64_t> end;

  char* bytes() noexcept { return reinterpret_cast<char*>(this + 1); }
  static constexpr std::size_t room() noexcept { return kSize - sizeof(Page); }
};

Outbox Outbox::make() {
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
  Outbox outbox;
  outbox.memory_ = sys::SharedMemory{kSize};  // zeroes: the page is one that holds nothing
  return outbox;
}

/// The order is all: a worker may be killed between any two of these lines.
bool Outbox::hold(std::string_view records, std::uint64_t place) noexcept {
  if (!*this || records.size() > Page::room() - size_) return false;
  Page& shared = *page();
  if (size_ == 0) shared.begin.store(place, std::memory_order_release);  // beyond the old end
  std::memcpy(shared.bytes() + size_, records.data(), records.size());
  size_ += records.size();
  shared.end.store(shared.begin.load(std::memory_order_relaxed) + size_, std::memory_order_release);
  return true;
}

std::string_view Outbox::held() const noexcept {
  return size_ == 0 ? std::string_view{} : std::string_view{page()->bytes(), size_};
}

std::string_view Outbox::rest(std::uint64_t received) const noexcept {
  if (!*this) return {};
  Page& shared = *page();
  const std::uint64_t begin = shared.begin.load(std::memory_order_acquire);
  const std::uint64_t end = shared.end.load(std::memory_order_acquire);
  if (received < begin || end <= received || end - begin > Page::room()) return {};
  return {shared.bytes() + (received - begin), static_cast<std::size_t>(end - received)};
}

}  // namespace procrun::pool
