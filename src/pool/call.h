#pragma once
// A function call as it travels to a worker.
#include <cstdint>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "pool/codec.h"

namespace procrun::pool {

class Link;

/// What a worker runs: decodes the arguments, does the work, encodes the result. It may talk to
/// the front through the link while it runs; what it throws travels back as text.
using Entry = void (*)(Link& link, Reader& arguments, Writer& result);

/// A call. Workers are forked from this very image and never exec, so that an address names the
/// same code on either side.
struct Call {
  std::uint64_t id = 0;
  std::string bytes;  // the entry's address, then its arguments
};

/// Begins the bytes of a call to `entry`.
inline Writer call_to(Entry entry) {
  Writer writer;
  writer.put(reinterpret_cast<std::uintptr_t>(entry));
  return writer;
}

/// The worker's side of apply: the function's address comes first, then its arguments.
template <class R, class... Params>
void invoke(Link&, Reader& arguments, Writer& result) {
  const auto function = arguments.get<std::uintptr_t>();
  const auto call = reinterpret_cast<R (*)(Params...)>(function);
  // Braces, not parentheses: they fix the order of decoding, left to right.
  std::tuple<std::decay_t<Params>...> decoded{arguments.get<std::decay_t<Params>>()...};
  if constexpr (std::is_void_v<R>) {
    std::apply(call, std::move(decoded));
  } else {
    result.put(std::apply(call, std::move(decoded)));
  }
}

/// The worker's side of map: one function, a chunk of arguments, as many results.
template <class R, class Param>
void invoke_each(Link&, Reader& arguments, Writer& result) {
  const auto function = arguments.get<std::uintptr_t>();
  const auto call = reinterpret_cast<R (*)(Param)>(function);
  auto values = arguments.get<std::vector<std::decay_t<Param>>>();
  if constexpr (std::is_void_v<R>) {
    for (auto& value : values) call(std::move(value));
  } else {
    std::vector<std::decay_t<R>> results;
    results.reserve(values.size());
    for (auto&& value : values) results.push_back(call(std::move(value)));
    result.put(results);
  }
}

/// The front's side of invoke(): the bytes of a call.
template <class R, class... Params, class... Args>
Writer make_call(R (*function)(Params...), Args&&... args) {
  static_assert(sizeof...(Params) == sizeof...(Args), "one argument for each parameter");
  Writer writer = call_to(&invoke<R, Params...>);
  writer.put(reinterpret_cast<std::uintptr_t>(function));
  (writer.put(std::decay_t<Params>(std::forward<Args>(args))), ...);
  return writer;
}

}  // namespace procrun::pool
