#pragma once
// How far a pool has come: whether and how that is told.
#include <cstdint>
#include <memory>
#include <optional>

#include "cmd/options.h"
#include "event/event.h"
#include "sys/outlet.h"

namespace procrun::cmd {

struct ProgressOptions {
  enum class Form : std::uint8_t { None, Auto, Bar, Plain };

  Form form = Form::None;
  std::optional<sys::Duration> every;
};

void add_progress_options(Options& options, ProgressOptions& progress);

/// The form that Auto means here. `ungrouped`: jobs write to the terminal themselves, into a bar.
/// Throws UsageError where the options contradict each other, or there is no terminal for a bar.
ProgressOptions::Form form_of(const ProgressOptions& progress, bool ungrouped);

/// What tells it on `err`, which is stderr; null: nothing does.
std::unique_ptr<event::Sink> make_progress(ProgressOptions::Form form,
                                           const ProgressOptions& progress, sys::Outlet& err);

}  // namespace procrun::cmd
