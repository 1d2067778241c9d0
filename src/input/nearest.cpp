#include "input/nearest.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace procrun::input {

std::string nearest(const std::string& word, const std::vector<std::string>& known) {
  const auto distance = [&](const std::string& other) {  // Levenshtein's
    std::vector<std::size_t> row(other.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= word.size(); ++i) {
      std::size_t diagonal = std::exchange(row[0], i);
      for (std::size_t j = 1; j <= other.size(); ++j) {
        const std::size_t change = diagonal + (word[i - 1] == other[j - 1] ? 0 : 1);
        diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, change}));
      }
    }
    return row.back();
  };
  const auto best = std::min_element(known.begin(), known.end(),
                                     [&](auto& a, auto& b) { return distance(a) < distance(b); });
  if (best == known.end() || distance(*best) > std::max<std::size_t>(2, word.size() / 3)) return {};
  return *best;
}

}  // namespace procrun::input
