#include "engine/receipts.h"

#include <utility>

namespace procrun::engine {
namespace {

constexpr std::uint64_t kLittle = 64 * 1024;

bool has_little(const sys::Outlet& outlet) {
  return outlet.backlog() + outlet.in_files() < kLittle;
}

}  // namespace

void Receipts::owe(std::uint64_t seq, const Receipt& receipt) {
  if (receipt != Receipt{}) owed_.push_back({seq, receipt});
}

void Receipts::give(Local& local) {
  if (owed_.empty()) return;
  const bool out = has_little(out_);
  const bool err = has_little(err_);
  for (Owed& owed : owed_) {
    Receipt given{};
    if (out) given[0] = std::exchange(owed.receipt[0], 0);
    if (err) given[1] = std::exchange(owed.receipt[1], 0);
    if (given != Receipt{}) local.receipt(owed.seq, given);
  }
  std::erase_if(owed_, [](const Owed& owed) { return owed.receipt == Receipt{}; });
}

}  // namespace procrun::engine
