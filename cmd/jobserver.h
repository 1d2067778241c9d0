#pragma once
// A pool's part in GNU make's jobserver: whom it asks before it starts a job.
#include <memory>
#include <optional>
#include <string>

#include "engine/jobserver.h"
#include "engine/tokens.h"
#include "job/job.h"

namespace procrun::cmd {

/// The jobserver that MAKEFLAGS names, or one of our own for the jobs, or none.
class Jobserver {
 public:
  /// Looks for make's; with `serve` there is to be one of our own where there is none. To be made
  /// while only what we were given is open. `jobs`: what -j said; empty: nothing. `most`: where
  /// that may change, how many there can ever be.
  Jobserver(bool serve, const std::string& jobs, unsigned most = 0);

  /// make was told (-n) that nothing is to be done.
  bool dry_run() const noexcept { return flags_.dry_run; }
  /// How many jobs at once, at the most.
  unsigned slots() const noexcept { return slots_; }
  /// Opens what there is, with signals blocked, and tells the jobs of a jobserver of our own.
  /// Returns what starts a job, which lives as long as this; null: nothing is needed.
  engine::Tokens* open(job::Policy& policy);
  /// Removes what is ours: to be called before dying of a signal, too.
  void close() noexcept;

 private:
  std::string find();
  void warn(const std::string& trouble, bool without_number) const;
  void hand_on(job::Policy& policy) const;

  bool serve_;
  engine::MakeFlags flags_;
  std::optional<engine::JobserverClient> client_;
  std::optional<engine::JobserverServer> server_;
  unsigned slots_ = 1;
  unsigned most_;
  std::unique_ptr<engine::Tokens> tokens_;
};

}  // namespace procrun::cmd
