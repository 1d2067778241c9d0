// procrun's Pool as pool_calls.py uses Python's: prints the seconds that the calls took.
//   pool_calls apply_async|CHUNK CALLS
#include <fmt/core.h>
#include <procrun.h>

#include <chrono>
#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

namespace {

void nothing() {}
int next(int x) { return x + 1; }

void apply_each(procrun::Pool& pool, long calls) {
  std::vector<procrun::AsyncResult<void>> results;
  for (long i = 0; i < calls; ++i) results.push_back(pool.apply_async(nothing));
  for (auto& result : results) result.get();
}

bool map_all(procrun::Pool& pool, long calls, unsigned long chunk) {
  std::vector<int> values(static_cast<std::size_t>(calls));
  std::iota(values.begin(), values.end(), 0);
  const auto results = pool.map(next, values, chunk);
  return results.size() == values.size() && results.back() == static_cast<int>(calls);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string how = argv[1];
  const long calls = std::atol(argv[2]);
  procrun::Pool pool{2};
  pool.apply(nothing);  // the workers are there before the clock starts
  const auto start = std::chrono::steady_clock::now();
  if (how == "apply_async") {
    apply_each(pool, calls);
  } else if (!map_all(pool, calls, std::strtoul(argv[1], nullptr, 10))) {
    return 1;
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  fmt::print("{:.6f}\n", seconds.count());
  return 0;
}
