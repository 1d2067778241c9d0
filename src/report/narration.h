#pragma once
// The story of a run, told line by line with the tutorial's words.
#include <string>

#include "event/event.h"
#include "sys/outlet.h"

namespace procrun::report {

/// Tells it on an outlet. Lines of failures are red where `colour` is on.
class Narration final : public event::Sink {
 public:
  enum class Story { Single, Pool };

  /// `name` is what a single command's process is called.
  Narration(sys::Outlet& out, Story story, std::string name, bool colour)
      : out_{out}, story_{story}, name_{std::move(name)}, colour_{colour} {}

  void take(const event::Event& event) override;

 private:
  std::string line_of(const event::Event& event) const;
  std::string single(const event::Event& event) const;
  std::string pool(const event::Event& event) const;

  sys::Outlet& out_;
  Story story_;
  std::string name_;
  bool colour_;
};

}  // namespace procrun::report
