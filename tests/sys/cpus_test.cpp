#include "sys/cpus.h"

#include <sched.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "process/forked.h"
#include "support.h"

namespace sys = procrun::sys;
using procrun::test::in_child;
using procrun::test::NoChildLeft;
using procrun::test::TempDir;

namespace {

/// A make-believe /sys/fs/cgroup.
class Tree {
 public:
  Tree& v2(const std::string& directory, const std::string& max) {
    return file(directory + "/cpu.max", max + "\n");
  }
  Tree& v1(const std::string& directory, const std::string& quota, const std::string& period) {
    file(directory + "/cpu.cfs_quota_us", quota + "\n");
    return file(directory + "/cpu.cfs_period_us", period + "\n");
  }
  unsigned quota(const std::string& membership) const {
    return sys::cgroup_quota(dir_.path().string(), membership);
  }

 private:
  Tree& file(const std::string& name, const std::string& text) {
    const auto path = dir_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    procrun::test::write_file(path, text);
    return *this;
  }
  TempDir dir_;
};

}  // namespace

TEST_CASE("T50: a quota is rounded up to whole processors", "[cpus]") {
  CHECK(Tree{}.v2("a", "200000 100000").quota("0::/a\n") == 2);
  CHECK(Tree{}.v2("a", "150000 100000").quota("0::/a\n") == 2);
  CHECK(Tree{}.v2("a", "100001 100000").quota("0::/a\n") == 2);
  CHECK(Tree{}.v2("a", "1000 100000").quota("0::/a\n") == 1);
  CHECK(Tree{}.v2("a", "50000 25000").quota("0::/a\n") == 2);
}

TEST_CASE("a group without a limit has no quota", "[cpus]") {
  CHECK(Tree{}.v2("a", "max 100000").quota("0::/a\n") == 0);
  CHECK(Tree{}.quota("0::/a\n") == 0);
  CHECK(Tree{}.v1("cpu/a", "-1", "100000").quota("4:cpu:/a\n") == 0);
  CHECK(Tree{}.quota("") == 0);
}

TEST_CASE("the tightest limit on the way up to the root holds", "[cpus]") {
  Tree tree;
  tree.v2("a", "300000 100000").v2("a/b", "max 100000").v2("a/b/c", "500000 100000");
  CHECK(tree.quota("0::/a/b/c\n") == 3);
  tree.v2("a/b/c", "100000 100000");
  CHECK(tree.quota("0::/a/b/c\n") == 1);
}

TEST_CASE("a limit at the mount point itself holds, as in a container", "[cpus]") {
  CHECK(Tree{}.v2(".", "200000 100000").quota("0::/\n") == 2);
  CHECK(Tree{}.v2(".", "200000 100000").quota("0::/not/there\n") == 2);
}

TEST_CASE("a group beside ours does not limit us", "[cpus]") {
  CHECK(Tree{}.v2("b", "100000 100000").quota("0::/a\n") == 0);
}

TEST_CASE("the first version's quota is read from the processor's controller", "[cpus]") {
  const std::string membership = "5:memory:/other\n4:cpu,cpuacct:/a/b\n1:name=systemd:/a\n";
  CHECK(Tree{}.v1("cpu/a", "250000", "100000").quota(membership) == 3);
  CHECK(Tree{}.v1("cpu,cpuacct/a/b", "250000", "100000").quota(membership) == 3);
  CHECK(Tree{}.v1("memory/other", "100000", "100000").quota(membership) == 0);
}

TEST_CASE("a controller whose name only begins like the processor's is another", "[cpus]") {
  CHECK(Tree{}.v1("cpu/a", "100000", "100000").quota("3:cpuset,cpuacct:/a\n") == 0);
}

TEST_CASE("on a hybrid system both versions count", "[cpus]") {
  Tree tree;
  tree.v1("cpu,cpuacct/a", "400000", "100000").v2("unified/b", "200000 100000");
  CHECK(tree.quota("4:cpu,cpuacct:/a\n0::/b\n") == 2);
  CHECK(tree.quota("4:cpu,cpuacct:/a\n0::/c\n") == 4);
}

TEST_CASE("a group whose path holds a colon is read as it is", "[cpus]") {
  CHECK(Tree{}.v2("a:b", "200000 100000").quota("0::/a:b\n") == 2);
}

TEST_CASE("T50: usable processors are those that we may run on", "[cpus]") {
  const NoChildLeft guard;
  const auto end = in_child([](int) {
    cpu_set_t ours;
    if (::sched_getaffinity(0, sizeof ours, &ours) != 0) return 98;
    cpu_set_t one;
    CPU_ZERO(&one);
    for (std::size_t cpu = 0; CPU_COUNT(&one) == 0; ++cpu) {
      if (CPU_ISSET(cpu, &ours)) CPU_SET(cpu, &one);
    }
    if (::sched_setaffinity(0, sizeof one, &one) != 0) return 97;
    return static_cast<int>(sys::usable_cpus());
  });
  CHECK(end.exited(1));
}

TEST_CASE("there is at least one usable processor", "[cpus]") { CHECK(sys::usable_cpus() >= 1); }
