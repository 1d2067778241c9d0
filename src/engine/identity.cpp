#include "engine/identity.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "pool/codec.h"
#include "sys/error.h"

namespace procrun::engine {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr Wide wide(std::uint64_t high, std::uint64_t low) { return (Wide{high} << 64) | low; }

constexpr Wide kOffset = wide(0x6c62272e07bb0142, 0x62b821756295c58d);
constexpr Wide kPrime = wide(0x0000000001000000, 0x000000000000013b);

class Fnv1a {
 public:
  void add(std::string_view bytes) {
    for (const char byte : bytes) {
      hash_ ^= static_cast<unsigned char>(byte);
      hash_ *= kPrime;
    }
  }
  std::string digits() const {
    std::string digits;
    for (int shift = 124; shift >= 0; shift -= 4) {
      digits += "0123456789abcdef"[static_cast<unsigned>(hash_ >> shift) & 15];
    }
    return digits;
  }

 private:
  Wide hash_ = kOffset;
};

}  // namespace

std::string fnv1a_128(const std::string& bytes) {
  Fnv1a hash;
  hash.add(bytes);
  return hash.digits();
}

std::string fnv1a_128(const sys::Extent& bytes) {
  Fnv1a hash;
  std::array<char, std::size_t{64} << 10> piece;
  for (std::uint64_t done = 0; done < bytes.length;) {
    const auto size = std::min<std::uint64_t>(bytes.length - done, piece.size());
    const ssize_t got = sys::retry("read a job's input", [&] {
      return ::pread(bytes.fd, piece.data(), size, static_cast<off_t>(bytes.offset + done));
    });
    if (got == 0) sys::fail("read a job's input: it has become shorter", EIO);
    hash.add({piece.data(), static_cast<std::size_t>(got)});
    done += static_cast<std::uint64_t>(got);
  }
  return hash.digits();
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
