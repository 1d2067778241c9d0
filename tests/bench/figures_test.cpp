#include "bench/figures.h"

#include <catch2/catch.hpp>
#include <cmath>

namespace procrun::bench {

TEST_CASE("a median is the middle one, whatever the order", "[bench]") {
  CHECK(median({3, 1, 2}) == 2);
  CHECK(median({4, 1, 2, 3}) == 2.5);
  CHECK(median({7}) == 7);
  CHECK(median({}) == 0);
}

TEST_CASE("a quantile lies between its neighbours in proportion", "[bench]") {
  CHECK(quantile({0, 10, 20, 30, 40}, 0.25) == 10);
  CHECK(quantile({0, 10}, 0.25) == 2.5);
  CHECK(quantile({0, 10}, 1) == 10);
}

TEST_CASE("what is added is taken round by round, so a slow round counts for nobody", "[bench]") {
  CHECK(median_added({11, 101, 12}, {1, 91, 2}) == 10);
}

TEST_CASE("growth compares the peaks of both halves, and is unbounded where it cannot be known",
          "[bench]") {
  CHECK(growth({1, 2, 1, 3}) == 1.5);
  CHECK(growth({2, 4, 4, 1}) == 1);
  CHECK(std::isinf(growth({1, 9})));
}

}  // namespace procrun::bench
