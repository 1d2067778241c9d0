#pragma once
// The life and death of children, told by a watcher that takes no part: this process, which is the
// parent of the story's parent.
#include "cmd/stage.h"
#include "sys/clock.h"

namespace procrun::cmd {

/// So many children at most, whatever is asked for, and whatever fails to stop it.
constexpr int kMostZombies = 256;

/// A child ends, and its parent lives on for so long without waiting for it.
void zombie_story(Stage& stage, sys::Duration lives_on);

/// A parent ends, and its child lives on for so long.
void orphan_story(Stage& stage, sys::Duration lives_on);

struct Zombies {
  int count = 0;                 // it forks so often
  std::optional<int> most = {};  // and may have so many children
  sys::Duration lives_on{};
};

/// A parent goes on forking and waits for nobody.
void zombies_story(Stage& stage, const Zombies& zombies);

/// A variable each in data, heap and stack, before and after the child writes. Without a watcher:
/// parent and child say what they see.
int memory_story(bool explains, Chronicle& chronicle);

}  // namespace procrun::cmd
