#pragma once
// A row on its way to become a job.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "engine/identity.h"
#include "engine/recipe.h"
#include "input/json_job.h"
#include "input/rows.h"
#include "sys/clock.h"
#include "sys/extent.h"

namespace procrun::engine {

struct Waiting {
  std::uint64_t seq = 0;
  input::Row row = {};
  std::vector<std::size_t> ends = {};            // Rows::ends_of_last()
  std::optional<sys::Extent> in = std::nullopt;  // for its stdin
  Identity identity = {};
  std::shared_ptr<const input::JsonJob> json = nullptr;  // null: the row is all there is
  sys::Duration took = sys::Duration::max();             // in an earlier run, where that counts
};

inline job::Job job_of(const Waiting& waiting, const Recipe& recipe, unsigned slot) {
  if (waiting.json) return recipe.make_json(*waiting.json, waiting.seq, slot);
  job::Job job = recipe.make(waiting.row, waiting.seq, slot);
  job.in = waiting.in;
  return job;
}

}  // namespace procrun::engine
