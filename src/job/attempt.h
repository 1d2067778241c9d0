#pragma once
// One attempt at a job: the command from its start until nothing of its tree is left.
#include <optional>
#include <set>

#include "job/deadlines.h"
#include "job/feed.h"
#include "job/oom.h"
#include "job/output.h"
#include "job/retry.h"
#include "job/stop.h"
#include "job/supervise.h"

namespace procrun::job {

/// What of a job outlives its single attempts.
struct Course {
  Deadlines deadlines;
  Usage usage;
  unsigned attempt = 1;
  std::optional<Feed> feed;  // stdin, where we have to see to it
  std::optional<LineBuffer> lines;
  bool last = false;       // no attempt may follow
  bool cancelled = false;  // nor does anybody wait for more output
};

/// See supervise(). To be run once.
class Attempt {
 public:
  Attempt(const Job& job, const Policy& policy, Context& context, Course& course)
      : job_{job},
        policy_{policy},
        context_{context},
        course_{course},
        output_{policy.output,
                context.spill(),
                context.pipes(),
                job.tag,
                policy.retry ? policy.retry->reasons.match.get() : nullptr,
                course.lines ? &*course.lines : nullptr} {}

  Supervised run();
  bool found_pattern() { return output_.found_pattern(); }
  void clean_up() noexcept;

 private:
  bool start();
  Command command();
  void sleep();
  void obey(const Order& order);
  void forward(const Order& order);
  void pause(const Order& order);
  void resume();
  static pid_t peek();
  bool reap();
  void note(pid_t pid, ExitStatus status, const rusage& usage);
  void tell_exit(ExitStatus status, const rusage& usage);
  void tell_orphans();
  void tell_orphan(pid_t pid);
  void settle();
  bool wound_up();
  void deal_with_leftovers();
  void linger();
  void give_up();
  void begin_stop(Outcome::Kind why, StopPlan plan, bool group_has_it);
  void after_step();
  void on_deadlines();
  void time_is_up();
  void name_leaks();
  Supervised conclude();

  void emit(event::Event event) {
    event.seq = job_.seq;
    event.attempt = course_.attempt;
    context_.emit(event);
  }

  const Job& job_;
  const Policy& policy_;
  Context& context_;
  Course& course_;
  CommandOutput output_;

  Outcome outcome_;
  sys::Clock::time_point started_ = sys::Clock::now();
  std::optional<OomCount> oom_before_;
  std::set<pid_t> orphans_;  // that have been told
  bool alive_ = false;       // the command has not been reaped
  bool children_ = false;    // somebody of the tree has not been reaped
  bool over_ = false;        // only its output may still have to be passed on
  sys::Deadline patience_;
  std::optional<Outcome::Kind> stopping_;
  Stop stop_;
  sys::Deadline gives_up_;
  bool dealt_with_leftovers_ = false;
};

}  // namespace procrun::job
