#pragma once
// Jobs, orders, events and outcomes as bytes, for the channel between a pool and its workers.
#include "event/event.h"
#include "job/job.h"
#include "job/supervise.h"
#include "pool/codec.h"

namespace procrun::engine {

void put(pool::Writer& writer, const job::Job& job);
void put(pool::Writer& writer, const job::Order& order);
void put(pool::Writer& writer, const event::Event& event);
void put(pool::Writer& writer, const job::Supervised& supervised);

job::Job get_job(pool::Reader& reader);
job::Order get_order(pool::Reader& reader);
event::Event get_event(pool::Reader& reader);
job::Supervised get_supervised(pool::Reader& reader);

}  // namespace procrun::engine
