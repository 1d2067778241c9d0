#include "engine/tokens.h"

#include <sys/mman.h>
#include <unistd.h>

#include <memory>

#include "sys/error.h"

namespace procrun::engine {
namespace {

constexpr std::uint16_t kTaken = 0x100;

void* share(std::size_t size) {
  void* const memory =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) sys::fail("share memory with the workers");
  return memory;
}

}  // namespace

void Tokens::Unmap::operator()(Place* places) const noexcept { ::munmap(places, size); }

Tokens::Tokens(JobserverClient jobserver, unsigned slots, JobserverServer* server)
    : jobserver_{std::move(jobserver)},
      server_{server},
      owner_{::getpid()},
      slots_{slots},
      places_{static_cast<Place*>(share(slots * sizeof(Place))), Unmap{slots * sizeof(Place)}} {
  std::uninitialized_value_construct_n(places_.get(), slots);
}

Tokens::~Tokens() {
  if (::getpid() != owner_) return;
  for (unsigned slot = 0; slot < slots_; ++slot) give_back(slot);
}

bool Tokens::take(unsigned slot) {
  if (in_hand_ == 0 && server_ != nullptr) lost_ += server_->make_whole();
  if (!implicit_) {
    implicit_ = slot;
  } else {
    const auto token = jobserver_.take();
    if (!token) return false;
    places_[slot] = static_cast<std::uint16_t>(kTaken | static_cast<unsigned char>(*token));
  }
  ++in_hand_;
  return true;
}

void Tokens::release(unsigned slot) noexcept {
  --in_hand_;
  if (implicit_ == slot) implicit_.reset();
  give_back(slot);
}

unsigned Tokens::count_lost() {
  if (server_ != nullptr) lost_ += server_->make_whole();
  return lost_;
}

void Tokens::give_back(unsigned slot) noexcept {
  const std::uint16_t taken = places_[slot].exchange(0);
  if (taken != 0) jobserver_.give(static_cast<char>(taken & 0xff));
}

void Tokens::abandon(unsigned slot) noexcept {
  give_back(slot);
  if (server_ != nullptr) server_->remove();
}

}  // namespace procrun::engine
