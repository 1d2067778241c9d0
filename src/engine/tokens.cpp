#include "engine/tokens.h"

#include <unistd.h>

#include <memory>

namespace procrun::engine {
namespace {

constexpr std::uint16_t kTaken = 0x100;

}  // namespace

Tokens::Tokens(JobserverClient jobserver, unsigned slots, JobserverServer* server)
    : jobserver_{std::move(jobserver)},
      server_{server},
      owner_{::getpid()},
      slots_{slots},
      memory_{slots * sizeof(Place)},
      places_{static_cast<Place*>(memory_.get())} {
  std::uninitialized_value_construct_n(places_, slots);
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
