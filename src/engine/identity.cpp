#include "engine/identity.h"

#include "pool/codec.h"

namespace procrun::engine {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr Wide wide(std::uint64_t high, std::uint64_t low) { return (Wide{high} << 64) | low; }

constexpr Wide kOffset = wide(0x6c62272e07bb0142, 0x62b821756295c58d);
constexpr Wide kPrime = wide(0x0000000001000000, 0x000000000000013b);

}  // namespace

std::string fnv1a_128(const std::string& bytes) {
  Wide hash = kOffset;
  for (const char byte : bytes) {
    hash ^= static_cast<unsigned char>(byte);
    hash *= kPrime;
  }
  std::string digits;
  for (int shift = 124; shift >= 0; shift -= 4) {
    digits += "0123456789abcdef"[static_cast<unsigned>(hash >> shift) & 15];
  }
  return digits;
}

Identities::Identities(const std::vector<std::string>& command, const std::string& directory) {
  pool::Writer writer;  // each word with its length: {"a", "b"} is not {"ab"}
  writer.put(command);
  writer.put(directory);
  base_ = std::move(writer).bytes();
}

Identity Identities::next(const std::vector<std::string>& row, const input::JsonJob* json) {
  pool::Writer writer;
  writer.put(row);
  if (json != nullptr) {
    writer.put(json->argv);
    writer.put(json->shell);
    writer.put(json->cwd);
    writer.put(json->env);
  }
  Identity identity{.key = fnv1a_128(base_ + writer.bytes())};
  identity.occurrence = ++seen_[identity.key];
  return identity;
}

}  // namespace procrun::engine
