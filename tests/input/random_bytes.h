#pragma once
// Byte strings that quoting and splitting get wrong if anything: the same ones in every run.
#include <random>
#include <string>
#include <string_view>

namespace procrun::test {

/// Any bytes but NUL, the troublesome ones far more often than others.
class RandomBytes {
 public:
  explicit RandomBytes(unsigned seed) : random_{seed} {}

  std::string next(std::size_t longest) {
    std::string bytes(below(longest + 1), '\0');
    for (auto& byte : bytes) byte = next_byte();
    return bytes;
  }

  std::size_t below(std::size_t bound) { return random_() % bound; }

 private:
  char next_byte() {
    constexpr std::string_view kTrouble =
        "'\"\\$`!~#=-/.{}%1 \t\n\r\x1b*?[](){}<>|&;\xc3\xa9\x80\xff";
    if (below(2) == 0) return kTrouble[below(kTrouble.size())];
    return static_cast<char>(1 + below(255));
  }

  std::mt19937 random_;
};

}  // namespace procrun::test
