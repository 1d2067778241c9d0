#pragma once
// Jobs, orders, events, lines and outcomes as bytes, for the channel between a pool and its
// workers.
#include <array>
#include <cstdint>

#include "event/event.h"
#include "job/job.h"
#include "job/supervise.h"
#include "pool/codec.h"

namespace procrun::engine {

/// What is said between a pool and the worker that has the job in hand; its first byte.
enum class Word : std::uint8_t {
  Event,    // up: an event
  Lines,    // up: HandedOn
  Order,    // down: an order
  Receipt,  // down: Receipt
};

/// So many bytes of stdout and of stderr have been written out.
using Receipt = std::array<std::uint64_t, 2>;

/// Lines of a job on their way to the pool.
struct HandedOn {
  job::Captured output;
  /// What the worker wants to hear when it has been written, with what went before; 0: nothing.
  Receipt receipt{};
};

void put(pool::Writer& writer, const job::Job& job);
void put(pool::Writer& writer, const job::Order& order);
void put(pool::Writer& writer, const event::Event& event);
void put(pool::Writer& writer, const job::Supervised& supervised);
void put(pool::Writer& writer, const HandedOn& lines);

job::Job get_job(pool::Reader& reader);
job::Order get_order(pool::Reader& reader);
event::Event get_event(pool::Reader& reader);
job::Supervised get_supervised(pool::Reader& reader);
HandedOn get_handed_on(pool::Reader& reader);

}  // namespace procrun::engine
