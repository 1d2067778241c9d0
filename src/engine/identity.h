#pragma once
// What a job is known by from run to run: its content, not its number, which a changed list of
// inputs gives to another.
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "input/json_job.h"
#include "sys/extent.h"

namespace procrun::engine {

struct Identity {
  std::string key = {};          // 32 hexadecimal digits; empty: nobody asked for it
  std::uint64_t occurrence = 0;  // of those with that key, from 1
};

/// Names the rows of a run one after the other. Keeps a number for each different row.
class Identities {
 public:
  /// Of jobs that run `command`, with placeholders not yet filled, in `directory`.
  Identities(const std::vector<std::string>& command, const std::string& directory);

  /// `json`: what else the job is known by; null: nothing.
  Identity next(const std::vector<std::string>& row, const input::JsonJob* json = nullptr);

 private:
  std::string base_;
  std::unordered_map<std::string, std::uint64_t> seen_;
};

/// FNV-1a of 128 bits (draft-eastlake-fnv), in hexadecimal.
std::string fnv1a_128(const std::string& bytes);
/// The same of the bytes there. Throws std::system_error where they cannot be read.
std::string fnv1a_128(const sys::Extent& bytes);

}  // namespace procrun::engine
