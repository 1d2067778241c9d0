#include "input/nearest.h"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <utility>

namespace procrun::input {
namespace {

/// How many bytes have to be changed, put in or left out, or exchanged with their neighbour, to
/// make one of the other (the optimal string alignment).
std::size_t mistakes(std::string_view one, std::string_view other) {
  std::vector<std::size_t> before;
  std::vector<std::size_t> above;
  std::vector<std::size_t> row(other.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= one.size(); ++i) {
    before = std::exchange(above, row);
    row[0] = i;
    for (std::size_t j = 1; j <= other.size(); ++j) {
      const std::size_t change = above[j - 1] + (one[i - 1] == other[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, change});
      const bool exchanged =
          i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1];
      if (exchanged) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row.back();
}

}  // namespace

std::string nearest(const std::string& word, const std::vector<std::string>& known) {
  const auto best = std::min_element(known.begin(), known.end(), [&](auto& a, auto& b) {
    return mistakes(word, a) < mistakes(word, b);
  });
  const auto most = std::max<std::size_t>(1, word.size() / 3);
  return best == known.end() || mistakes(word, *best) > most ? std::string{} : *best;
}

}  // namespace procrun::input
