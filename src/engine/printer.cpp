#include "engine/printer.h"

#include <unistd.h>

#include "sys/error.h"

namespace procrun::engine {
namespace {

/// What may wait in memory for its turn; more goes to a file.
constexpr std::size_t kWaitInMemory = 1024 * 1024;

}  // namespace

void Printer::print(std::uint64_t seq, job::Captured output, const job::SpillFile& spill) {
  Held held{std::move(output), spill};
  if (!keep_order_) return emit(held);
  if (seq != turn_) {
    put_aside(held);
    waiting_.emplace(seq, std::move(held));
    return;
  }
  emit(held);
  ++turn_;
  for (auto next = waiting_.begin(); next != waiting_.end() && next->first == turn_; ++turn_) {
    emit(next->second);
    in_memory_ -= next->second.output.frames.size();
    next = waiting_.erase(next);
  }
}

void Printer::finish() {
  for (const auto& [seq, held] : waiting_) emit(held);
  waiting_.clear();
  in_memory_ = 0;
}

void Printer::put_aside(Held& held) {
  std::string& frames = held.output.frames;
  if (in_memory_ + frames.size() <= kWaitInMemory || frames.empty()) {
    in_memory_ += frames.size();
    return;
  }
  if (!aside_) aside_ = sys::open_temporary();
  held.output.spilled = {{aside_end_, frames.size()}};
  held.spill = {.fd = aside_.get()};
  for (std::size_t done = 0; done < frames.size();) {
    done += static_cast<std::size_t>(sys::retry("put output aside in a temporary file", [&] {
      return ::pwrite(aside_.get(), frames.data() + done, frames.size() - done,
                      static_cast<off_t>(aside_end_ + done));
    }));
  }
  aside_end_ += frames.size();
  frames = {};
}

void Printer::emit(const Held& held) { job::pass_on(held.output, held.spill, out_, err_); }

}  // namespace procrun::engine
