#pragma once
// Values as bytes, between processes that are copies of each other: no schema, no byte order.
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace procrun::pool {

/// Values that may be copied byte by byte into another process: anything trivially copyable that
/// is not a pointer. (A pointer inside a struct cannot be seen from here: do not send one.)
template <class T>
concept Plain = std::is_trivially_copyable_v<T> && !std::is_pointer_v<T> &&
                !std::is_member_pointer_v<T> && !std::is_same_v<T, std::string_view>;

/// Appends values to a string of bytes.
class Writer {
 public:
  template <Plain T>
  void put(const T& value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void put(std::string_view bytes) {
    put(bytes.size());
    bytes_.append(bytes);
  }
  void put(const std::string& bytes) { put(std::string_view{bytes}); }
  template <class T>
  void put(const std::vector<T>& values) {
    put(values.size());
    if constexpr (Plain<T> && !std::is_same_v<T, bool>) {
      bytes_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
    } else {
      for (const auto& value : values) put(static_cast<const T&>(value));
    }
  }
  template <class First, class Second>
  requires(!Plain<std::pair<First, Second>>) void put(const std::pair<First, Second>& pair) {
    put(pair.first);
    put(pair.second);
  }
  template <class... Parts>
  requires(!Plain<std::tuple<Parts...>>) void put(const std::tuple<Parts...>& parts) {
    std::apply([this](const auto&... part) { (put(part), ...); }, parts);
  }
  template <class T>
  requires(!Plain<std::optional<T>>) void put(const std::optional<T>& value) {
    put(value.has_value());
    if (value) put(*value);
  }

  const std::string& bytes() const& noexcept { return bytes_; }
  std::string bytes() && noexcept { return std::move(bytes_); }

 private:
  std::string bytes_;
};

template <class T>
struct Decode;

/// Takes the values out again, in the order in which they were put. Throws std::runtime_error
/// where the bytes end too early.
class Reader {
 public:
  explicit Reader(std::string_view bytes) noexcept : rest_{bytes} {}

  template <class T>
  T get() {
    return Decode<T>::from(*this);
  }
  std::string_view take(std::size_t size) {
    if (size > rest_.size()) throw std::runtime_error("a record ends too early");
    const auto head = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return head;
  }
  std::string_view rest() const noexcept { return rest_; }

 private:
  std::string_view rest_;
};

template <class T>
struct Decode {
  static_assert(Plain<T>,
                "only strings, vectors, pairs, tuples, optionals and plain values travel");
  static T from(Reader& reader) {
    std::array<char, sizeof(T)> bytes;
    std::memcpy(bytes.data(), reader.take(sizeof(T)).data(), sizeof(T));
    return std::bit_cast<T>(bytes);
  }
};

/// A view into the record, good as long as that is.
template <>
struct Decode<std::string_view> {
  static std::string_view from(Reader& reader) { return reader.take(reader.get<std::size_t>()); }
};

template <>
struct Decode<std::string> {
  static std::string from(Reader& reader) { return std::string{reader.get<std::string_view>()}; }
};

template <class T>
struct Decode<std::vector<T>> {
  static std::vector<T> from(Reader& reader) {
    const auto count = reader.get<std::size_t>();
    std::vector<T> values;
    if constexpr (Plain<T> && std::is_default_constructible_v<T> && !std::is_same_v<T, bool>) {
      const auto bytes = reader.take(count * sizeof(T));
      values.resize(count);
      if (count != 0) std::memcpy(values.data(), bytes.data(), bytes.size());
    } else {
      values.reserve(count);
      for (std::size_t i = 0; i < count; ++i) values.push_back(reader.get<T>());
    }
    return values;
  }
};

template <class First, class Second>
requires(!Plain<std::pair<First, Second>>) struct Decode<std::pair<First, Second>> {
  static std::pair<First, Second> from(Reader& reader) {
    // Braces, not parentheses: they fix the order of decoding, left to right.
    return std::pair<First, Second>{reader.get<First>(), reader.get<Second>()};
  }
};

template <class... Parts>
requires(!Plain<std::tuple<Parts...>>) struct Decode<std::tuple<Parts...>> {
  static std::tuple<Parts...> from(Reader& reader) {
    return std::tuple<Parts...>{reader.get<Parts>()...};
  }
};

template <class T>
requires(!Plain<std::optional<T>>) struct Decode<std::optional<T>> {
  static std::optional<T> from(Reader& reader) {
    if (!reader.get<bool>()) return std::nullopt;
    return reader.get<T>();
  }
};

}  // namespace procrun::pool
